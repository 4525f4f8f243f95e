"""Transitions: the one place where control flow is decided.

Pure: same arguments, same answer. No clock, no chance, no I/O.

Theory of operation. An execution is a tree of frames, each resting at one state in one hold. A transition takes one
event and moves one frame from where it rests to where it rests next, recording what happened on the way; the shell
commits it. Leaving a state and arriving at the next are one transition: `flow.steps` says how. Closing drops every frame,
a bounded number at a time, and records the end last (`flow.endings`).

An event that names a frame and revision that no longer rest there is stale: it changes nothing but the revision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from engine.core import control, events
from engine.core.draft import Draft
from engine.core.effects import StartTimer, Tally, Transition
from engine.core.execution import (
    ENTER,
    ROOT,
    Backoff,
    Delay,
    Enter,
    Execution,
    Fork,
    Frame,
    Listen,
    Run,
    Unwind,
    Work,
)
from engine.core.failures import Failure, timed_out
from engine.core.flow import endings, map_runs, rests, signals, steps
from engine.core.limits import DEFAULT, Limits
from engine.core.moving import move
from engine.core.needs import needs
from engine.core.states import ADVANCE
from engine.documents import EMPTY_OBJECT
from engine.language.expressions.patience import Patience
from engine.language.expressions.scope import ENDURING
from engine.language.machine import Machine

__all__ = ["needs", "transition"]


def transition(
    machine: Machine,
    execution: Execution,
    event: events.Event,
    now_ms: int,
    *,
    limits: Limits = DEFAULT,
    patience: Patience = ENDURING,
    target: Machine | None = None,
) -> Transition:
    """Apply one event. Everything that `needs` names for it must be loaded.

    `target` is the machine of the version that a migration moves the execution to.

    Never raises for anything a definition, a payload or an event can hold, but for OverBudget where `patience` does
    not insist: then nothing was decided, and the same arguments with more patience give the answer. The answer's
    revision is one higher even if the event was stale, so that its commit can consume the inbox entry.
    """
    draft = Draft(machine, execution, now_ms, limits, patience)
    draft.target = target
    if execution.status == "RUNNING":
        paused = execution.operated.paused
        if execution.moving is not None:
            move.go_on(draft)
        elif paused is not None and paused.is_resuming:
            control.go_on(draft)
        elif execution.closing is None:
            _HANDLERS[type(event)](draft, event)
            kept_max = machine.keeping.history_records
            # A history of which the newest are kept is never full.
            if kept_max is None and draft.last_record >= limits.records_max:
                draft = endings.cut_short(draft)
        elif type(event) is events.Advance:
            endings.go_on(draft)
        elif operation := getattr(event, "operation", ""):
            draft.effects.append(Tally(operation, "closing"))
    return draft.finish()


# What can happen


def _begin(draft: Draft, _event: events.Begin) -> None:
    before = draft.before
    if before.revision != 0 or before.input is None:
        return
    draft.record("ExecutionStarted", 0, {"input": before.input})
    if draft.machine.timeout_seconds is not None:
        due_ms = before.started_ms + draft.machine.timeout_seconds * 1000
        draft.effects.append(StartTimer("", draft.revision, "deadline", due_ms))
    draft.rest(ROOT)
    steps.arrive(
        draft, Frame(ROOT, draft.machine.start_at, ENTER, before.input, version=before.version)
    )


def _advance(draft: Draft, event: events.Advance) -> None:
    draft.rest(event.frame)
    frame = draft.live(event.frame)
    if frame is None:
        return
    match frame.hold:
        case Run():
            steps.act(draft, frame, rests.decide(draft, frame, ADVANCE))
        case Enter():
            steps.arrive(draft, frame)
        case Fork() as fork:
            steps.advance_fork(draft, frame, fork)
        case Unwind() as hold:
            steps.advance_unwind(draft, frame, hold)
        case Listen() as hold:
            signal = signals.take(draft, frame, hold)
            if signal is not None:
                _take(draft, frame, signal)
        case Backoff():
            steps.attempt(draft, frame)  # somebody has asked for the next attempt at once
        case _:
            pass


def _task_succeeded(draft: Draft, event: events.TaskSucceeded) -> None:
    frame = draft.waiting(event.frame, event.revision, Work)
    if frame is not None and map_runs.is_map_run(frame):
        steps.act(draft, *map_runs.succeed(draft, frame, event))
    elif frame is not None:
        frame = rests.record_started(draft, frame, event.started)
        steps.complete(draft, rests.record_hand(draft, frame, event.hand), event.output)


def _task_submitted(draft: Draft, event: events.TaskSubmitted) -> None:
    """The task goes on waiting, under the revision that its token names."""
    frame = draft.waiting(event.frame, event.revision, Work)
    if frame is None or not isinstance(frame.hold, Work) or frame.hold.submitted:
        return
    if map_runs.is_map_run(frame):
        return
    frame = rests.record_started(draft, frame, event.started)
    frame = rests.record_task(draft, frame, "Submitted", output=event.output)
    draft.put(structs.replace(frame, hold=structs.replace(frame.hold, submitted=True)))


def _task_failed(draft: Draft, event: events.TaskFailed) -> None:
    frame = draft.waiting(event.frame, event.revision, Work)
    if frame is None:
        return
    if map_runs.is_map_run(frame):
        steps.fail(draft, *map_runs.fail(draft, frame, event))
        return
    frame = rests.record_started(draft, frame, event.started)
    frame = rests.record_hand(draft, frame, event.hand)
    frame = rests.record_task(draft, frame, "Failed", error=event.error, cause=event.cause)
    if not event.transport:
        frame = structs.replace(frame, failures=frame.failures + 1)
    steps.fail(draft, frame, Failure(event.error, event.cause))


def _timer_fired(draft: Draft, event: events.TimerFired) -> None:
    if event.kind == "due":
        frame = draft.waiting(event.frame, event.revision, Delay, Backoff)
        if frame is None:
            return
        if isinstance(frame.hold, Backoff):
            steps.attempt(draft, frame)
        else:
            steps.act(draft, frame, rests.decide(draft, frame, ADVANCE))
        return
    frame = draft.waiting(event.frame, event.revision, Work, Listen)
    if frame is None:
        return
    if isinstance(frame.hold, Work):
        draft.cancel(frame, frame.hold)
    elif isinstance(frame.hold, Listen):
        draft.unlisten(frame.hold.name, frame.id)
        draft.rest(frame.id)
    failure = timed_out(heartbeat=event.kind == "heartbeat")
    frame = rests.record_started(draft, frame, event.started)
    frame = rests.record_task(draft, frame, "TimedOut", error=failure.error)
    steps.fail(draft, frame, failure)


def _signal_received(draft: Draft, event: events.SignalReceived) -> None:
    frame = signals.accept(draft, event)
    if frame is not None:
        _take(draft, frame, event)


def _take(draft: Draft, frame: Frame, signal: events.SignalReceived) -> None:
    steps.complete(draft, signals.consume(draft, frame, signal), signal.payload)


def _stop_requested(draft: Draft, event: events.StopRequested) -> None:
    """Heard before anything else, even before the execution has begun."""
    if draft.before.revision == 0:
        draft.record("ExecutionStarted", 0, {"input": draft.before.input or EMPTY_OBJECT})
    endings.close(draft, "ABORTED", event.error, event.cause, 0)


def _deadline_reached(draft: Draft, _event: events.DeadlineReached) -> None:
    paused = draft.operated.paused
    if paused is not None:
        overdue = structs.replace(paused, overdue=True)
        draft.operated = structs.replace(draft.operated, paused=overdue)
        return
    endings.close(draft, "TIMED_OUT", None, None, 0)


_HANDLERS: dict[type, Callable[[Draft, Any], None]] = {
    events.Advance: _advance,
    events.Begin: _begin,
    events.TaskSucceeded: _task_succeeded,
    events.TaskSubmitted: _task_submitted,
    events.TaskFailed: _task_failed,
    events.TimerFired: _timer_fired,
    events.SignalReceived: _signal_received,
    events.StopRequested: _stop_requested,
    events.DeadlineReached: _deadline_reached,
    events.MigrateRequested: move.request,
    **dict.fromkeys(control.ORDERS, control.obey),
}
