"""A run in memory that is moved to another version in the middle, as an engine would move it."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any
from unittest.mock import patch

from msgspec import structs
from test_transition_properties import INPUT, performer

from engine.core.effects import Tally, Transition
from engine.core.events import Advance, DeadlineReached, Event, MigrateRequested, SignalReceived
from engine.core.execution import Execution, Frame, FrameId
from engine.core.limits import Limits
from engine.core.moving import move as moving
from engine.core.moving.undo import UNDO
from engine.core.moving.verdict import Moves, Verdict, judge
from engine.core.transition import transition
from engine.documents import Document
from engine.language import read
from engine.language.machine import Machine
from engine.rehearsal import Given, Rehearsal
from engine.rehearsal.rehearsal import DEADLINE

TRANSITIONS_MAX = 3_000
MIGRATION = "there"


class Moved(Rehearsal):
    """A rehearsal of which every transition can be given the machine that it is to go on with."""

    target: Machine | None = None
    tallied: tuple[str, str | None] | None = None
    strands_max = 100

    @property
    def is_ending(self) -> bool:
        return self.is_closed or self.execution.closing is not None

    def drive(self, transitions: int) -> None:
        """So many transitions, with the time that passes between them."""
        for run in islice(self.family.turns(), transitions):
            run.step()

    def move(self, event: MigrateRequested, target: Machine) -> tuple[str, str | None]:
        """Apply a migration to its last strand; what it answers."""
        self.target, self.tallied = target, None
        with patch.object(moving, "STRANDS_MAX", self.strands_max):
            self._apply(event)
            while self.execution.moving is not None:
                self._apply(Advance(""))
        self.target = None
        assert self.tallied is not None
        return self.tallied

    def verdict(self, event: MigrateRequested, target: Machine) -> Verdict:
        moves = Moves(event.mapping, event.explicit)
        return judge(self._load(event).frames, self.machine, target, moves)

    def _decide(self, before: Execution, event: Event) -> Transition:
        change = transition(
            self.machine, before, event, self.now_ms, limits=self.limits, target=self.target
        )
        for effect in change.effects:
            if isinstance(effect, Tally):
                self.tallied = effect.outcome, effect.reason
        return change

    def _apply(self, event: Event) -> None:
        version = self.execution.version
        super()._apply(event)
        if self.execution.version != version:
            assert self.target is not None
            self.machine = self.target

    def _fire(self, at_ms: int, event: Any) -> None:
        """The deadline of a version that was left is none."""
        if isinstance(event, DeadlineReached) and self.memory.timers.get(DEADLINE, at_ms) > at_ms:
            return
        super()._fire(at_ms, event)

    def standing(self) -> dict[str, Any]:
        """All that is kept of the execution, but for its history and the way back."""
        execution = self.execution
        kept = {key: value.text for key, value in self.memory.values.items() if key != UNDO}
        return {
            "version": execution.version,
            "frames": dict(self.memory.frames),
            "values": kept,
            "signals": dict(execution.signals),
            "ready": execution.ready,
            "variables_bytes": execution.variables_bytes,
            "status": execution.status,
            "closing": execution.closing,
            "tasks": set(self.memory.tasks),
            "timers": dict(self.memory.timers),
        }

    def variables(self, frame: Frame) -> dict[str, bytes]:
        return {name: self.memory.values[f"a:{frame.id}:{name}"].text for name in frame.variables}


def begun(definition: Any, seed: int, transitions: int, *, evict: bool) -> Moved:
    """A run of version 1, so many transitions after its start."""
    signals = [
        Given(SignalReceived(name, f"{name}{number}", Document.of({"n": number})), after_ms)
        for number, (name, after_ms) in enumerate((("go", 0), ("stop", 9_000), ("go", 40_000)))
    ]
    run = Moved(
        read(json.dumps(definition)),
        INPUT,
        answers=performer(seed),
        limits=Limits(records_max=600),
        evict=evict,
        transitions_max=TRANSITIONS_MAX,
    )
    for given in signals:
        run.agenda.plan(run.now_ms + given.after_ms, given.event)
    run.drive(transitions)
    return run


def there(pair: Any) -> MigrateRequested:
    _, _, mapping, explicit, data = pair
    return MigrateRequested(2, mapping, explicit, "tester", None, MIGRATION, data)


def back() -> MigrateRequested:
    return MigrateRequested(0, {}, frozenset(), "tester", None, "back", back=MIGRATION)


def below(frame: FrameId, above: set[FrameId]) -> bool:
    """Whether a frame lies in one of those."""
    return any(frame.startswith(f"{each}/") for each in above)


def is_equal_but_for_revision(before: Frame, after: Frame) -> bool:
    return structs.replace(after, version=before.version) == before
