"""Dropping what lies below a frame, a bounded number at a time.

The way down is an explicit stack of (frame, next child, end) triples, deepest last, kept with the execution, so that
any process can go on where another left off. `needs` and `transition` walk it with the same function: what one finds
missing is what the other will look at.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from engine.core.context import parent_of
from engine.core.execution import Fork, Frame, FrameId, Unwind
from engine.core.limits import UNWIND_MAX

Stack = tuple[tuple[FrameId, int, int], ...]


class Walk(Struct, frozen=True):
    """One stretch of the way. With anything `missing`, the rest is not to be used."""

    missing: tuple[FrameId, ...] = ()
    dropped: tuple[Frame, ...] = ()  # children before their parents
    visited: tuple[
        tuple[FrameId, int], ...
    ] = ()  # (parent, index) of every child looked at, alive or done
    rest: Stack = ()


def stack_of(frame: Frame) -> Stack:
    """Where to begin below a frame; empty for one without children."""
    hold = frame.hold
    if isinstance(hold, Unwind):
        return hold.stack
    if isinstance(hold, Fork) and hold.spawned:
        return ((frame.id, 0, hold.spawned),)
    return ()


def walk(frames: Mapping[FrameId, Frame | None], stack: Stack) -> Walk:
    """Go down at most `UNWIND_MAX` children. The frame at the bottom of the stack is not dropped: the caller decides."""
    way = list(stack)
    dropped: list[Frame] = []
    visited: list[tuple[FrameId, int]] = []
    while way and len(visited) < UNWIND_MAX:
        owner, index, end = way[-1]
        if owner not in frames:
            return Walk(missing=(owner,))
        if index >= end:
            way.pop()
            gone = frames[owner]
            if way and gone is not None:
                dropped.append(gone)
            continue
        child = f"{owner}/{index}"
        if child not in frames:
            reach = min(end, index + UNWIND_MAX - len(visited))
            ahead = (f"{owner}/{each}" for each in range(index, reach))
            return Walk(missing=tuple(each for each in ahead if each not in frames))
        way[-1] = (owner, index + 1, end)
        visited.append((owner, index))
        frame = frames[child]
        if frame is None:
            continue
        below = stack_of(frame)
        if below:
            way.extend(below)
        else:
            dropped.append(frame)
    return Walk(dropped=tuple(dropped), visited=tuple(visited), rest=tuple(way))


def is_live(frames: Mapping[FrameId, Frame | None], frame: FrameId) -> bool:
    """Whether everything above a frame is there and nothing of it is being dropped."""
    above = parent_of(frame)
    while above:
        owner = frames.get(above)
        if owner is None or isinstance(owner.hold, Unwind):
            return False
        above = parent_of(above)
    return True
