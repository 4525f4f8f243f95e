"""What a holder does next with the execution in its hands. No I/O: the advancer asks, and does it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from engine.core.effects import Needs, Transition
from engine.core.events import (
    Advance,
    Begin,
    DeadlineReached,
    Event,
    StopRequested,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from engine.core.execution import Execution, Frame, FrameId
from engine.core.limits import READY_MAX
from engine.core.orders import CancelRequested, TerminateRequested
from engine.store import codec
from engine.store.commits import Claim
from engine.store.commits.answers import Committed, Loaded

FRAMES_KEPT = 200  # parked frames of a large Map are dropped from memory beyond this
VALUES_KEPT = 150

_STOPS = (StopRequested, TerminateRequested)
_MAY_END = (DeadlineReached, CancelRequested)
_REPORTS = (TaskSucceeded, TaskFailed, TaskSubmitted)


def came_ms(claim: Claim, event: Event) -> int:
    """The moment of Redis' clock that is over for certain: what follows from the event is never dated before it.

    When its task was leased, and when the event was read, which is after a timer of its was due: a process's idea of the
    time is a little behind Redis'.
    """
    started = getattr(event, "started", None)
    return max(claim.now_ms, started.at_ms if started is not None else 0)


def next_event(claim: Claim) -> tuple[Event | None, int, int]:
    """The event to apply, and how many control and inbox entries it consumes."""
    execution = claim.execution
    paused = execution.operated.paused
    if execution.moving is not None or (paused is not None and paused.is_resuming):
        return Advance(""), 0, 0
    control = codec.unpack_entry(claim.control[0]) if claim.control else None
    if execution.revision == 0 and not isinstance(control, StopRequested | DeadlineReached):
        return Begin(), 0, 0
    if control is not None:
        if execution.closing is None and _comes_later(claim, control):
            return codec.unpack_entry(claim.entries[0]), 0, 1
        claim.orders_from = None
        return control, 1, 0
    if paused is not None:
        return None, 0, 0
    if claim.entries and execution.closing is None and len(execution.ready) < READY_MAX:
        return codec.unpack_entry(claim.entries[0]), 0, 1
    if execution.ready:
        return Advance(execution.ready[0]), 0, 0
    if execution.closing is not None:
        return Advance(""), 0, 0
    return None, 0, 0


def _comes_later(claim: Claim, control: Event) -> bool:
    """Whether outcomes that were accepted before this order are applied before it.

    Whoever reported one was told that it counts. Once a stop has come no more are accepted, so that all there are go
    first, even where a pause has kept them. Before what may end the execution and need not, only those go first that had
    come in when it was first seen: nothing may hold an order up for long.
    """
    revision = claim.execution.revision
    is_stop = isinstance(control, _STOPS)
    is_new = claim.orders_from is None
    may_end = isinstance(control, _MAY_END) and claim.execution.operated.paused is None
    if (is_new and may_end) or (is_stop and (is_new or revision >= (claim.orders_from or 0))):
        claim.orders_from = revision + _outcomes_end(claim.entries)
    return claim.orders_from is not None and revision < claim.orders_from and bool(claim.entries)


def _outcomes_end(entries: Sequence[bytes]) -> int:
    """How many entries there are up to the last that is an outcome."""
    for count in range(len(entries), 0, -1):
        if _is_outcome(codec.unpack_entry(entries[count - 1])):
            return count
    return 0


def _is_outcome(event: Event) -> bool:
    """Whether it ends an attempt: a report, or a time-out, which later reports are told of."""
    return isinstance(event, _REPORTS) or (isinstance(event, TimerFired) and event.kind != "due")


def is_last(claim: Claim, step: Transition, controls: int, taken: int) -> bool:
    """Whether nothing known is left to do after this step. The commit looks at the inbox itself before letting go."""
    after = step.execution
    paused = after.operated.paused
    if after.closing is not None or after.moving is not None or len(claim.control) > controls:
        return False
    if paused is not None:
        return not paused.is_resuming
    return not after.ready and len(claim.entries) <= taken


def needed_frames(execution: Execution, committed: Committed) -> dict[FrameId, Frame | None]:
    """The frames that can go on or that entries name, with their ancestors."""
    keep = set(committed.frames)
    for name in execution.ready:
        at = name
        while at:
            keep.add(at)
            at = at.rpartition("/")[0]
    return {name: frame for name, frame in execution.frames.items() if name in keep}


def with_committed(execution: Execution, committed: Committed) -> Execution:
    """The checkpoint after a commit, as far as it is kept in memory."""
    if committed.frames:
        execution = structs.replace(execution, frames={**committed.frames, **execution.frames})
    if len(execution.frames) > FRAMES_KEPT:
        execution = structs.replace(execution, frames=needed_frames(execution, committed))
    if len(execution.values) > VALUES_KEPT:
        execution = structs.replace(execution, values={})
    return execution


def with_loaded(
    execution: Execution,
    wanted: Needs,
    loaded: Loaded,
) -> Execution:
    return structs.replace(
        execution,
        frames={**execution.frames, **loaded.frames},
        values={**execution.values, **loaded.values},
        input=loaded.input if wanted.input else execution.input,
        leases={**execution.leases, **loaded.leases},
    )
