"""Map: runs its processor once for each item of an array. https://states-language.net/spec.html#map-state"""

from __future__ import annotations

import re
from typing import Any

from engine.core import dataflow
from engine.core.failures import QUERY_EVALUATION_ERROR, parameters_too_large
from engine.core.outcomes import Divide, Fails, Outcome, Visit
from engine.documents import Document
from engine.language.expressions.scope import ExpressionError
from engine.language.expressions.templates import Template
from engine.language.machine import Map, Number

WINDOW_MAX = 1_000_000_000


def arrive(state: Map, visit: Visit) -> Outcome:
    """MaxConcurrency is looked at before the items, as AWS does."""
    raw, scope = visit.frame.input, visit.scope
    effective = dataflow.enter(state, raw, scope)
    if state.input_path is not None and not visit.limits.fits(effective):
        return Fails(parameters_too_large(state.name))  # a union can name one item many times
    window = _window(state.concurrency_max, effective, visit) or visit.limits.map_window
    items = _items(state, visit, effective)
    return Divide(len(items), min(window, max(1, len(items))), items)


def _items(state: Map, visit: Visit, effective: Document) -> list[Any]:
    if state.query_language == "JSONata":
        if state.items is not None:
            found: list[Any] = state.items.evaluate(dataflow.states(visit.frame.input), visit.scope)
            return found
        if isinstance(effective.value, list):
            return effective.value
        shown = effective.text.decode()
        cause = f"Map state input must be an array but was: {shown}"
        raise ExpressionError(cause, QUERY_EVALUATION_ERROR)
    items, path = effective.value, "$"
    if state.items_path is not None:
        path = state.items_path.text
        items = state.items_path.find(items, visit.scope)
    if not isinstance(items, list):
        raise ExpressionError(f'Reference path "{path}" must point to array.')
    return items


def iteration_input(state: Map, visit: Visit, index: int, item: Any) -> Document:
    """What an iteration starts with: its item, or what ItemSelector makes of it; `$` is the Map's effective input."""
    if state.item_selector is None:
        return Document.of(item)
    scope = visit.scope_with(item=(index, item))
    raw = visit.frame.input
    if state.query_language == "JSONata":
        shaped = Document.of(state.item_selector.evaluate(dataflow.states(raw), scope))
    else:
        if visit.effective is None:
            visit.effective = dataflow.enter(state, raw, visit.scope)
        shaped = dataflow.shape(state.item_selector, visit.effective, scope)
    visit.effort += scope.effort
    return shaped


def join(state: Map, visit: Visit, results: Document) -> Outcome:
    """`results` is the array of the iterations' outputs, in the order of the items."""
    return dataflow.leave(state, visit, results)


_WHOLE_TEXT = re.compile(r"[+-]?\d{1,9}", re.ASCII)


def _window(given: Number, effective: Document, visit: Visit) -> int:
    """MaxConcurrency as a number; 0 where the author sets no limit. A path may lead to text that reads as one (measured)."""
    if given is None or isinstance(given, int):
        return given or 0
    if isinstance(given, Template):
        found = dataflow.whole(
            given, "MaxConcurrency", effective, visit, visit.scope, 0, WINDOW_MAX
        )
        return found or 0
    value = given.find(effective.value, visit.scope)
    if isinstance(value, str) and _WHOLE_TEXT.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        shown = value if isinstance(value, str) else Document.of(value).text.decode()
        raise ExpressionError(
            f'The MaxConcurrencyPath field refers to value "{shown}" which is not a valid integer: {given.text}'
        )
    if value < 0:
        raise ExpressionError("MaxConcurrency cannot be negative.")
    return value
