"""Map: runs its processor once for each item of an array. https://states-language.net/spec.html#map-state"""

from __future__ import annotations

from typing import Any

from engine.core import dataflow
from engine.core.failures import parameters_too_large
from engine.core.outcomes import Divide, Fails, Leave, Outcome, Visit
from engine.documents import Document
from engine.language.expressions.paths import Path
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Map


def arrive(state: Map, visit: Visit) -> Outcome:
    """MaxConcurrency is looked at before the items, as AWS does."""
    effective = dataflow.select(state.input_path, visit.frame.input, visit.scope)
    if state.input_path is not None and not visit.limits.fits(effective):
        return Fails(parameters_too_large(state.name))  # a union can name one item many times
    window = _window(state.concurrency_max, effective, visit) or visit.limits.map_window
    items = effective.value
    path = "$"
    if state.items_path is not None:
        path = state.items_path.text
        items = state.items_path.find(items, visit.scope)
    if not isinstance(items, list):
        raise ExpressionError(f'Reference path "{path}" must point to array.')
    return Divide(len(items), min(window, max(1, len(items))), items)


def iteration_input(state: Map, visit: Visit, index: int, item: Any) -> Document:
    """What an iteration starts with: its item, or what ItemSelector makes of it; `$` is the Map's effective input."""
    if state.item_selector is None:
        return Document.of(item)
    if visit.effective is None:
        visit.effective = dataflow.select(state.input_path, visit.frame.input, visit.scope)
    scope = visit.scope_with(item=(index, item))
    shaped = dataflow.shape(state.item_selector, visit.effective, scope)
    visit.effort += scope.effort
    return shaped


def join(state: Map, visit: Visit, results: Document) -> Outcome:
    """`results` is the array of the iterations' outputs, in the order of the items."""
    shaped = dataflow.shape(state.result_selector, results, visit.scope)
    output = dataflow.place(state.result_path, visit.frame.input, shaped)
    return Leave(dataflow.select(state.output_path, output, visit.scope), state.next)


def _window(given: int | Path | None, effective: Document, visit: Visit) -> int:
    """MaxConcurrency as a number; 0 where the author sets no limit."""
    if given is None or isinstance(given, int):
        return given or 0
    value = given.find(effective.value, visit.scope)
    if not isinstance(value, int) or isinstance(value, bool):
        shown = value if isinstance(value, str) else Document.of(value).text.decode()
        raise ExpressionError(
            f'The MaxConcurrencyPath field refers to value "{shown}" which is not a valid integer: {given.text}'
        )
    if value < 0:
        raise ExpressionError("MaxConcurrency cannot be negative.")
    return value
