"""How runs end: an iteration, a frame that is dropped, the execution.

The terminal record is the last one, after every frame is gone; nothing follows it.
"""

from __future__ import annotations

from typing import Any

from msgspec import structs

from engine.core import records
from engine.core.context import parent_of
from engine.core.draft import Draft
from engine.core.effects import CancelTimer, Close, Tally
from engine.core.execution import ROOT, Closing, Enter, Frame, Status, Work
from engine.core.failures import RUNTIME, TIMEOUT
from engine.core.flow import rests, signals
from engine.core.flow.unwind import Walk, stack_of, walk


def close(
    draft: Draft, status: Status, error: str | None, cause: str | None, previous: int
) -> None:
    """End the execution: at once if only the root is left, else by dropping its frames in transitions to come."""
    if draft.operated.paused is not None:
        draft.operated = structs.replace(draft.operated, paused=None)
    root = draft.frames.get(ROOT)
    stack = stack_of(root) if root is not None else ()
    if stack:
        draft.closing = Closing(status, error, cause, previous, stack)
        draft.ready = [ROOT]
        return
    if root is not None:
        rests.record_taken(draft, root)
        draft.release(root)
    end(draft, status, error, cause, previous)


def go_on(draft: Draft) -> None:
    """Drop the next frames of an execution that is closing."""
    closing = draft.closing
    assert closing is not None
    way = walk(draft.frames, closing.stack)
    drop_all(draft, way, aborted=False)
    status, error, cause, previous = closing.status, closing.error, closing.cause, closing.previous
    if way.rest:
        draft.closing = Closing(status, error, cause, previous, way.rest)
        return
    root = draft.frames[ROOT]
    assert root is not None
    draft.release(root)
    end(draft, status, error, cause, previous)


def end(draft: Draft, status: Status, error: str | None, cause: str | None, previous: int) -> None:
    """Record the end, and before it the signals that nobody has taken; nothing of the execution waits any more. A time-out is told in the history alone, not by the execution's error (measured).

    Of one that has not succeeded the root frame stays as it is, for a redrive to go on from.
    """
    if status == "SUCCEEDED":
        draft.drop(ROOT)
    else:
        draft.operated = structs.replace(draft.operated, is_redrivable=True)
    if draft.operated.paused is not None:
        draft.operated = structs.replace(draft.operated, paused=None)
    details: dict[str, Any] = {}
    if status == "SUCCEEDED":
        details["output"] = draft.output
    else:
        told = TIMEOUT if status == "TIMED_OUT" else error
        details = {k: v for k, v in (("error", told), ("cause", cause)) if v is not None}
    signals.leave_over(draft)
    draft.record(records.CLOSED[status], previous, details)
    draft.status, draft.error, draft.cause = status, error, cause
    draft.closing = None
    draft.ready = []
    if draft.machine.timeout_seconds is not None and status != "TIMED_OUT":
        draft.effects.append(CancelTimer("", 1, "deadline"))  # armed by the first transition
    draft.effects.append(Close(status))


def cut_short(draft: Draft) -> Draft:
    """The history is full: the last record there may be is the execution's failure, or its success if that fits.

    What the transition would have done is undone; its first records stay, up to the last but one (measured).
    """
    most = draft.limits.records_max
    if draft.status != "RUNNING" and draft.last_record <= most:
        return draft
    full = Draft(draft.machine, draft.before, draft.now_ms, draft.limits, draft.patience)
    full.records = [record for record in draft.records if record.id < most]
    full.effects = [effect for effect in draft.effects if isinstance(effect, Tally)]
    full.last_record = full.records[-1].id if full.records else draft.before.last_record
    cause = f"The execution reached the maximum number of history events ({most})."
    close(full, "FAILED", RUNTIME, cause, full.last_record)
    return full


def drop_all(draft: Draft, way: Walk, *, aborted: bool) -> None:
    """Drop the frames of one stretch of the way, and the results of the children that were done."""
    for dropped in way.dropped:
        frame = rests.record_taken(draft, dropped)
        if aborted:
            _record_aborted(draft, frame)
        draft.release(frame)
        draft.drop(frame.id)
    results: list[str] = []
    for parent, index in way.visited:
        child = f"{parent}/{index}"
        if child in draft.frames and draft.frames[child] is None:
            del draft.frames[
                child
            ]  # it is known not to be there; what a long Map looked at must not pile up
            results.append(f"r:{parent}:{index}")
    draft.forget(*results)


def record_iteration(draft: Draft, frame: Frame, what: str, previous: int) -> int:
    """MapIteration<what> for a frame that is an iteration; returns the id that follows `previous` either way."""
    parent = draft.parent(frame)
    state = draft.machine.states.get(parent.state)  # None: of a version that has been left
    if state is None or state.type != "Map":
        return previous
    details = {"name": parent.state, "index": frame.index}
    return draft.record(f"MapIteration{what}", previous, details)


def _record_aborted(draft: Draft, frame: Frame) -> None:
    """What the history says of a frame that is dropped because a sibling failed."""
    state = draft.machine.states.get(frame.state)  # None: of a version that has been left
    kind = state.type if state is not None else ""
    previous = frame.previous
    if isinstance(frame.hold, Work) and frame.hold.map_run:
        previous = draft.record("MapRunAborted", previous, {})
    if kind in records.ABORTED and not isinstance(frame.hold, Enter):
        draft.record(records.ABORTED[kind], previous, {})
    if frame.entry and parent_of(frame.id):
        record_iteration(draft, frame, "Aborted", frame.previous)
