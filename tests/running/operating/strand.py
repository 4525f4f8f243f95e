"""One execution in memory, moved by events: for what orders make of it."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from engine.core import orders
from engine.core.effects import ScheduleTask, Tally, Transition
from engine.core.events import Advance, Begin, Event, TaskFailed, TaskSucceeded
from engine.core.execution import Execution, Work
from engine.core.limits import Limits
from engine.core.transition import needs, transition
from engine.documents import Document
from engine.express.memory import Memory
from tests.core.machines import machine

BY = ("ann", "why", "op")  # who asks, the reason, the operation


class Strand:
    """Runs states until everything waits; `order` gives an order and then does so again."""

    def __init__(self, states: dict[str, Any], given: Any = None, **top: Any) -> None:
        self.machine = machine(states, **top)
        self.limits = Limits()
        self.now_ms = 1_000
        self.memory = Memory()
        self.records: list[Any] = []
        self.effects: list[Any] = []
        self.run = Execution("d:n", "d", "n", 1, b"seed", 1_000, input=Document.of(given or {}))
        self.apply(Begin())

    def apply(self, event: Event) -> Transition:
        """One event, and then whatever can go on."""
        step = self._step(event)
        while self.run.status == "RUNNING":
            paused = self.run.operated.paused
            if self.run.closing is not None or (paused is not None and paused.is_resuming):
                self._step(Advance(""))
            elif paused is not None:
                break
            elif self.run.ready:
                self._step(Advance(self.run.ready[0]))
            else:
                break
        return step

    def _step(self, event: Event) -> Transition:
        while wanted := needs(self.machine, self.run, event):
            self.run = structs.replace(
                self.run,
                frames={n: self.memory.frame(n) for n in wanted.frames} | {**self.run.frames},
                values={n: self.memory.value(n) for n in wanted.values} | {**self.run.values},
                leases=dict.fromkeys(wanted.leases) | {**self.run.leases},
            )
        step = transition(self.machine, self.run, event, self.now_ms, limits=self.limits)
        self.run = step.execution
        self.memory.write(step)
        self.records += step.records
        self.effects += step.effects
        return step

    def order(self, kind: type[orders.Order], *more: Any) -> str | None:
        """Give an order; returns why it was refused, or None. It must answer exactly once."""
        step = self.apply(kind(*BY, *more))
        [tally] = [effect for effect in step.effects if isinstance(effect, Tally)]
        assert tally.operation == "op"
        assert (tally.outcome == "done") is (tally.reason is None)
        return tally.reason

    def succeed(self, output: Any, frame: str = "0") -> None:
        self.apply(TaskSucceeded(frame, self._revision(frame), Document.of(output)))

    def fail(self, error: str, frame: str = "0") -> None:
        self.apply(TaskFailed(frame, self._revision(frame), error, None))

    def _revision(self, frame: str) -> int:
        hold = self.run.frames[frame].hold  # type: ignore[union-attr]
        assert isinstance(hold, Work)
        return hold.revision

    @property
    def state(self) -> str:
        return self.run.frames["0"].state  # type: ignore[union-attr]

    @property
    def data(self) -> Any:
        return self.run.frames["0"].input.value  # type: ignore[union-attr]

    @property
    def kinds(self) -> list[str]:
        return [record.type for record in self.records]

    @property
    def scheduled(self) -> list[str]:
        return [e.state for e in self.effects if isinstance(e, ScheduleTask)]

    def record(self, kind: str) -> dict[str, Any]:
        [found] = [record for record in self.records if record.type == kind]
        return dict(found.details)
