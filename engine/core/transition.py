"""Transitions: the one place where control flow is decided.

Pure: same arguments, same answer. No clock, no chance, no I/O.

Theory of operation. An execution is a tree of frames, each resting at one state in one hold. A transition takes one
event and moves one frame from where it rests to where it rests next, recording what happened on the way; the shell
commits it. Leaving a state and arriving at the next are one transition:

    Advance, an outcome, a timer, a signal
        -> the state decides (`states/` answers with an Outcome)
        -> leave:  XStateExited, then arrive at the next state, or end the scope
           arrive: XStateEntered, then rest: ready (Run), or waiting (Delay, Work, Listen, Fork)

A transition arrives at most once, so that a loop of failing states cannot keep it busy: a frame that is caught while
it arrives is left ready (Enter) for a transition of its own. A child of a Parallel or Map (Fork) that ends gives its
result to the parent; one that fails turns the parent's hold into Unwind, whose own transitions drop what else lives
below and then let the parent fail in its turn: Retry, else Catch, else up again. States.Runtime skips all that and
closes the execution. Closing drops every frame, a bounded number at a time, and records the end last (`endings`).

An event that names a frame and revision that no longer rest there is stale: it changes nothing but the revision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from engine.core import dataflow, endings, events, forks, records, rests, retry
from engine.core.draft import Draft
from engine.core.effects import StartTimer, Transition
from engine.core.execution import (
    ENTER,
    ROOT,
    RUN,
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
from engine.core.failures import Failure, of_expression, timed_out
from engine.core.limits import DEFAULT, Limits
from engine.core.needs import needs
from engine.core.outcomes import Await, Dispatch, Divide, Fails, Leave, Outcome, Proceed, Sleep
from engine.core.states import ADVANCE, ARRIVE, JOIN
from engine.core.unwind import walk
from engine.documents import EMPTY_OBJECT, Document
from engine.language.expressions.patience import Patience
from engine.language.expressions.scope import ENDURING, ExpressionError
from engine.language.machine import Machine, Map, Parallel, Task

__all__ = ["needs", "transition"]


def transition(
    machine: Machine,
    execution: Execution,
    event: events.Event,
    now_ms: int,
    *,
    limits: Limits = DEFAULT,
    patience: Patience = ENDURING,
) -> Transition:
    """Apply one event. Everything that `needs` names for it must be loaded.

    Never raises for anything a definition, a payload or an event can hold, but for OverBudget where `patience` does
    not insist: then nothing was decided, and the same arguments with more patience give the answer. The answer's
    revision is one higher even if the event was stale, so that its commit can consume the inbox entry.
    """
    draft = Draft(machine, execution, now_ms, limits, patience)
    if execution.status == "RUNNING":
        if execution.closing is None:
            _HANDLERS[type(event)](draft, event)
            if draft.last_record >= limits.records_max:
                draft = endings.cut_short(draft)
        elif type(event) is events.Advance:
            endings.go_on(draft)
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
    _arrive(draft, Frame(ROOT, draft.machine.start_at, ENTER, before.input, version=before.version))


def _advance(draft: Draft, event: events.Advance) -> None:
    draft.rest(event.frame)
    frame = draft.live(event.frame)
    if frame is None:
        return
    match frame.hold:
        case Run():
            _act(draft, frame, rests.decide(draft, frame, ADVANCE))
        case Enter():
            _arrive(draft, frame)
        case Fork() as fork:
            _advance_fork(draft, frame, fork)
        case Unwind() as hold:
            _advance_unwind(draft, frame, hold)
        case Listen() as hold:
            payload = rests.take_signal(draft, hold)
            if payload is not None:
                _complete(draft, frame, payload)
        case _:
            pass


def _task_succeeded(draft: Draft, event: events.TaskSucceeded) -> None:
    frame = draft.waiting(event.frame, event.revision, Work)
    if frame is not None:
        _complete(draft, rests.record_started(draft, frame, event.started), event.output)


def _task_submitted(draft: Draft, event: events.TaskSubmitted) -> None:
    """The task goes on waiting, under the revision that its token names."""
    frame = draft.waiting(event.frame, event.revision, Work)
    if frame is None or not isinstance(frame.hold, Work) or frame.hold.submitted:
        return
    frame = rests.record_started(draft, frame, event.started)
    frame = rests.record_task(draft, frame, "Submitted", output=event.output)
    draft.put(structs.replace(frame, hold=structs.replace(frame.hold, submitted=True)))


def _task_failed(draft: Draft, event: events.TaskFailed) -> None:
    frame = draft.waiting(event.frame, event.revision, Work)
    if frame is None:
        return
    frame = rests.record_started(draft, frame, event.started)
    frame = rests.record_task(draft, frame, "Failed", error=event.error, cause=event.cause)
    if not event.transport:
        frame = structs.replace(frame, failures=frame.failures + 1)
    _fail(draft, frame, Failure(event.error, event.cause))


def _timer_fired(draft: Draft, event: events.TimerFired) -> None:
    if event.kind == "due":
        frame = draft.waiting(event.frame, event.revision, Delay, Backoff)
        if frame is None:
            return
        if isinstance(frame.hold, Backoff):
            _attempt(draft, frame)
        else:
            _act(draft, frame, rests.decide(draft, frame, ADVANCE))
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
    _fail(draft, frame, failure)


def _signal_received(draft: Draft, event: events.SignalReceived) -> None:
    frame = rests.accept_signal(draft, event)
    if frame is not None:
        _complete(draft, frame, event.payload)


def _stop_requested(draft: Draft, event: events.StopRequested) -> None:
    """Heard before anything else, even before the execution has begun."""
    if draft.before.revision == 0:
        draft.record("ExecutionStarted", 0, {"input": draft.before.input or EMPTY_OBJECT})
    endings.close(draft, "ABORTED", event.error, event.cause, 0)


def _deadline_reached(draft: Draft, _event: events.DeadlineReached) -> None:
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
}


# What a frame does about it


def _arrive(draft: Draft, frame: Frame) -> None:
    """Enter the frame's state."""
    state = draft.machine.states[frame.state]
    previous = frame.previous
    if frame.index >= 0 and not frame.entry:
        previous = endings.record_iteration(draft, frame, "Started", previous)
    frame = rests.enter(draft, frame, previous)
    if state.type in ARRIVE:
        _attempt(draft, frame)
    else:
        draft.put(frame)
        draft.wake(frame.id)


