"""The way of a frame through its states: what it does about what has happened.

        the state decides (`states/` answers with an Outcome)
        -> leave:  XStateExited, then arrive at the next state, or end the scope
           arrive: XStateEntered, then rest: ready (Run), or waiting (Delay, Work, Listen, Fork)

A transition arrives at most once, so that a loop of failing states cannot keep it busy: a frame that is caught while
it arrives is left ready (Enter) for a transition of its own. A child of a Parallel or Map (Fork) that ends gives its
result to the parent; one that fails turns the parent's hold into Unwind, whose own transitions drop what else lives
below and then let the parent fail in its turn: Retry, else Catch, else up again. States.Runtime skips all that and
closes the execution.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from engine.core import dataflow, records
from engine.core.draft import Draft
from engine.core.execution import ENTER, ROOT, RUN, Fork, Frame, Status, Then, Unwind
from engine.core.failures import Failure, of_expression
from engine.core.flow import endings, forks, map_runs, rests, retry
from engine.core.flow.unwind import stack_of, walk
from engine.core.outcomes import (
    Await,
    Dispatch,
    Distribute,
    Divide,
    Fails,
    Leave,
    Outcome,
    Proceed,
    Sleep,
)
from engine.core.states import ARRIVE, JOIN
from engine.documents import Document
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Map, Parallel, Task


def arrive(draft: Draft, frame: Frame) -> None:
    """Enter the frame's state."""
    state = draft.machine.states[frame.state]
    previous = frame.previous
    if frame.index >= 0 and not frame.entry:
        previous = endings.record_iteration(draft, frame, "Started", previous)
    frame = rests.enter(draft, frame, previous)
    if state.type in ARRIVE:
        attempt(draft, frame)
    else:
        draft.put(frame)
        draft.wake(frame.id)


def attempt(draft: Draft, frame: Frame) -> None:
    """Begin the state's work, for the first time or once more."""
    act(draft, frame, rests.decide(draft, frame, ARRIVE), arriving=True)


def act(draft: Draft, frame: Frame, outcome: Outcome, *, arriving: bool = False) -> None:
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
        case Distribute():
            frame, failure = map_runs.begin(draft, frame, outcome)
            if failure is not None:
                fail(draft, frame, failure, arriving=arriving)
        case Fails():
            fail(draft, frame, outcome.failure, arriving=arriving)


def complete(draft: Draft, frame: Frame, result: Document) -> None:
    """A task, or a signal, has given its result."""
    frame, outcome = rests.complete(draft, frame, result)
    act(draft, frame, outcome)


def _leave(draft: Draft, frame: Frame, out: Leave) -> None:
    """Exit the state and arrive at the next, or end the scope."""
    failure = rests.too_large(draft, frame, out)
    if failure is not None:
        fail(draft, frame, failure)
        return
    frame = rests.leave(draft, frame, out)
    if out.next is not None:
        arrive(draft, frame)
    else:
        _end_scope(draft, frame, out.output)


def _end_scope(draft: Draft, frame: Frame, output: Document) -> None:
    """The strand has come to its end: the execution succeeds, or the parent gets the result."""
    if frame.id == ROOT:
        draft.output = output
        endings.end(draft, "SUCCEEDED", None, None, frame.previous)
    else:
        last = endings.record_iteration(draft, frame, "Succeeded", frame.previous)
        forks.finish_child(draft, draft.parent(frame), frame, output, last)


def send_on(draft: Draft, frame: Frame, then: Then) -> None:
    """Somebody sends a strand on: what it holds is dropped, children first, and it enters another state or ends its scope."""
    hold = frame.hold
    if isinstance(hold, Fork | Unwind):
        fork = hold if isinstance(hold, Fork) else None
        stack = stack_of(frame)
        if fork is not None:
            draft.release(frame)
        draft.put(structs.replace(frame, hold=Unwind(None, None, stack, frame.previous, then=then)))
        below = frame.id + "/"
        draft.ready = [r for r in draft.ready if not r.startswith(below)]
        draft.wake(frame.id)
        return
    draft.release(frame)
    draft.rest(frame.id)
    _go_to(draft, frame, then)


def _go_to(draft: Draft, frame: Frame, then: Then) -> None:
    """The frame between two states, wherever it comes from; it keeps its variables."""
    frame = Frame(
        frame.id,
        then.state or frame.state,
        ENTER,
        then.data,
        frame.previous,
        entry=frame.entry,
        index=frame.index,
        item=frame.item,
        version=frame.version,
        variables=frame.variables,
    )
    if then.state is None:
        _end_scope(draft, frame, then.data)
    else:
        draft.put(frame)
        draft.wake(frame.id)


def _divide(draft: Draft, frame: Frame, out: Divide) -> None:
    """Start the children of a Parallel or Map."""
    kind = draft.machine.states[frame.state].type
    details = {"length": out.total} if kind == "Map" else {}
    started = draft.record(records.STARTED[kind], frame.previous, details)
    frame = structs.replace(frame, previous=started)
    fork = Fork(draft.revision, started, out.total, window=out.window)
    _spawn(draft, frame, lambda: forks.begin(draft, frame, fork, out))


def advance_fork(draft: Draft, frame: Frame, fork: Fork) -> None:
    if fork.done < fork.total:
        _spawn(draft, frame, lambda: forks.go_on(draft, frame, fork))
        return
    results = forks.gather(draft, frame, fork)
    if isinstance(results, Fails):
        fail(draft, frame, results.failure)
    elif results is not None:
        kind = draft.machine.states[frame.state].type
        previous = fork.last or fork.started
        draft.record(records.SUCCEEDED[kind], previous, {})
        # The chain skips the Succeeded record (measured).
        frame = structs.replace(frame, hold=RUN, previous=previous)
        act(draft, frame, rests.decide(draft, frame, JOIN, results))


def _spawn(draft: Draft, frame: Frame, deed: Callable[[], Fails | None]) -> None:
    try:
        fails = deed()
    except ExpressionError as error:
        fails = Fails(of_expression(error, frame))
    if fails is not None:
        fail(draft, frame, fails.failure, arriving=True)


# Failure: Retry, else Catch, else up


def fail(draft: Draft, frame: Frame, failure: Failure, *, arriving: bool = False) -> None:
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
            fail(draft, frame, second)
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
        arrive(draft, frame)


def _give_up(draft: Draft, frame: Frame, failure: Failure) -> None:
    """Nobody here takes the failure: it is the parent's, or the execution's."""
    previous = frame.previous
    if frame.id == ROOT:
        draft.put(frame)
        status: Status = "ABORTED" if failure.cancelled else "FAILED"
        endings.end(draft, status, failure.error, failure.cause, previous)
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
    hold = Unwind(
        failure.error,
        failure.cause,
        stack,
        previous,
        failure.heartbeat,
        cancelled=failure.cancelled,
    )
    draft.put(structs.replace(frame, hold=hold))
    below = frame.id + "/"
    draft.ready = [frame.id, *(r for r in draft.ready if r != frame.id and not r.startswith(below))]


def advance_unwind(draft: Draft, frame: Frame, hold: Unwind) -> None:
    way = walk(draft.frames, hold.stack)
    endings.drop_all(draft, way, aborted=True)
    if way.rest:
        draft.put(structs.replace(frame, hold=structs.replace(hold, stack=way.rest)))
        draft.wake(frame.id)
        return
    frame = structs.replace(frame, hold=RUN, previous=hold.previous)
    if hold.then is not None:
        _go_to(draft, frame, hold.then)
        return
    fail(draft, frame, Failure(hold.error, hold.cause, hold.heartbeat, cancelled=hold.cancelled))
