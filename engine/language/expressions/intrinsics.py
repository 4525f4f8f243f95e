"""Intrinsic functions in JSONPath mode: the calls, read once, at publish.

A call is `States.Name(argument, ...)`; an argument is a single-quoted string, a number, true, false, null, a path or a
call. Calls nest at most `CALLS_DEPTH_MAX` deep, and only four escapes exist in a string. What the functions do is in
`functions`. https://states-language.net/spec.html#intrinsic-functions
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from engine.language.expressions.faults import SyntaxFault, one_line
from engine.language.expressions.functions import FUNCTIONS, InvalidArguments
from engine.language.expressions.paths import NoMatch, Path, parse_argument
from engine.language.expressions.scope import ExpressionError, Scope
from engine.language.expressions.values import json_text

CALLS_DEPTH_MAX = 10  # as AWS Step Functions.

Evaluate = Callable[[Any, Scope], Any]

_BLANKS = re.compile(r"\s*")
_NAME = re.compile(r"(States\.\w+)\(")
_CALL_LIKE = re.compile(r"([\w.]{1,80})\(")
_STRING = re.compile(r"'((?:[^'\\]|\\['{}\\])*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(['{}\\])")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])")
_WORD = re.compile(r"(true|false|null)(?!\w)")
_WORDS = {"true": True, "false": False, "null": None}


class Intrinsic:
    """A compiled call.

    `evaluate(value, scope)` answers its value or raises ExpressionError. `paths` lists every path inside; `warnings`
    are calls with a wrong number of arguments: AWS accepts those and fails when it comes to them, and so does this.
    """

    __slots__ = ("evaluate", "paths", "warnings")

    def __init__(
        self, evaluate: Evaluate, paths: tuple[Path, ...], warnings: tuple[str, ...]
    ) -> None:
        self.evaluate = evaluate
        self.paths = paths
        self.warnings = warnings


def compile_intrinsic(text: str, *, functions: frozenset[str] | None = None) -> Intrinsic:
    """Compile a call; blanks around it are allowed. `functions` limits which may be called, e.g. in a Fail state.

    Raises SyntaxFault, a ValueError.
    """
    reader = _Reader(text, functions)
    reader.blanks()
    evaluate = reader.call(1)
    reader.blanks()
    if reader.at != len(text):
        raise reader.fault("nothing may follow the call")
    return Intrinsic(evaluate, tuple(reader.paths), tuple(reader.warnings))


class _Reader:
    """A recursive-descent reader over one call."""

    def __init__(self, text: str, functions: frozenset[str] | None) -> None:
        self.text = text
        self.at = 0
        self.allowed = FUNCTIONS.keys() if functions is None else functions
        self.paths: list[Path] = []
        self.warnings: list[str] = []

    def call(self, depth: int) -> Evaluate:
        start = self.at
        found = _NAME.match(self.text, start)
        if found is None:
            named = _CALL_LIKE.match(self.text, start)
            unknown = f"States.{named[1].rpartition('.')[2]}" if named else ""
            reason = "a path or an intrinsic function States.Name(...) was expected"
            raise self.fault(reason, unknown=unknown)
        name = found[1]
        if name not in FUNCTIONS:
            raise self.fault(f"there is no intrinsic function {one_line(name)}", unknown=name)
        if name not in self.allowed:
            raise self.fault(f"{name} is not supported in this field")
        if depth > CALLS_DEPTH_MAX:
            raise self.fault(f"intrinsic functions nest deeper than {CALLS_DEPTH_MAX} levels")
        self.at = found.end()
        arguments = self.arguments(name, depth)
        function = FUNCTIONS[name]
        if not function.takes(len(arguments)):
            self.warnings.append(
                f"{name} takes {function.arity} argument(s), not {len(arguments)}, and will fail"
            )
        return _call(name, arguments, self.text[start : self.at])

    def arguments(self, name: str, depth: int) -> list[Evaluate]:
        """The arguments up to and with the closing bracket."""
        arguments: list[Evaluate] = []
        while self.blanks() != ")":
            if arguments:
                if self.peek() != ",":
                    raise self.fault("',' or ')' was expected")
                self.at += 1
                self.blanks()
            is_template = name == "States.Format" and not arguments
            arguments.append(self.argument(depth, is_template=is_template))
        self.at += 1
        return arguments

    def argument(self, depth: int, *, is_template: bool) -> Evaluate:
        if self.peek() == "$":
            path, self.at = parse_argument(self.text, self.at)
            self.paths.append(path)
            return path.find
        if found := _STRING.match(self.text, self.at):
            self.at = found.end()
            # Format tells an escaped brace from a placeholder, so it takes its template with the escapes.
            return _constant(found[1] if is_template else _ESCAPE.sub(r"\1", found[1]))
        if found := _NUMBER.match(self.text, self.at):
            self.at = found.end()
            is_integer = found[0].lstrip("+-").isdigit()
            return _constant(int(found[0]) if is_integer else float(found[0]))
        if found := _WORD.match(self.text, self.at):
            self.at = found.end()
            return _constant(_WORDS[found[1]])
        if self.peek() == "'":
            raise self.fault(r"the string is not closed, or has an escape other than \' \{ \} \\")
        return self.call(depth + 1)

    def blanks(self) -> str:
        """Skip white space and return the character there, "" at the end."""
        found = _BLANKS.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.peek()

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def fault(self, reason: str, *, unknown: str = "") -> SyntaxFault:
        return SyntaxFault(reason, self.text, self.at, unknown=unknown)


def _constant(value: Any) -> Evaluate:
    if isinstance(value, float) and not math.isfinite(value):

        def refuse(_value: Any, _scope: Scope) -> Any:
            raise InvalidArguments  # 1e309 is a number to the grammar, but no JSON value

        return refuse
    return lambda _value, _scope: value


def _call(name: str, arguments: list[Evaluate], text: str) -> Evaluate:
    function = FUNCTIONS[name]

    def evaluate(value: Any, scope: Scope) -> Any:
        try:
            given = [argument(value, scope) for argument in arguments]
            for each in given:
                scope.spend_on(each)
            result = function(given, scope)
            scope.spend_on(result)
            return result
        except NoMatch as missing:
            raise ExpressionError(
                f"The function '{text}' had the following error: The JsonPath argument for the field "
                f"'{missing.path}' could not be found in the input '{json_text(value)}'"
            ) from None
        except InvalidArguments as refused:
            reason = str(refused) or f"Invalid arguments in {name}"
            raise ExpressionError(
                f"There was an error while evaluating the intrinsic function: {text}. {reason}"
            ) from None

    return evaluate
