"""What an order reads: the frames, and the values, that have to be loaded before it can be applied."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core import orders
from engine.core.context import parent_of
from engine.core.effects import Needs
from engine.core.execution import ROOT, Execution, Fork, FrameId, Paused, Unwind
from engine.core.flow.unwind import walk

NOTHING = Needs()


def needs_of(execution: Execution, order: orders.Order) -> Needs:
    """What the order's handler would read and is not loaded."""
    match order:
        case orders.RetryRequested(frame=None):
            wanted = tuple(_everything(execution))
        case (
            orders.RetryRequested(frame=str(frame))
            | orders.SkipRequested(frame=frame)
            | orders.GotoRequested(frame=frame)
            | orders.DataSet(frame=frame)
            | orders.VariablesSet(frame=frame)
        ):
            wanted = (*_chain(frame), ROOT)
        case _:
            wanted = (ROOT,)
    missing = tuple(dict.fromkeys(f for f in wanted if f not in execution.frames))
    return Needs(frames=missing) if missing else NOTHING


def needs_to_resume(execution: Execution, paused: Paused) -> Needs:
    """The next frames whose timers and tasks are to be seen to."""
    missing = walk(execution.frames, paused.stack or ()).missing
    return Needs(frames=missing) if missing else NOTHING


def _chain(frame: FrameId) -> Iterator[FrameId]:
    while frame:
        yield frame
        frame = parent_of(frame)


def _everything(execution: Execution) -> Iterator[FrameId]:
    """The frames there are, and those below them that there may be, one generation after the other."""
    yield ROOT
    for frame in execution.frames.values():
        if frame is None:
            continue
        if isinstance(frame.hold, Fork):
            yield from (f"{frame.id}/{index}" for index in range(frame.hold.spawned))
        elif isinstance(frame.hold, Unwind):
            pass  # what is being dropped tries nothing again
