"""How a frame rests at a state and leaves it: holds, effects and records, no decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from engine.core import records
from engine.core.draft import Draft
from engine.core.effects import ScheduleTask, StartTimer
from engine.core.entropy import secret
from engine.core.events import Hand
from engine.core.execution import (
    ENTER,
    RUN,
    Backoff,
    Child,
    Delay,
    Frame,
    Listen,
    Started,
    Work,
)
from engine.core.failures import Failure, of_expression, result_too_large, variables_too_large
from engine.core.flow.retry import Again
from engine.core.limits import VARIABLES_BYTES_MAX
from engine.core.outcomes import Await, Dispatch, Fails, Leave, Outcome, Sleep
from engine.core.states import nested, task
from engine.core.tokens import task_token
from engine.documents import Document
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Task


def decide(
    draft: Draft, frame: Frame, table: Mapping[str, Callable[..., Outcome]], *given: Any
) -> Outcome:
    """Ask the frame's state. An expression that fails is the state's failure."""
    state = draft.machine.states[frame.state]
    try:
        return table[state.type](state, draft.visit(frame), *given)
    except ExpressionError as error:
        return Fails(of_expression(error, frame))
    except RecursionError:
        too_deep = ExpressionError("The data is nested too deeply to be evaluated.")
        return Fails(of_expression(too_deep, frame))


def enter(draft: Draft, frame: Frame, previous: int) -> Frame:
    """The frame as it stands when it has just entered its state; the record follows record `previous`."""
    kind = records.ENTERED[draft.machine.states[frame.state].type]
    entered = draft.record(kind, previous, {"name": frame.state, "input": frame.input})
    return Frame(
        frame.id,
        frame.state,
        RUN,
        frame.input,
        entered,
        entered,
        draft.now_ms,
        draft.revision,
        index=frame.index,
        item=frame.item,
        version=frame.version,
        variables=frame.variables,
        before=previous,
    )


def leave(draft: Draft, frame: Frame, out: Leave) -> Frame:
    """The frame as it stands between two states. Variables that nobody can read any more are not kept."""
    details: dict[str, Any] = {"name": frame.state, "output": out.output}
    if out.assigned:
        details["assignedVariables"] = out.assigned
    kind = records.EXITED[draft.machine.states[frame.state].type]
    exited = draft.record(kind, frame.previous, details)
    frame = Frame(
        frame.id,
        out.next or frame.state,
        ENTER,
        out.output,
        exited,
        entry=frame.entry,
        index=frame.index,
        item=frame.item,
        version=frame.version,
        variables=frame.variables,
    )
    if out.assigned and out.next is not None:
        frame = draft.assign(frame, out.assigned)
    return frame


def too_large(draft: Draft, frame: Frame, out: Leave) -> Failure | None:
    """The failure that an output or variables over their limits become."""
    limits = draft.limits
    if not limits.fits(out.output):
        return result_too_large(frame.state)
    if out.assigned:
        fitting = all(limits.fits(value) for value in out.assigned.values())
        size = sum(len(value.text) for value in out.assigned.values()) if fitting else 0
        held = draft.variables_bytes - sum(frame.variables.get(name, 0) for name in out.assigned)
        if not fitting or size > limits.payload_bytes_max or held + size > VARIABLES_BYTES_MAX:
            return variables_too_large(frame.state)
    return None


def sleep(draft: Draft, frame: Frame, out: Sleep) -> None:
    draft.effects.append(StartTimer(frame.id, draft.revision, "due", out.due_ms))
    draft.put(structs.replace(frame, hold=Delay(draft.revision, out.due_ms)))


def back_off(draft: Draft, frame: Frame, again: Again) -> None:
    """Wait for the next attempt. It leaves no record of its own."""
    due_ms = draft.now_ms + again.delay_ms
    draft.effects.append(StartTimer(frame.id, draft.revision, "due", due_ms))
    hold = Backoff(draft.revision, due_ms)
    count = frame.retry_count + 1
    draft.put(
        structs.replace(
            frame,
            hold=hold,
            retries=again.retries,
            retry_count=count,
            map_run=None,  # the next attempt begins another
        )
    )


def schedule(draft: Draft, frame: Frame, out: Dispatch) -> None:
    """Put a task out. The key by which a performer knows a repetition is kept until a failure is reported."""
    state = _task(draft, frame)
    told = records.scheduled(state, out.parameters, out.timeout_seconds, out.heartbeat_seconds)
    frame = record_task(draft, frame, "Scheduled", **told)
    timeout_ms = _after(draft, out.timeout_seconds)
    heartbeat_ms = None if out.heartbeat_seconds is None else out.heartbeat_seconds * 1000
    resource = state.resource
    key = secret(draft.before.seed, "key", frame.id, frame.entry, frame.failures)
    draft.effects.append(
        ScheduleTask(
            frame.id,
            draft.revision,
            frame.state,
            out.queue,
            out.input,
            out.secret,
            key,
            frame.retry_count + 1,
            resource.uri,
            timeout_ms,
            heartbeat_ms,
            resource.callback,
        )
    )
    hold = Work(
        draft.revision,
        out.queue,
        frame.previous,
        timeout_ms,
        heartbeat_ms,
        resource.callback,
        child=_child(draft, frame, out, key) if resource.kind == "states" else None,
    )
    draft.put(structs.replace(frame, hold=hold))


def _child(draft: Draft, frame: Frame, out: Dispatch, key: str) -> Child | None:
    """The execution that the task will start, known before it is."""
    resource = _task(draft, frame).resource
    token = task_token(draft.before.id, frame.id, draft.revision, out.secret)
    key = nested.key_of(token, key, callback=resource.callback)
    return nested.child_of(resource, out.input, key)


def listen(draft: Draft, frame: Frame, out: Await) -> None:
    """Wait for a signal; ready at once if one is kept."""
    told = records.scheduled(_task(draft, frame), out.parameters, out.timeout_seconds, None)
    frame = record_task(draft, frame, "Scheduled", **told)
    due_ms = _after(draft, out.timeout_seconds)
    if due_ms is not None:
        draft.effects.append(StartTimer(frame.id, draft.revision, "timeout", due_ms))
    buffer = draft.buffer(out.name)
    listeners = (*buffer.listeners, frame.id)
    draft.set_buffer(out.name, structs.replace(buffer, listeners=listeners))
    draft.put(structs.replace(frame, hold=Listen(draft.revision, out.name, due_ms)))
    if buffer.count:
        draft.wake(frame.id)


def complete(draft: Draft, frame: Frame, result: Document) -> tuple[Frame, Outcome]:
    """What the state makes of its task's result, or of its signal; too large a result is a failure of the task."""
    if isinstance(frame.hold, Listen):
        draft.release(frame)
    refusal = task.refusal(_task(draft, frame), draft.visit(frame), result)
    if refusal is not None:
        error, cause = refusal.failure.error, refusal.failure.cause
        return record_task(draft, frame, "Failed", error=error, cause=cause), refusal
    frame = record_task(draft, frame, "Succeeded", output=result)
    return frame, decide(draft, frame, {"Task": task.succeed}, result)


