"""What a rehearsal is given from outside, and what it answers."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from engine.core.effects import Record, ScheduleTask
from engine.core.events import SignalReceived, StopRequested
from engine.core.execution import Execution, Status

RunType = Literal["STANDARD", "EXPRESS", "EXPRESS_SYNC"]


class BrokenPromise(AssertionError):
    """The core did what it promises never to do; a fault in the engine, not in the definition."""


class Given(Struct, frozen=True):
    """Something from outside, `after_ms` from the start; with `after_record`, as soon as a record of that type is there."""

    event: SignalReceived | StopRequested
    after_ms: int = 0
    after_record: str | None = None


class Result(Struct, frozen=True):
    """How a run ended. `status` is RUNNING for one that waits for something nobody will send."""

    status: Status
    output: Any
    error: str | None
    cause: str | None
    records: list[Record]
    tasks: list[ScheduleTask]  # every attempt, in the order of scheduling
    waits_ms: list[int]  # of Wait states and between attempts, in the order they began
    transitions: int
    ended_ms: int
    execution: Execution
    left_behind: list[str]  # by a closed execution: always empty
    # of its nested executions and its Map Runs, in the order of their start
    children: list[Result] = []

    @property
    def types(self) -> list[str]:
        return [record.type for record in self.records]
