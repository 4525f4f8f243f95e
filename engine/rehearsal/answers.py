"""What the performers of tasks say in a rehearsal, attempt by attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from engine.core.effects import ScheduleTask


class Succeed(Struct, frozen=True):
    """The task gives `output` (a JSON value), `after_ms` from being taken. `beats_ms`: heartbeats before that."""

    output: Any = None
    after_ms: int = 0
    worker: str = ""
    beats_ms: tuple[int, ...] = ()


class Fail(Struct, frozen=True):
    """The task is reported failed; `transport` tells a broken connection rather than an answer."""

    error: str | None = None
    cause: str | None = None
    after_ms: int = 0
    worker: str = ""
    transport: bool = False
    beats_ms: tuple[int, ...] = ()


class Silence(Struct, frozen=True):
    """The task is taken and never answered; with `taken` false, nobody even takes it."""

    taken: bool = True
    worker: str = ""
    beats_ms: tuple[int, ...] = ()


class Submit(Struct, frozen=True):
    """The request of a callback task is answered with `output`; the callback comes `then`, counted from there."""

    output: Any = None
    then: Succeed | Fail | Silence = Silence()
    after_ms: int = 0
    worker: str = ""
    beats_ms: tuple[int, ...] = ()


Answer = Succeed | Fail | Silence | Submit
Answers = Mapping[str, Sequence[Answer]] | Callable[[ScheduleTask], Answer]


def given_answers(script: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[Answer]]:
    """Answers written as data: `{Pay: [{fail: Busy}, {succeed: {paid: true}}]}`.

    Each entry is `{succeed: <value>}`, `{fail: <error>, cause: <text>}`, `{silence: true}` or
    `{submit: <value>, then: <entry>}`, with `after_ms`, `worker`, `beats_ms` and `transport` where they apply.
    Raises ValueError for anything else.
    """
    return {state: [_answer(entry) for entry in entries] for state, entries in script.items()}


def _answer(entry: Mapping[str, Any]) -> Answer:
    rest = {key: value for key, value in entry.items() if key in {"after_ms", "worker"}}
    if "beats_ms" in entry:
        rest["beats_ms"] = tuple(entry["beats_ms"])
    if "succeed" in entry:
        return Succeed(entry["succeed"], **rest)
    if "fail" in entry:
        transport = bool(entry.get("transport", False))
        return Fail(entry["fail"], entry.get("cause"), transport=transport, **rest)
    if "silence" in entry:
        rest.pop("after_ms", None)
        return Silence(taken=entry["silence"] != "untaken", **rest)
    if "submit" in entry:
        then = _answer(entry["then"]) if "then" in entry else Silence()
        if isinstance(then, Submit):
            raise ValueError("a callback cannot be submitted twice")
        return Submit(entry["submit"], then, **rest)
    raise ValueError(f"not an answer: {dict(entry)!r}")
