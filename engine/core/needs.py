"""What has to be loaded before an event can be applied.

`transition` reads nothing that is not named here first. The caller loads what is asked for, notes None for what is
not there, and asks again until the answer is empty.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.core import control, orders
from engine.core.context import keys_of, needed, parent_of
from engine.core.effects import Needs
from engine.core.events import (
    Advance,
    Begin,
    DeadlineReached,
    Event,
    MigrateRequested,
    SignalReceived,
    StopRequested,
)
from engine.core.execution import (
    ROOT,
    Execution,
    Fork,
    Frame,
    FrameId,
    Listen,
    Unwind,
    Work,
)
from engine.core.flow.forks import has_room
from engine.core.flow.unwind import is_live, stack_of, walk
from engine.core.moving.undo import UNDO
from engine.language.machine import Machine

NOTHING = Needs()
_ENDING = orders.CancelRequested | orders.TerminateRequested


def needs(machine: Machine, execution: Execution, event: Event) -> Needs:
    """What `transition` of the same arguments would read and is not loaded. Pure."""
    if execution.status != "RUNNING":
        return NOTHING
    if isinstance(event, Begin):
        return Needs(input=True) if execution.input is None else NOTHING
    if execution.moving is not None:
        return _all_frames(execution)
    paused = execution.operated.paused
    if paused is not None and paused.is_resuming:
        return control.needs_to_resume(execution, paused)
    if execution.closing is not None:
        if not isinstance(event, Advance):
            return NOTHING
        return _below(execution, execution.closing.stack) or _frames(execution, (ROOT,))
    if isinstance(event, StopRequested | DeadlineReached):
        untold = execution.revision == 0 and execution.input is None
        return Needs(input=True) if untold else _ended(execution)
    if isinstance(event, MigrateRequested):
        return _migration(execution, event)
    if isinstance(event, orders.Order):
        return _order(machine, execution, event)
    if isinstance(event, SignalReceived):
        return _signal(machine, execution, event)
    missing = _frames(execution, _chain(event.frame))
    if missing:
        return missing
    frame = execution.frames[event.frame]
    if frame is None:
        return NOTHING
    if isinstance(event, Advance):
        return _advance(machine, execution, frame)
    return _reading(machine, execution, frame)


def _chain(frame: FrameId) -> Iterable[FrameId]:
    """A frame and its ancestors."""
    while frame:
        yield frame
        frame = parent_of(frame)


def _frames(execution: Execution, wanted: Iterable[FrameId]) -> Needs:
    missing = tuple(frame for frame in wanted if frame not in execution.frames)
    return Needs(frames=missing) if missing else NOTHING


def _values(execution: Execution, wanted: Iterable[str]) -> Needs:
    missing = tuple(key for key in wanted if key not in execution.values)
    return Needs(values=missing) if missing else NOTHING


def _below(execution: Execution, stack: tuple[tuple[FrameId, int, int], ...]) -> Needs:
    way = walk(execution.frames, stack)
    return Needs(frames=way.missing) if way.missing else _leases(execution, way.dropped)


def _ended(execution: Execution) -> Needs:
    """What the root holds, which is taken back."""
    root = execution.frames.get(ROOT)
    return _frames(execution, (ROOT,)) if root is None else _leases(execution, (root,))


def _leases(execution: Execution, frames: Iterable[Frame]) -> Needs:
    """Who has the tasks of frames that are dropped: the history says that they were started."""
    tasks = ((f.id, f.hold.revision) for f in frames if isinstance(f.hold, Work))
    missing = tuple(task for task in tasks if task not in execution.leases)
    return Needs(leases=missing) if missing else NOTHING


def _migration(execution: Execution, event: MigrateRequested) -> Needs:
    """Every frame that is alive, what the last migration noted, and what the expression for the data can read."""
    missing = _all_frames(execution) or _values(execution, (UNDO,))
    if missing or event.data is None:
        return missing
    root = execution.frames[ROOT]
    variables = keys_of(root) if root is not None else ()
    return Needs(values=_values(execution, variables).values, input=execution.input is None)


def _all_frames(execution: Execution) -> Needs:
    """The frames there are, and those below them that there may be, one generation after the other."""
    wanted: list[FrameId] = [ROOT]
    for frame in execution.frames.values():
        if frame is not None:
            hold = frame.hold
            if isinstance(hold, Fork):
                wanted += (f"{frame.id}/{index}" for index in range(hold.spawned))
            elif isinstance(hold, Unwind):
                for owner, following, end in hold.stack:
                    wanted += (f"{owner}/{index}" for index in range(following, end))
    return _frames(execution, wanted)


def _order(machine: Machine, execution: Execution, order: orders.Order) -> Needs:
    missing = control.needs_of(execution, order)
    root = execution.frames.get(ROOT)
    if missing or root is None or not isinstance(order, _ENDING):
        return missing
    missing = _leases(execution, (root,))
    if missing or isinstance(order, orders.TerminateRequested):
        return missing
    return _reading(machine, execution, root)  # a catcher may take it in the same transition


def _signal(machine: Machine, execution: Execution, event: SignalReceived) -> Needs:
    """The first frame that listens and is not being dropped."""
    buffer = execution.signals.get(event.name)
    if buffer is None or buffer.count:
        return NOTHING
    for listener in buffer.listeners:
        missing = _frames(execution, _chain(listener))
        if missing:
            return missing
        frame = execution.frames[listener]
        if frame is not None and is_live(execution.frames, listener):
            return _reading(machine, execution, frame)
    return NOTHING


def _advance(machine: Machine, execution: Execution, frame: Frame) -> Needs:
    hold = frame.hold
    found = NOTHING
    if isinstance(hold, Unwind):
        found = _below(execution, stack_of(frame))
    elif isinstance(hold, Fork):
        found = _fork(execution, frame, hold)
    elif isinstance(hold, Listen):
        buffer = execution.signals.get(hold.name)
        if buffer is not None and buffer.count:
            found = _values(execution, (f"s:{hold.name}:{buffer.head}",))
    return found or _reading(machine, execution, frame)


def _fork(execution: Execution, frame: Frame, fork: Fork) -> Needs:
    if fork.swept:
        return _values(execution, (f"o:{frame.id}",))
    if fork.done == fork.total:
        if fork.size < 0:
            return NOTHING
        return _values(execution, (f"r:{frame.id}:{index}" for index in range(fork.total)))
    if has_room(fork):
        return _values(execution, (f"i:{frame.id}:{fork.page}",))
    return NOTHING


def _reading(machine: Machine, execution: Execution, frame: Frame) -> Needs:
    """The execution's input and the variables that the frame's state, or one it may go on to, reads."""
    reading = machine.reading.get(frame.state)
    missing = NOTHING
    if (
        reading is None
    ):  # of a version that has been left: it is being dropped, and the event is stale
        return missing
    if reading.variables:
        missing = _values(execution, needed(execution.frames, frame, reading.variables))
    if reading.execution_input and execution.input is None:
        return Needs(values=missing.values, input=True)
    return missing
