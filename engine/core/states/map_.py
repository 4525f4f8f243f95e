"""Map: runs its processor once for each item of an array. https://states-language.net/spec.html#map-state"""

from __future__ import annotations

from typing import Any

from engine.core import dataflow
from engine.core.failures import parameters_too_large
from engine.core.outcomes import Divide, Fails, Outcome, Visit
from engine.core.states import distributed
from engine.core.states.mapping import items_of, window_of
from engine.documents import Document
from engine.language.machine import Map


def arrive(state: Map, visit: Visit) -> Outcome:
    """MaxConcurrency is looked at before the items, as AWS does."""
    raw, scope = visit.frame.input, visit.scope
    effective = dataflow.enter(state, raw, scope)
    if state.input_path is not None and not visit.limits.fits(effective):
        return Fails(parameters_too_large(state.name))  # a union can name one item many times
    window = window_of(state, visit, effective)
    scope.note("MaxConcurrency", window)
    if state.distributed is not None:
        return distributed.arrive(state, state.distributed, visit, effective, window)
    items = items_of(state, visit, effective)
    window = window or visit.limits.map_window
    return Divide(len(items), min(window, max(1, len(items))), items)


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
    """`results` is the array of the iterations' outputs, in the order of the items, or what a Map Run gave."""
    return dataflow.leave(state, visit, results)
