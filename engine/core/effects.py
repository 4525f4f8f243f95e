"""What a transition asks of the world. The commit writes them with the checkpoint: all of it, or none."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from engine.core.execution import Child, Execution, Frame, FrameId, Status
from engine.documents import Document


class ScheduleTask(Struct, frozen=True):
    """Put a task into `queue`; it is known by (execution, frame, revision)."""

    frame: FrameId
    revision: int
    state: str
    queue: str
    input: Document
    token: str  # secret part: who shows it may settle the task
    idempotency_key: str
    attempt: int  # 1 for the first
    uri: str  # the Resource, for runners of the engine
    timeout_ms: int | None = None  # absolute, Redis time
    heartbeat_ms: int | None = None  # interval; the first is due this long after scheduling
    callback: bool = False


class CancelTask(Struct, frozen=True):
    """Take a task back: out of its queue, its lease and its timers."""

    frame: FrameId
    revision: int
    queue: str


class StopChild(Struct, frozen=True):
    """Stop the execution that a task has started or is about to start: nobody waits for it any more."""

    frame: FrameId
    revision: int
    child: Child


class StopMapRun(Struct, frozen=True):
    """Stop a Map Run that a distributed Map has begun, or is about to begin: its children, and whoever drives it.

    It comes with the CancelTask of the run's task. `processor` is "DEFINITION~LABEL", of which the children are executions.
    """

    frame: FrameId
    revision: int  # at which the run's task was scheduled
    run: str  # the id of the run, as MapRunSpec.run
    processor: str


class StartTimer(Struct, frozen=True):
    """Wake `frame` with `TimerFired` at `due_ms` or soon after; never before. Frame "" is the machine's deadline."""

    frame: FrameId
    revision: int
    kind: Literal["due", "timeout", "deadline"]
    due_ms: int


class CancelTimer(Struct, frozen=True):
    """Forget a timer, fired or not."""

    frame: FrameId
    revision: int
    kind: Literal["due", "timeout", "deadline"]


class Close(Struct, frozen=True):
    """The execution has ended: indexes, retention, and whoever waits for it."""

    status: Status


class Tally(Struct, frozen=True):
    """The execution's answer to an operation on many. `outcome` is counted; `reason` is kept with the execution's id."""

    operation: str
    outcome: str
    reason: str | None = None


class ShiftTimer(Struct, frozen=True):
    """Move a timer that has not fired to `due_ms`; one that has fired, or was cancelled, stays gone."""

    frame: FrameId
    revision: int
    kind: Literal["due", "timeout", "heartbeat", "deadline"]
    due_ms: int


class ReturnTask(Struct, frozen=True):
    """Put a task back that was taken out of `queue` because its execution was paused, where it stood by `since_ms`."""

    frame: FrameId
    revision: int
    queue: str
    since_ms: int


class SignalEnded(Struct, frozen=True):
    """What has become of a signal: a state took it, or its time was over.

    With `before_ms` it holds only until then, by Redis time: the commit refuses it afterwards, and it is decided anew.
    """

    id: str
    name: str
    status: Literal["consumed", "expired"]
    record: int  # id of the record that tells of it
    at_ms: int
    state: str = ""
    before_ms: int | None = None


Effect = (
    ScheduleTask
    | CancelTask
    | StopChild
    | StopMapRun
    | StartTimer
    | CancelTimer
    | Close
    | Tally
    | ShiftTimer
    | ReturnTask
    | SignalEnded
)


class Record(Struct, frozen=True, array_like=True):
    """One history entry, in Step Functions' vocabulary. `details` hold JSON scalars and Documents (shown as text)."""

    id: int  # 1, 2, 3 ... without gaps
    previous: int  # id of the record this one follows in its strand; 0 at the start of the run
    type: str
    at_ms: int
    details: dict[str, Any]


class Transition(Struct, frozen=True):
    """One checkpointed step: the execution after it, and what the commit has to write."""

    execution: Execution  # revision + 1
    frames: dict[FrameId, Frame | None]  # changed frames; None where one is gone
    values: dict[str, Document | None]  # values to keep; None where one is dropped
    records: tuple[Record, ...]
    effects: tuple[Effect, ...]


class Needs(Struct, frozen=True):
    """What has to be loaded before an event can be applied. Empty when nothing is missing."""

    frames: tuple[FrameId, ...] = ()
    values: tuple[str, ...] = ()
    input: bool = False  # Execution.input
    leases: tuple[
        tuple[FrameId, int], ...
    ] = ()  # of tasks that are taken back, by frame and revision

    def __bool__(self) -> bool:
        return bool(self.frames or self.values or self.input or self.leases)