def _attempt(draft: Draft, frame: Frame) -> None:
    """Begin the state's work, for the first time or once more."""
    _act(draft, frame, rests.decide(draft, frame, ARRIVE), arriving=True)


def _act(draft: Draft, frame: Frame, outcome: Outcome, *, arriving: bool = False) -> None:
    """Do what a state answered."""
    match outcome:
        case Leave():
            _leave(draft, frame, outcome)
        case Proceed():
            draft.put(frame)
            draft.wake(frame.id)
        case Dispatch():
            rests.schedule(draft, frame, outcome)
        case Sleep():
            rests.sleep(draft, frame, outcome)
        case Await():
            rests.listen(draft, frame, outcome)
        case Divide():
            _divide(draft, frame, outcome)
        case Fails():
            _fail(draft, frame, outcome.failure, arriving=arriving)


def _complete(draft: Draft, frame: Frame, result: Document) -> None:
    """A task, or a signal, has given its result."""
    frame, outcome = rests.complete(draft, frame, result)
    _act(draft, frame, outcome)


def _leave(draft: Draft, frame: Frame, out: Leave) -> None:
    """Exit the state and arrive at the next, or end the scope."""
    failure = rests.too_large(draft, frame, out)
    if failure is not None:
        _fail(draft, frame, failure)
        return
    frame = rests.leave(draft, frame, out)
    if out.next is not None:
        _arrive(draft, frame)
    elif frame.id == ROOT:
        draft.output = out.output
        endings.end(draft, "SUCCEEDED", None, None, frame.previous)
    else:
        last = endings.record_iteration(draft, frame, "Succeeded", frame.previous)
        forks.finish_child(draft, draft.parent(frame), frame, out.output, last)


def _divide(draft: Draft, frame: Frame, out: Divide) -> None:
    """Start the children of a Parallel or Map."""
    kind = draft.machine.states[frame.state].type
    details = {"length": out.total} if kind == "Map" else {}
    started = draft.record(records.STARTED[kind], frame.previous, details)
    frame = structs.replace(frame, previous=started)
    fork = Fork(draft.revision, started, out.total, window=out.window)
    _spawn(draft, frame, lambda: forks.begin(draft, frame, fork, out))


