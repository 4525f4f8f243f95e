"""Stopping: gracefully, so that a Catch can compensate, or at once.

A graceful stop makes the root strand's state fail as Detent.Cancelled. Its children are dropped first, without being
asked: one strand decides, so that one compensation runs. No Retry takes it, and of the catchers only one that names
Detent.Cancelled: States.ALL does not match it, for such a catcher was written for work that went wrong and is to go on
another way, and a stopped execution must not go on by accident. Where nothing catches it the execution ends as ABORTED.
"""

from __future__ import annotations

from msgspec import structs

from engine.core import orders
from engine.core.control import refusals
from engine.core.control.pausing import told
from engine.core.draft import Draft
from engine.core.execution import ROOT, Enter, Fork, Unwind
from engine.core.failures import CANCELLED, Failure
from engine.core.flow import endings, rests, steps


def cancel(draft: Draft, order: orders.CancelRequested) -> str | None:
    """Let the root strand's state fail as cancelled."""
    if draft.operated.cancelled:
        return refusals.ALREADY_CANCELLED
    if draft.operated.paused is not None:
        return refusals.PAUSED
    root = draft.frames.get(ROOT)
    if root is None:
        return refusals.NO_FRAME
    draft.operated = structs.replace(draft.operated, cancelled=True)
    cause = order.cause if order.cause is not None else order.reason
    error = order.error or CANCELLED
    draft.record("ExecutionCancelRequested", 0, told(order, error=error, cause=cause))
    failure = Failure(error, cause, cancelled=True)
    hold = root.hold
    if isinstance(hold, Unwind):
        unwinding = structs.replace(hold, error=error, cause=cause, cancelled=True, then=None)
        draft.put(structs.replace(root, hold=unwinding))
        return None
    if isinstance(hold, Enter):
        root = rests.enter(draft, root, root.previous)
    if not isinstance(hold, Fork):
        root = rests.record_taken(draft, root)
        draft.release(root)
        draft.rest(ROOT)
    steps.fail(draft, root, failure)
    return None


def terminate(draft: Draft, order: orders.TerminateRequested) -> str | None:
    """End it at once; what its strands hold is dropped."""
    draft.record("ExecutionTerminateRequested", 0, told(order))
    endings.close(draft, "ABORTED", order.error, order.cause, 0)
    return None