def record_evaluation_failed(draft: Draft, frame: Frame, failure: Failure) -> Frame:
    """Say which JSONata expression failed, at each attempt; the frame follows the record.

    Before anything else has happened in the state, the record follows what the state's Entered record follows; in a
    Wait it follows the Entered record (measured).
    """
    told = {"error": failure.error, "cause": failure.cause}
    if failure.location:
        told["location"] = failure.location
    told["state"] = frame.state
    is_first = frame.previous == frame.entered
    beside = is_first and draft.machine.states[frame.state].type != "Wait"
    previous = frame.before if beside else frame.previous
    return structs.replace(frame, previous=draft.record("EvaluationFailed", previous, told))


def record_started(draft: Draft, frame: Frame, started: Started | None) -> Frame:
    """The Started record, with the time of the lease: it is written when the task's outcome is known."""
    hold = frame.hold
    if started is None or not isinstance(hold, Work) or hold.submitted:
        return frame
    worker = started.worker or None
    if _task(draft, frame).resource.family != "activity":
        worker = None
    return record_task(draft, frame, "Started", at_ms=started.at_ms, workerName=worker)


def record_taken(draft: Draft, frame: Frame) -> Frame:
    """The Started record of a task that is taken back before it has an outcome; the frame follows it.

    It is left out where the history has room for nothing but the end of the execution.
    """
    hold = frame.hold
    is_task = isinstance(draft.machine.states.get(frame.state), Task)
    if (
        not isinstance(hold, Work)
        or not is_task
        or draft.last_record + 2 > draft.limits.records_max
    ):
        return frame
    return record_started(draft, frame, draft.before.leases.get((frame.id, hold.revision)))


def record_hand(draft: Draft, frame: Frame, hand: Hand | None) -> Frame:
    """Who settled the task by hand, and why. A child that the task waits for is stopped: nobody will hear of its end."""
    if hand is None:
        return frame
    if isinstance(frame.hold, Work):
        draft.cancel(frame, frame.hold)
    details = {"name": frame.state, "by": hand.by, "reason": hand.reason}
    told = {key: value for key, value in details.items() if value is not None}
    previous = draft.record("TaskSettledByHand", frame.previous, told)
    return structs.replace(frame, previous=previous)


def record_task(
    draft: Draft, frame: Frame, what: str, at_ms: int | None = None, **details: Any
) -> Frame:
    """A record about the frame's task; the frame follows it."""
    kind, told = records.task_record(_task(draft, frame), what, **details)
    return structs.replace(frame, previous=draft.record(kind, frame.previous, told, at_ms))


def _task(draft: Draft, frame: Frame) -> Task:
    state = draft.machine.states[frame.state]
    assert isinstance(state, Task)
    return state


def _after(draft: Draft, seconds: int | None) -> int | None:
    return None if seconds is None else draft.now_ms + seconds * 1000
