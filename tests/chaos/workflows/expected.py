"""What a generator says of one execution before it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Due:
    """A task, by (state, item). `attempts` are scheduled; `extra` more may be, after a broken connection.

    `done`: whether it is done in the world, under one key. `loose`: anything up to that may have happened, because
    its strand may have been cut off.
    """

    kind: str
    attempts: int
    done: bool
    extra: int = 0
    loose: bool = False


@dataclass(frozen=True)
class Sent:
    """A signal that is sent `after` seconds. Those of one name are sent in order, each once the last was answered."""

    name: str
    id: str
    after: float
    twice: bool = False


@dataclass
class Expected:
    """How an execution may end, and what is done on the way.

    `ends`: (status, error) pairs. `output` is a pattern, of a success. `loose`: it may also be stopped, or not have
    begun. `children` by id. `races`: what was deliberately left open, by kind: place -> (one end, the other).
    """

    id: str
    ends: set[tuple[str, str | None]] = field(default_factory=set)
    output: Any = None
    due: dict[tuple[str, int], Due] = field(default_factory=dict)
    children: dict[str, Expected] = field(default_factory=dict)
    signals: list[Sent] = field(default_factory=list)
    loose: bool = False

    def loosen(self, since: Mark) -> None:
        """What was noted after the mark may have been cut off."""
        for place in list(self.due)[since.due :]:
            self.due[place].loose = True
        for child in list(self.children.values())[since.children :]:
            child.loosen_all()

    def loosen_all(self) -> None:
        self.loose = True
        self.loosen(Mark(0, 0))

    def mark(self) -> Mark:
        return Mark(len(self.due), len(self.children))


@dataclass(frozen=True)
class Mark:
    """How far the notes of an execution went."""

    due: int
    children: int
