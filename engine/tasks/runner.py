"""What every runner does: a task that the engine performs itself in, what became of it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.documents import Document


class PerformedTask(Protocol):
    """What a runner is told of a leased task; `engine.views.LeasedTask` fits. `uri` is the Resource without its .waitForTaskToken."""

    @property
    def uri(self) -> str: ...
    @property
    def input(self) -> Document: ...
    @property
    def idempotency_key(self) -> str: ...
    @property
    def execution(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def token(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The task's result; of a callback task, the answer to its request.

    `started_ms`: when it was taken, for an answer that may be given again after its lease is gone.
    """

    output: Document
    started_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The task failed. `transport`: the work may have been done or may be done when asked again, so the next attempt
    must carry the same idempotency key; otherwise the performer itself reported that it was not.
    """

    error: str
    cause: str
    transport: bool


@dataclass(frozen=True, slots=True)
class Done:
    """An errand of the engine's own is done; it has nobody to tell."""


RunResult = Succeeded | Failed | Done


class Runner(Protocol):
    """Performs the tasks of one of the engine's own queues. Use it in one event loop, and close it there."""

    async def perform(
        self, task: PerformedTask, *, callback: bool = False, timeout_seconds: float | None = None
    ) -> RunResult:
        """Never raises for what the world outside does, but StoreUnavailable: then the task is performed again once its
        lease lapses. Cancelling it abandons the task.
        """

    async def close(self) -> None:
        """Let go of connections; what is in progress fails."""
