"""The children of a Map or a Parallel under test: none is run, what they come to is mocked.

Of a Map it is shown what the children would get. Its thresholds are applied to the iterations that are supposed to have
failed; without thresholds the mocked result stands, whatever has failed (measured).
"""

from __future__ import annotations

from typing import Any

from engine.core.failures import Failure
from engine.core.outcomes import Distribute, Divide, Fails, Outcome
from engine.core.states import map_
from engine.core.states.distributed.batching import Batching, children
from engine.core.states.distributed.selecting import STATE_DATA, Item, Selecting
from engine.core.states.distributed.spec import MapRunSpec
from engine.core.states.distributed.tolerance import EXCEEDED, is_exceeded
from engine.documents import Document
from engine.errors import StateTestRefused
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Map
from engine.rehearsal.datasets import entries
from engine.rehearsal.onestate.question import Situation
from engine.rehearsal.onestate.reader_data import items_in
from engine.rehearsal.onestate.trial import Trial, bare


def finished(
    trial: Trial, outcome: Divide | Distribute, mocked: Document | Failure, situation: Situation
) -> Outcome:
    """The outcome of the state, once its children have come to what is mocked. Raises StateTestRefused."""
    failure = _prepared(trial, outcome, situation.reader_data)
    if failure is not None:
        return Fails(failure)
    failed = situation.failed_iterations
    if failed is not None:
        total = _total(outcome, mocked)
        if total is not None and failed > total:
            raise StateTestRefused(
                f"MapIterationFailureCount must be less than or equal to the number of items: {total}."
            )
        if isinstance(mocked, Document) and _is_exceeded(outcome, failed, total):
            return Fails(EXCEEDED)
    return Fails(mocked) if isinstance(mocked, Failure) else trial.join(mocked)


def _prepared(
    trial: Trial, outcome: Divide | Distribute, reader_data: str | None
) -> Failure | None:
    """Note what each child would get. A failure where that cannot be worked out."""
    state = trial.state
    if not isinstance(state, Map):
        return None
    if isinstance(outcome, Distribute):
        if isinstance(outcome.asked, Failure):
            return outcome.asked
        _note_thresholds(trial, outcome.asked)
    try:
        if isinstance(outcome, Distribute):
            assert isinstance(outcome.asked, MapRunSpec)
            return _select(trial, state, outcome.asked, reader_data)
        elif state.item_selector is not None:
            made = [
                map_.iteration_input(state, trial.visit, index, item).value
                for index, item in enumerate(outcome.items or [])
            ]
            trial.notes["ItemSelector"] = Document.of(made)
    except ExpressionError as error:
        return bare(error)
    return None


def _select(trial: Trial, state: Map, spec: MapRunSpec, reader_data: str | None) -> Failure | None:
    if spec.reader is None:
        items: list[Item] | Failure = list(entries(spec.items, STATE_DATA))
    elif reader_data is None:
        return None  # they are somewhere that nobody reads in a test
    else:
        items = items_in(reader_data, spec.reader)
    if isinstance(items, Failure):
        return items
    if spec.reader is not None and spec.reader.items_pointer is not None:
        trial.notes["ItemsPointer"] = _whole(items)
    selecting = Selecting(trial.machine, spec, trial.seed)
    if state.item_selector is not None:
        made: list[Any] = [selecting.select(item, trial.patience).value for item in items]
        trial.notes["ItemSelector"] = Document.of(made)
    if spec.batcher is not None:
        batches = children(selecting, Batching(spec, trial.limits), items, trial.patience)
        inputs = [each.input.value for each in batches if isinstance(each.input, Document)]
        trial.notes["ItemBatcher"] = Document.of(inputs)
    return None


def _whole(items: list[Item]) -> Document:
    """The array or the object that they are the items of."""
    if any(item.key is not None for item in items):
        return Document.of({item.key: item.value for item in items})
    return Document.of([item.value for item in items])


def _note_thresholds(trial: Trial, spec: MapRunSpec) -> None:
    trial.notes["ToleratedFailureCount"] = spec.tolerated_count
    trial.notes["ToleratedFailurePercentage"] = spec.tolerated_percentage


def _total(outcome: Divide | Distribute, mocked: Document | Failure) -> int | None:
    """How many items there are; None where only a reader could tell."""
    if isinstance(outcome, Divide):
        return outcome.total
    if isinstance(outcome.asked, MapRunSpec) and outcome.asked.items is not None:
        return outcome.length
    is_list = isinstance(mocked, Document) and isinstance(mocked.value, list)
    return len(mocked.value) if is_list and isinstance(mocked, Document) else None


def _is_exceeded(outcome: Divide | Distribute, failed: int, total: int | None) -> bool:
    spec = outcome.asked if isinstance(outcome, Distribute) else None
    if not isinstance(spec, MapRunSpec):
        return False
    count, percentage = spec.tolerated_count, spec.tolerated_percentage
    has_threshold = count is not None or percentage is not None
    return has_threshold and is_exceeded(count, percentage, failed, total)