def _advance_fork(draft: Draft, frame: Frame, fork: Fork) -> None:
    if fork.done < fork.total:
        _spawn(draft, frame, lambda: forks.go_on(draft, frame, fork))
        return
    results = forks.gather(draft, frame, fork)
    if isinstance(results, Fails):
        _fail(draft, frame, results.failure)
    elif results is not None:
        kind = draft.machine.states[frame.state].type
        previous = fork.last or fork.started
        draft.record(records.SUCCEEDED[kind], previous, {})
        # The chain skips the Succeeded record (measured).
        frame = structs.replace(frame, hold=RUN, previous=previous)
        _act(draft, frame, rests.decide(draft, frame, JOIN, results))


def _spawn(draft: Draft, frame: Frame, deed: Callable[[], Fails | None]) -> None:
    try:
        fails = deed()
    except ExpressionError as error:
        fails = Fails(of_expression(error, frame))
    if fails is not None:
        _fail(draft, frame, fails.failure, arriving=True)


# Failure: Retry, else Catch, else up


def _fail(draft: Draft, frame: Frame, failure: Failure, *, arriving: bool = False) -> None:
    """A frame's state has failed. With children still about, they go first."""
    fork = frame.hold if isinstance(frame.hold, Fork) else None
    if fork is None:
        frame = structs.replace(frame, hold=RUN)  # what it waited for is over
    if failure.location is not None:
        frame = rests.record_evaluation_failed(draft, frame, failure)
    if failure.is_fatal:
        draft.put(frame)
        endings.close(draft, "FAILED", failure.error, failure.cause, frame.previous)
        return
    if fork is not None:
        _begin_unwind(draft, frame, failure, fork.last or frame.previous)
        return
    state = draft.machine.states[frame.state]
    if not isinstance(state, Task | Parallel | Map):
        _give_up(draft, frame, failure)
        return
    again = retry.next_attempt(state.retry, failure, frame.retries, draft.entropy)
    if again is not None:
        rests.back_off(draft, frame, again)
        return
    if state.type in records.FAILED:
        failed = draft.record(records.FAILED[state.type], frame.previous, {})
        frame = structs.replace(frame, previous=failed)
    catcher = retry.catcher_for(state.catch, failure)
    if catcher is None:
        _give_up(draft, frame, failure)
        return
    try:
        out = dataflow.caught(state, draft.visit(frame), catcher, failure.output())
    except ExpressionError as error:
        second = of_expression(error, frame)
        if second.location is not None:  # of the catcher's own, which nobody catches (measured)
            _give_up(draft, rests.record_evaluation_failed(draft, frame, second), second)
        else:
            _fail(draft, frame, second)
        return
    oversize = rests.too_large(draft, frame, out)
    if oversize is not None:
        _give_up(draft, frame, oversize)
        return
    frame = rests.leave(draft, frame, out)
    if arriving:
        draft.put(frame)
        draft.wake(frame.id)
    else:
        _arrive(draft, frame)


def _give_up(draft: Draft, frame: Frame, failure: Failure) -> None:
    """Nobody here takes the failure: it is the parent's, or the execution's."""
    previous = frame.previous
    if frame.id == ROOT:
        endings.end(draft, "FAILED", failure.error, failure.cause, previous)
        return
    if draft.machine.states[frame.state].type == "Task":
        draft.record(records.ABORTED["Task"], previous, {})
    endings.record_iteration(draft, frame, "Failed", previous)
    draft.drop(frame.id)
    _begin_unwind(draft, draft.parent(frame), failure, previous)


def _begin_unwind(draft: Draft, frame: Frame, failure: Failure, previous: int) -> None:
    """Drop everything below the frame, before anything else goes on there."""
    fork = frame.hold
    assert isinstance(fork, Fork)
    draft.release(frame)
    stack = ((frame.id, 0, fork.spawned),)
    hold = Unwind(failure.error, failure.cause, stack, previous, failure.heartbeat)
    draft.put(structs.replace(frame, hold=hold))
    below = frame.id + "/"
    draft.ready = [frame.id, *(r for r in draft.ready if r != frame.id and not r.startswith(below))]


def _advance_unwind(draft: Draft, frame: Frame, hold: Unwind) -> None:
    way = walk(draft.frames, hold.stack)
    endings.drop_all(draft, way, aborted=True)
    if way.rest:
        draft.put(structs.replace(frame, hold=structs.replace(hold, stack=way.rest)))
        draft.wake(frame.id)
        return
    frame = structs.replace(frame, hold=RUN, previous=hold.previous)
    _fail(draft, frame, Failure(hold.error, hold.cause, hold.heartbeat))
