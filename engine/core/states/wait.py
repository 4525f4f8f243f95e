"""Wait: lets time pass. https://states-language.net/spec.html#wait-state

Whether a moment has come is decided once, at arrival, by the clock of the transition. Times are whole seconds from
the arrival, or instants cut to the second; one that has passed does not wait at all (measured).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from engine.core import dataflow
from engine.core.limits import SECONDS_MAX, WAIT_MS_MAX
from engine.core.outcomes import PROCEED, Outcome, Sleep, Visit
from engine.documents import Document
from engine.language.expressions.paths import NoMatch, Path
from engine.language.expressions.scope import ExpressionError
from engine.language.expressions.templates import Template
from engine.language.machine import Wait

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def arrive(state: Wait, visit: Visit) -> Outcome:
    due_ms = _due_ms(state, visit)
    if due_ms - visit.now_ms > WAIT_MS_MAX:
        raise ExpressionError("Wait state delay is too long.")
    return Sleep(due_ms) if due_ms > visit.now_ms else PROCEED


def advance(state: Wait, visit: Visit) -> Outcome:
    return dataflow.pass_on(state, visit, state.next, output=state.output, assign=state.assign)


def _due_ms(state: Wait, visit: Visit) -> int:
    seconds, timestamp = state.seconds, state.timestamp
    if isinstance(seconds, int):
        return visit.now_ms + seconds * 1000
    if isinstance(timestamp, str):
        return _instant_ms(timestamp)
    effective = dataflow.enter(state, visit.frame.input, visit.scope)
    if isinstance(seconds, Path):
        return visit.now_ms + _seconds(seconds, effective, visit) * 1000
    if seconds is not None:
        most = SECONDS_MAX
        found = dataflow.whole(seconds, "Seconds", effective, visit, visit.scope, 0, most)
        return visit.now_ms + (found or 0) * 1000
    assert timestamp is not None
    if isinstance(timestamp, Template):
        return _instant_ms(timestamp.evaluate(dataflow.states(visit.frame.input), visit.scope))
    value = _find(timestamp, effective, visit, "TimestampPath")
    try:
        return _instant_ms(value)
    except (TypeError, ValueError):
        raise ExpressionError(
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset "
            f"date-time format string: {timestamp.text} == {_shown(value)}"
        ) from None


def _find(path: Path, effective: Document, visit: Visit, name: str) -> Any:
    try:
        return path.find(effective.value, visit.scope)
    except NoMatch:
        raise ExpressionError(
            f"The {name} parameter does not reference an input value: {path.text}"
        ) from None


def _seconds(path: Path, effective: Document, visit: Visit) -> int:
    """A whole number of seconds, or text that looks like one (measured)."""
    value = _find(path, effective, visit, "SecondsPath")
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,18}", value, re.ASCII):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ExpressionError(
            f"The SecondsPath parameter cannot be parsed as a long value: {path.text} == {_shown(value)}"
        )
    if value < 0:
        raise ExpressionError(
            f"The SecondsPath parameter references a negative value: {path.text} == {value}"
        )
    return value


def _instant_ms(text: str) -> int:
    """An RFC 3339 instant, cut to the second. Raises TypeError or ValueError for anything else."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return round(datetime.fromisoformat(match[1] + match[2]).timestamp()) * 1000


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else Document.of(value).text.decode()
