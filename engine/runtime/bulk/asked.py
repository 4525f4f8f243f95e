"""What an operation asks, of which executions, and at what pace. One value, kept as JSON with the operation."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
from msgspec import Struct

from engine.store.finding.filter import Filter
from engine.store.finding.rows import Row

MIGRATE, ROLLBACK, REDRIVE = "migrate", "rollback", "redrive"
SHARES = 10_000  # a share of the executions is told by the hundredth of a percent


class Wanted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which executions of a definition: all that is given must hold; `ids` are names of executions or whole ids."""

    definition: str
    version: int | None = None
    status: str | None = "RUNNING"
    state: str | None = None
    error: str | None = None
    started_from_ms: int | None = None
    started_until_ms: int | None = None
    attributes: dict[str, str] = {}
    ids: tuple[str, ...] = ()

    @property
    def filter(self) -> Filter:
        """The part of it that indexes answer."""
        return Filter(
            definition=self.definition,
            version=self.version,
            status=self.status,  # type: ignore[arg-type]
            state=self.state,
            error=self.error,
            started_from_ms=self.started_from_ms,
            started_until_ms=self.started_until_ms,
            attributes=tuple(self.attributes.items()),
        )

    @property
    def identifiers(self) -> list[str]:
        """The ids, whole, each once."""
        prefix = self.definition + ":"
        whole = (each if each.startswith(prefix) else prefix + each for each in self.ids)
        return sorted(set(whole))


class Asked(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`kind` is "migrate", "rollback" or an operator's verb, whose parameters are `given`.

    `percent` asks a share of the executions only, always the same ones; `count` at most so many; `rate` so many a second.
    """

    kind: str
    wanted: Wanted
    by: str
    reason: str | None = None
    percent: float | None = None
    count: int | None = None
    rate: float | None = None
    version: int = 0  # of a migration: where to
    mapping: dict[str, str] = {}  # of a migration: as the caller gave it
    propose: bool = True  # whether states that the caller does not name go where they probably went
    data: str | None = None
    back: str = ""  # of a rollback: the migration that is taken back
    given: dict[str, Any] = {}

    def asks(self, row: Row) -> bool:
        """Whether this execution is asked: it is in the share, and not where it is to go already."""
        there = self.kind == MIGRATE and row.version == self.version
        return not there and is_in_share(row.id, self.percent)


def is_in_share(execution: str, percent: float | None) -> bool:
    """Whether an execution is among so many percent: those of a smaller share are in every larger one."""
    return percent is None or zlib.crc32(execution.encode()) % SHARES < percent * SHARES / 100


def keep_asked(asked: Asked) -> bytes:
    return msgspec.json.encode(asked)


def read_asked(kept: bytes) -> Asked:
    return msgspec.json.decode(kept, type=Asked)
