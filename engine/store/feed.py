"""The feed: what has become of executions, change by change, kept for followers for a while.

Each partition has a stream, written in the commits themselves. Put together, the order is that of (ms, partition,
number): ms and number are Redis' id of the entry. A change is told once no partition can add one that would come before
it, so that one place in this order says which changes somebody has seen, in all partitions.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from engine.store import codec
from engine.store.connection import Redis
from engine.store.keys import Keys
from engine.store.server.link import Argument

Kind = Literal["started", "parked", "moved", "closed"]

ENTRIES_AT_ONCE = 20  # of one partition; a page has as many at most for each of them
ARM_MS = 300_000  # a bell that nobody rings is armed anew after this
LAST_NUMBER = 2**64 - 1
_PLACE = re.compile(r"(\d{1,15})(?:-(\d{1,4})-(\d{1,20}))?")


class Place(NamedTuple):
    """A place in the feed: right after the change of this key, or (partition -1) before all changes of this ms."""

    ms: int
    partition: int = -1
    number: int = 0

    def __str__(self) -> str:
        if self.partition < 0:
            return str(self.ms)
        return f"{self.ms}-{self.partition}-{self.number}"


def read_place(text: str) -> Place | None:
    """The place that a text names; None where it names none."""
    found = _PLACE.fullmatch(text) if text.isascii() else None
    if found is None:
        return None
    ms, partition, number = found.groups()
    return Place(int(ms)) if partition is None else Place(int(ms), int(partition), int(number))


class Entry(Struct, frozen=True, array_like=True):
    """A change as it is stored; the version lies beside it, where scripts can set it."""

    kind: Kind
    execution: str
    status: str
    state: str  # where it rests; "" while it is on its way and once it has closed
    revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an execution, and its place in the feed, whose ms is when it was committed."""

    place: Place
    entry: Entry
    version: int


@dataclass(frozen=True, slots=True)
class Told:
    """Changes in order, all that there are from the place asked for to `upto`. `gap`: some before them are not kept."""

    changes: list[Change]
    upto: Place
    gap: bool


class Feed:
    """Reads the feed. Which changes are kept, and how many, is the writers' affair."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def read(self, namespace: str, after: Place, *, arm: bool = False) -> Told:
        """What comes after a place, as far as it can be told by now. `arm`: announce the next change."""
        replies = await asyncio.gather(
            *(self._partition(namespace, p, after, arm=arm) for p in range(self._keys.partitions))
        )
        found: list[tuple[Place, Any]] = []
        bounds: list[Place] = []
        gap = False
        for partition, (now, oldest, entries) in enumerate(replies):
            placed = [(_place(partition, identifier), fields) for identifier, fields in entries]
            is_full = len(placed) == ENTRIES_AT_ONCE
            bounds.append(placed[-1][0] if is_full else Place(int(now)))
            gap = gap or (bool(oldest) and after < _place(partition, oldest))
            found += placed
        upto = max(after, min(bounds))
        told = sorted((item for item in found if item[0] <= upto), key=lambda item: item[0])
        return Told([_change(*item) for item in told], upto, gap)

    async def now(self, namespace: str) -> Place:
        """The place from which on nothing has been told yet."""
        later = Place(2**53)
        replies = await asyncio.gather(
            *(self._partition(namespace, p, later, arm=False) for p in range(self._keys.partitions))
        )
        return min(Place(int(now)) for now, _, _ in replies)

    async def _partition(self, namespace: str, partition: int, after: Place, *, arm: bool) -> Any:
        keys = self._keys.changes_of(partition, namespace)
        arguments: list[Argument] = [
            _start(partition, after),
            ENTRIES_AT_ONCE,
            ARM_MS if arm else 0,
        ]
        return await self._redis.script("read_changes", list(keys), arguments)


_entries = msgspec.msgpack.Decoder(Entry)


def _start(partition: int, after: Place) -> str:
    """Where a partition's entries after a place begin, as XRANGE takes it."""
    if partition > after.partition:
        return f"{after.ms}-0"
    number = after.number if partition == after.partition else LAST_NUMBER
    return f"({after.ms}-{number}"


def _place(partition: int, identifier: bytes) -> Place:
    ms, _, number = identifier.partition(b"-")
    return Place(int(ms), partition, int(number))


def _change(place: Place, fields: Any) -> Change:
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    return Change(place, _entries.decode(codec.contents(values[b"e"])), int(values[b"v"]))
