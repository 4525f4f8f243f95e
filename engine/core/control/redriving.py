"""Redrive: a closed execution goes on from where it failed, under the same id and in the same history.

The root strand is where it goes on from, with the data and the variables that it had. A Parallel or Map that failed is
run again whole: what its branches and iterations had done was dropped when it failed. A distributed Map goes on with the
Map Run that it has begun, in which only what has not succeeded is run again, unless it is for other items now. Attempts are counted anew, a
task's time-outs begin anew, and so does the machine's; a Wait keeps the moment it waits for.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

from msgspec import structs

from engine.core import orders
from engine.core.control import refusals
from engine.core.control.pausing import told
from engine.core.draft import Draft
from engine.core.effects import StartTimer
from engine.core.execution import ENTER, ROOT, RUN, Backoff, Delay, Enter, Frame, Hold, Operated
from engine.core.states import ARRIVE
from engine.language.machine import Machine


def hindrance(
    machine: Machine, root: Frame | None, records: int, records_max: int
) -> tuple[str, str] | None:
    """Why a closed execution with so many records could not go on with a machine: a reason and a sentence. Pure."""
    if root is None:
        return refusals.NOT_REDRIVABLE, "Nothing is left to go on from."
    if records >= records_max - 1:  # as AWS Step Functions
        return "history_full", f"Its history has {records} records."
    state = machine.states.get(root.state or machine.start_at)
    if state is None or machine.parents.get(state.name) is not None:
        return refusals.NO_STATE, f"The version has no state {root.state} at its top level."
    return None


def redrive(draft: Draft, order: orders.RedriveRequested) -> str | None:
    """Make the root strand ready to try its state again."""
    root = draft.frames.get(ROOT)
    before = draft.before
    if root is None or not draft.operated.is_redrivable:
        return refusals.NOT_REDRIVABLE
    redrives = draft.operated.redrives + 1
    draft.operated = Operated(redriven_ms=draft.now_ms, redrives=redrives)
    draft.error = draft.cause = None
    shown = {"redriveCount": redrives, "version": before.version, "input": order.data}
    redriven = draft.record("ExecutionRedriven", 0, told(order, **shown))
    if draft.machine.timeout_seconds is not None:
        due_ms = draft.operated.deadline_ms(before.started_ms, draft.machine.timeout_seconds)
        draft.effects.append(StartTimer("", 1, "deadline", due_ms))
    frame = structs.replace(
        root,
        state=root.state or draft.machine.start_at,
        input=root.input if order.data is None else order.data,
        previous=redriven,
        retries=(),
        retry_count=0,
        version=before.version,
    )
    _place(draft, frame)
    return None


def _place(draft: Draft, frame: Frame) -> None:
    """Where the strand rests: it tries again at once, but for a Wait whose moment is still to come."""
    hold = frame.hold
    if isinstance(hold, Delay) and hold.due_ms > draft.now_ms:
        draft.effects.append(StartTimer(frame.id, draft.revision, "due", hold.due_ms))
        draft.put(structs.replace(frame, hold=Delay(draft.revision, hold.due_ms)))
        return
    draft.put(structs.replace(frame, hold=_again(draft, frame)))
    draft.wake(frame.id)


def _again(draft: Draft, frame: Frame) -> Hold:
    if isinstance(frame.hold, Enter) or not frame.entry:
        return ENTER
    if draft.machine.states[frame.state].type not in ARRIVE or isinstance(frame.hold, Delay):
        return RUN
    return Backoff(draft.revision, draft.now_ms)
