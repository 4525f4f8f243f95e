"""The evaluator, jsonatapy, called in one place: compiled forms, host functions, and every way it can fail.

A compiled form may be used and dropped only in the thread that made it; anything else is a panic. So each thread keeps
its own, by source, and never gives one away.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

from jsonatapy import JsonataExpression
from jsonatapy import compile as compile_native

from engine.language.expressions.jsonata.functions import BY_CHANCE, SIMPLE, InvalidCall
from engine.language.expressions.jsonata.values import fitting
from engine.language.expressions.scope import Entropy

COMPILED_MAX = 1_000  # forms kept per thread, the oldest dropped first; a few KiB each
STACK_DEPTH_MAX = 100  # as AWS Step Functions (measured)

BUILT_IN_BY_CHANCE = frozenset(("random", "shuffle"))  # of jsonatapy; ours replace them

_CODED = re.compile(r"([A-Z]\d{4}): (.*)", re.DOTALL)


class NativeFailure(Exception):
    """The evaluator refused; `code` is JSONata's, or empty where the failure is the evaluator's own."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code}: {text}")


class _Surroundings:
    """What host functions reach during one evaluation, and how one of them failed."""

    __slots__ = ("entropy", "failure")

    def __init__(self) -> None:
        self.entropy: Entropy | None = None
        self.failure: InvalidCall | None = None


class _Thread(threading.local):
    """One thread's compiled forms, each with the surroundings of its host functions."""

    def __init__(self) -> None:
        self.compiled: dict[str, tuple[JsonataExpression, _Surroundings]] = {}


_thread = _Thread()


def run(
    source: str,
    names: frozenset[str],
    document: dict[str, Any],
    *,
    entropy: Entropy,
    timeout_ms: int,
    sequence_max: int,
) -> dict[str, Any]:
    """Evaluate a source over a document; `names` are the built-in functions that it mentions.

    Raises NativeFailure for whatever goes wrong, and nothing else.
    """
    compiled, surroundings = _thread.compiled.get(source) or _compile(source, names)
    surroundings.entropy = entropy
    surroundings.failure = None
    try:
        return _evaluate(compiled, document, timeout_ms, sequence_max)
    except NativeFailure:
        if surroundings.failure is not None:
            raise NativeFailure(surroundings.failure.code, surroundings.failure.text) from None
        raise


def _evaluate(
    compiled: JsonataExpression, document: dict[str, Any], timeout_ms: int, sequence_max: int
) -> dict[str, Any]:
    try:
        result: dict[str, Any] = compiled.evaluate(
            document,
            timeout=timeout_ms,
            max_stack_depth=STACK_DEPTH_MAX,
            max_sequence_length=sequence_max,
        )
    except TypeError as error:
        fitted = fitting(document)
        if fitted is document:
            raise NativeFailure("", str(error)) from None
        # An integer beyond 64 bits, which is rare enough to be looked for only now; JSONata's numbers are doubles.
        return _evaluate(compiled, fitted, timeout_ms, sequence_max)
    except ValueError as error:
        found = _CODED.search(str(error))
        raise NativeFailure(*(found.groups() if found else ("", str(error)))) from None
    except MemoryError:
        raise NativeFailure("D2015", "out of memory") from None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise NativeFailure("", str(error)) from None  # a panic of the native code
    return result


def _compile(source: str, names: frozenset[str]) -> tuple[JsonataExpression, _Surroundings]:
    surroundings = _Surroundings()
    try:
        compiled = compile_native(source)
        for name in names & (SIMPLE.keys() | BY_CHANCE.keys()):
            register = (
                compiled.register_override if name in BUILT_IN_BY_CHANCE else compiled.register
            )
            register(name, _host(name, surroundings))
    except ValueError as error:
        raise NativeFailure("", str(error)) from None
    kept = _thread.compiled
    kept[source] = compiled, surroundings
    if len(kept) > COMPILED_MAX:
        del kept[next(iter(kept))]
    return compiled, surroundings


def _host(name: str, surroundings: _Surroundings) -> Callable[..., Any]:
    function = SIMPLE.get(name) or BY_CHANCE[name]
    by_chance = name in BY_CHANCE

    def call(*arguments: Any) -> Any:
        try:
            if by_chance:
                return function(surroundings.entropy, *arguments)
            return fitting(function(*arguments))
        except InvalidCall as failure:
            surroundings.failure = failure
            raise

    return call
