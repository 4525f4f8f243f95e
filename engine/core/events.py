"""What can happen to an execution. Each event is appended to the inbox by one script and applied by `transition`.

An event that names a frame and a revision the frame no longer rests at is stale: it changes nothing.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct, json

from engine.core import orders
from engine.core.execution import FrameId, Started
from engine.documents import Document


class Advance(Struct, frozen=True, array_like=True, tag="advance"):
    """A ready frame goes on. Never in an inbox: the holder makes it from `Execution.ready`."""

    frame: FrameId


class Begin(Struct, frozen=True, array_like=True, tag="begin"):
    """The first event of an execution: records ExecutionStarted and arrives at StartAt. Made by the holder at revision 0."""


class Hand(Struct, frozen=True, array_like=True):
    """Who settled a task without being its worker, and why."""

    by: str
    reason: str | None = None


class TaskSucceeded(Struct, frozen=True, array_like=True, tag="succeeded"):
    """A worker, a runner or a callback gave the task's result."""

    frame: FrameId
    revision: int
    output: Document
    started: Started | None = None
    hand: Hand | None = None


class TaskSubmitted(Struct, frozen=True, array_like=True, tag="submitted"):
    """A callback task's request was answered; the task waits for its token."""

    frame: FrameId
    revision: int
    output: Document
    started: Started | None = None


class TaskFailed(Struct, frozen=True, array_like=True, tag="failed"):
    """A task was reported failed. `transport` tells a connection error or a 5xx: the Idempotency-Key is kept."""

    frame: FrameId
    revision: int
    error: str | None
    cause: str | None
    started: Started | None = None
    transport: bool = False
    hand: Hand | None = None


class TimerFired(Struct, frozen=True, array_like=True, tag="timer"):
    """A moment has come: a Wait's or a retry's due time, a task's time-out or a missed heartbeat."""

    frame: FrameId
    revision: int
    kind: Literal["due", "timeout", "heartbeat"]
    started: Started | None = None


class SignalReceived(Struct, frozen=True, array_like=True, tag="signal"):
    """A signal was accepted, at `at_ms`; no state takes it once `ttl_ms` have passed since."""

    name: str
    id: str
    payload: Document
    ttl_ms: int | None = None
    at_ms: int = 0  # Redis time; 0 where nobody asks

    @property
    def expires_ms(self) -> int | None:
        return None if self.ttl_ms is None else self.at_ms + self.ttl_ms


class StopRequested(Struct, frozen=True, array_like=True, tag="stop"):
    """Someone ends the execution; a control event."""

    error: str | None = None
    cause: str | None = None


class DeadlineReached(Struct, frozen=True, array_like=True, tag="deadline"):
    """The machine's TimeoutSeconds have passed; a control event."""


class MigrateRequested(Struct, frozen=True, array_like=True, tag="migrate"):
    """Someone moves the execution to another version of its definition; a control event.

    `mapping` leads from old states to new ones; the caller has named those in `explicit`. `data` is a JSONata expression
    that makes the data of the execution's own strand. `back` names a migration that is taken back instead: then the
    version is the one before it, and the way is as it was noted. `origin` is the version that the mapping leads from.
    """

    version: int
    mapping: dict[str, str]
    explicit: frozenset[str]
    by: str
    reason: str | None = None
    operation: str = ""
    data: str | None = None
    back: str = ""
    origin: int = 0  # 0: any


Event = (
    Advance
    | Begin
    | TaskSucceeded
    | TaskSubmitted
    | TaskFailed
    | TimerFired
    | SignalReceived
    | StopRequested
    | DeadlineReached
    | MigrateRequested
    | orders.PauseRequested
    | orders.ResumeRequested
    | orders.ReleaseRequested
    | orders.CancelRequested
    | orders.TerminateRequested
    | orders.RetryRequested
    | orders.SkipRequested
    | orders.GotoRequested
    | orders.DataSet
    | orders.VariablesSet
    | orders.RedriveRequested
)


class _Kept(Struct, frozen=True, omit_defaults=True):
    id: str
    payload: Raw
    at: int = 0
    ttl: int | None = None


def kept_signal(event: SignalReceived) -> Document:
    """A signal as it is kept for a state that has not been reached."""
    kept = _Kept(event.id, Raw(event.payload.text), event.at_ms, event.ttl_ms)
    return Document.from_text(json.encode(kept))


def read_signal(name: str, kept: Document) -> SignalReceived:
    """A signal of that name that was kept; the payload's text is the sender's own."""
    signal = json.decode(kept.text, type=_Kept)
    payload = Document.from_text(bytes(signal.payload))
    return SignalReceived(name, signal.id, payload, signal.ttl, signal.at)
