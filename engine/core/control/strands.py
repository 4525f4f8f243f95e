"""Orders that move one strand: try again now, skip its state, go to another."""

from __future__ import annotations

from msgspec import structs

from engine.core import orders
from engine.core.control import refusals
from engine.core.control.pausing import told
from engine.core.draft import Draft
from engine.core.effects import CancelTimer
from engine.core.execution import Backoff, Frame, Then
from engine.core.flow import steps
from engine.core.limits import READY_MAX
from engine.language.machine import Choice, Fail, Machine, Parallel, successors


def retry(draft: Draft, order: orders.RetryRequested) -> str | None:
    """Begin next attempts now: of the strand that is named, or of all, as many as can go on at once."""
    if order.frame is None:
        waiting = [f for f in draft.frames.values() if f is not None and _backs_off(draft, f)]
    else:
        named = draft.live(order.frame)
        if named is None:
            return refusals.NO_FRAME
        waiting = [named] if _backs_off(draft, named) else []
    if not waiting:
        return refusals.NO_BACKOFF
    room = READY_MAX - len(draft.ready)
    if room <= 0:
        return refusals.CROWDED
    for frame in sorted(waiting, key=lambda frame: frame.id)[:room]:
        assert isinstance(frame.hold, Backoff)
        draft.effects.append(CancelTimer(frame.id, frame.hold.revision, "due"))
        _record(draft, frame, "StateRetried", order)
        draft.wake(frame.id)
    return None


def _backs_off(draft: Draft, frame: Frame) -> bool:
    """Whether a strand waits for its next attempt, and was not told to begin it already."""
    if not isinstance(frame.hold, Backoff) or frame.id in draft.ready:
        return False
    return draft.live(frame.id) is not None


def skip(draft: Draft, order: orders.SkipRequested) -> str | None:
    """Leave the state with the output given, as it is: no field of the state is applied to it."""
    frame = draft.live(order.frame)
    if frame is None:
        return refusals.NO_FRAME
    state = draft.machine.states[frame.state]
    target = order.next if order.next is not None else state.next
    if order.next is None and isinstance(state, Choice | Fail):
        return refusals.NO_NEXT
    if target is not None and not _is_beside(draft.machine, frame, target):
        return refusals.NO_STATE
    return _send(draft, frame, order, "StateSkipped", Then(target, order.output))


def goto(draft: Draft, order: orders.GotoRequested) -> str | None:
    """Enter another state of the same scope; variables stay."""
    frame = draft.live(order.frame)
    if frame is None:
        return refusals.NO_FRAME
    if not _is_beside(draft.machine, frame, order.state):
        return refusals.NO_STATE
    data = frame.input if order.data is None else order.data
    return _send(draft, frame, order, "StateRedirected", Then(order.state, data))


def _send(draft: Draft, frame: Frame, order: orders.Order, kind: str, then: Then) -> str | None:
    if not draft.limits.fits(then.data):
        return refusals.TOO_LARGE
    shown: dict[str, object] = {"output": then.data}
    if then.state is not None:
        shown["to"] = then.state
    frame = _record(draft, frame, kind, order, **shown)
    steps.send_on(draft, frame, then)
    return None


def _record(draft: Draft, frame: Frame, kind: str, order: orders.Order, **shown: object) -> Frame:
    """A record in the strand's own chain; the strand goes on from it."""
    details = told(order, name=frame.state, **shown)
    frame = structs.replace(frame, previous=draft.record(kind, frame.previous, details))
    draft.put(frame)
    return frame


def _is_beside(machine: Machine, frame: Frame, name: str) -> bool:
    """Whether a state lies in the scope that the strand runs: the same Map processor, branch or top level."""
    if name not in machine.states:
        return False
    parent = machine.parents.get(frame.state)
    if machine.parents.get(name) != parent:
        return False
    owner = machine.states[parent] if parent is not None else None
    if not isinstance(owner, Parallel):
        return True
    return name in _reached(machine, owner.branches[frame.index])


def _reached(machine: Machine, start: str) -> set[str]:
    """The states that can be reached from one of the same scope, itself included."""
    found, left = {start}, [start]
    while left:
        for name in successors(machine.states[left.pop()]):
            if name not in found:
                found.add(name)
                left.append(name)
    return found
