"""What inline and distributed Maps have in common: how wide they run, and which items the state's data holds."""

from __future__ import annotations

import re
from typing import Any

from engine.core import dataflow
from engine.core.failures import QUERY_EVALUATION_ERROR
from engine.core.outcomes import Visit
from engine.documents import Document
from engine.language.expressions.paths import Path
from engine.language.expressions.scope import ExpressionError
from engine.language.expressions.templates import Template
from engine.language.machine import Map, Number

WINDOW_MAX = 1_000_000_000
_WHOLE_TEXT = re.compile(r"[+-]?\d{1,9}", re.ASCII)


def items_of(state: Map, visit: Visit, effective: Document) -> Any:
    """The items in the state's data: an array, or of a distributed Map also an object whose entries they are."""
    items = _found(state, visit, effective)
    visit.scope.note("Items", items)
    return items


def _found(state: Map, visit: Visit, effective: Document) -> Any:
    kinds = list if state.distributed is None else (list, dict)
    if state.query_language == "JSONata":
        if state.items is not None:
            return state.items.evaluate(dataflow.states(visit.frame.input), visit.scope)
        if isinstance(effective.value, kinds):
            return effective.value
        shown = effective.text.decode()
        cause = f"Map state input must be an array but was: {shown}"
        raise ExpressionError(cause, QUERY_EVALUATION_ERROR)
    items, path = effective.value, "$"
    if state.items_path is not None:
        path = state.items_path.text
        items = state.items_path.find(items, visit.scope)
    if not isinstance(items, kinds):
        shown = "$" + path.removeprefix("$$") if path.startswith("$$") else path  # (measured)
        raise ExpressionError(f'Reference path "{shown}" must point to array.')
    return items


def window_of(state: Map, visit: Visit, effective: Document) -> int:
    """MaxConcurrency as a number; 0 where the author sets no limit."""
    given = state.concurrency_max
    if isinstance(given, Template):
        found = dataflow.whole(
            given, "MaxConcurrency", effective, visit, visit.scope, 0, WINDOW_MAX
        )
        return found or 0
    value = whole_number(given, "MaxConcurrency", effective, visit) or 0
    if value < 0:
        raise ExpressionError("MaxConcurrency cannot be negative.")
    return value


def whole_number(given: Number, field: str, effective: Document, visit: Visit) -> int | None:
    """A field's number, which its path or expression finds, whatever its range.

    A path may lead to text that reads as one (measured).
    """
    if given is None or isinstance(given, int):
        return given
    if isinstance(given, Template):
        return int(given.evaluate(dataflow.states(visit.frame.input), visit.scope))
    value = given.find(effective.value, visit.scope)
    if isinstance(value, str) and _WHOLE_TEXT.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise unreadable(given, field, value, "integer")
    return value


def unreadable(path: Path, field: str, value: Any, kind: str) -> ExpressionError:
    """The failure of `<field>Path` that leads to no number."""
    shown = value if isinstance(value, str) else Document.of(value).text.decode()
    return ExpressionError(
        f'The {field}Path field refers to value "{shown}" which is not a valid {kind}: {path.text}'
    )
