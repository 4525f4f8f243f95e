"""Pause and resume.

A paused execution takes no event but orders, and advances no frame: what comes in waits in its inbox. Scripts see to
what lies outside the checkpoint: no task of it is handed out, and in mode `hold` no timer of it fires.

Resuming goes through the frames, at most 100 a transition: tasks that were taken out of their queues go back under the
same tokens, and in mode `hold` each timer gets the time back that the pause has taken. Until that is done the execution
is still paused. Executions that it has started are not paused with it.
"""

from __future__ import annotations

from typing import Any

from msgspec import structs

from engine.core import orders
from engine.core.control import refusals
from engine.core.draft import Draft
from engine.core.effects import ReturnTask, ShiftTimer
from engine.core.execution import ROOT, Backoff, Delay, Frame, Listen, Paused, Work
from engine.core.flow import endings
from engine.core.flow.unwind import stack_of, walk


def pause(draft: Draft, order: orders.PauseRequested) -> str | None:
    """Begin nothing from here on."""
    if draft.operated.paused is not None:
        return refusals.ALREADY_PAUSED
    draft.record("ExecutionPaused", 0, told(order, mode=order.mode))
    paused = Paused(draft.now_ms, order.by, order.reason, order.mode)
    draft.operated = structs.replace(draft.operated, paused=paused)
    return None


def resume(draft: Draft, order: orders.ResumeRequested) -> str | None:
    """Go on: at once with one strand, after seeing to every frame with more."""
    paused = draft.operated.paused
    if paused is None:
        return refusals.NOT_PAUSED
    draft.record("ExecutionResumed", 0, told(order))
    paused = structs.replace(paused, resumed_ms=draft.now_ms)
    root = draft.frames.get(ROOT)
    stack = stack_of(root) if root is not None else ()
    if root is not None:
        _see_to(draft, root, paused)
    if stack:
        paused = structs.replace(paused, stack=stack)
        draft.operated = structs.replace(draft.operated, paused=paused)
    else:
        _end(draft, paused)
    return None


def go_on(draft: Draft) -> None:
    """See to the next frames of an execution that is being resumed."""
    paused = draft.operated.paused
    assert paused is not None
    way = walk(draft.frames, paused.stack or ())
    for frame in way.dropped:
        _see_to(draft, frame, paused)
    for parent, index in way.visited:
        child = f"{parent}/{index}"
        if child in draft.frames and draft.frames[child] is None:
            del draft.frames[child]  # what a long Map looked at must not pile up
    if way.rest:
        paused = structs.replace(paused, stack=way.rest)
        draft.operated = structs.replace(draft.operated, paused=paused)
    else:
        _end(draft, paused)


def _end(draft: Draft, paused: Paused) -> None:
    """The pause is over; the machine's deadline is so much later, or is what ends the execution now."""
    held_ms = _held_ms(paused)
    operated = draft.operated
    operated = structs.replace(operated, paused=None, held_ms=operated.held_ms + held_ms)
    draft.operated = operated
    if paused.overdue:
        endings.close(draft, "TIMED_OUT", None, None, 0)
    elif held_ms and draft.machine.timeout_seconds is not None:
        due_ms = operated.deadline_ms(draft.before.started_ms, draft.machine.timeout_seconds)
        draft.effects.append(ShiftTimer("", 1, "deadline", due_ms))


def _held_ms(paused: Paused) -> int:
    """How much later everything is due."""
    return paused.resumed_ms - paused.since_ms if paused.mode == "hold" else 0


def _see_to(draft: Draft, frame: Frame, paused: Paused) -> None:
    """Give back what the pause has taken from what the frame waits for."""
    hold, later = frame.hold, _held_ms(paused)
    match hold:
        case Delay() | Backoff():
            due_ms = hold.due_ms + later
            _shift(draft, frame, "due", due_ms, later)
            moved: Any = structs.replace(hold, due_ms=due_ms)
        case Work() | Listen():
            timeout_ms = None if hold.timeout_ms is None else hold.timeout_ms + later
            moved = structs.replace(hold, timeout_ms=timeout_ms)
            if timeout_ms is not None:
                _shift(draft, frame, "timeout", timeout_ms, later)
        case _:
            return
    if isinstance(hold, Work):
        if hold.heartbeat_ms is not None:
            _shift(draft, frame, "heartbeat", paused.resumed_ms + hold.heartbeat_ms, later)
        if not hold.submitted:
            task = ReturnTask(frame.id, hold.revision, hold.queue, frame.entered_ms)
            draft.effects.append(task)
    if later:
        draft.put(structs.replace(frame, hold=moved))


def _shift(draft: Draft, frame: Frame, kind: Any, due_ms: int, later: int) -> None:
    revision = frame.hold.revision  # type: ignore[union-attr]
    if later:
        draft.effects.append(ShiftTimer(frame.id, revision, kind, due_ms))


def told(order: orders.Order, **more: Any) -> dict[str, Any]:
    """The details of an order's record: what was asked, by whom and why."""
    details = {**more, "by": order.by, "reason": order.reason}
    return {name: value for name, value in details.items() if value is not None}
