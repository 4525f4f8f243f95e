"""What the scripts and reads of executions answer, and why they may refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.core.execution import Frame, FrameId, Started
from engine.documents import Document


class Suspect(Exception):
    """The execution was not claimed: `SUSPECT_FROM` claims of it ended without a commit.

    A process that dies takes all that it holds along, and all of it is counted. So whoever claims suspects holds one at a
    time: then the next death tells which it was, and none is set aside for what another does.
    """


class ClockAhead(Exception):
    """The holder's clock was ahead of Redis time; nothing was written. `now_ms` is Redis time."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        super().__init__(f"ahead of {now_ms}")


class ExecutionMissing(Exception):
    """An execution was ready and nothing is left of it: its keys were deleted by hand, or evicted."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found of what a transition needs; None for what is not there."""

    frames: dict[FrameId, Frame | None]
    values: dict[str, Document | None]
    input: Document | None
    leases: dict[tuple[FrameId, int], Started | None]


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit's reply brings."""

    now_ms: int
    released: bool
    control: list[bytes]
    entries: list[bytes]
    frames: dict[FrameId, Frame]


@dataclass(frozen=True, slots=True)
class Creation:
    """The answer to a create. `version` and `started_ms` are set for created and existing.

    With a signal: `signaled`, one runs already and got it; `repeat`, it was accepted before; `version`, what runs or would
    be started is of that version and the signal was checked for another; `full`, no more signals are kept.
    """

    verdict: Literal[
        "created", "exists", "conflict", "unknown", "quota", "refused",
        "signaled", "repeat", "version", "full",
    ]  # fmt: skip
    version: int = 0
    started_ms: int = 0
    status: str = "RUNNING"
