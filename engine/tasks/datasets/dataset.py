"""A Map Run's dataset, as an asynchronous stream of items. It holds about a mebibyte of them at a time."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Iterator

from engine.core.states.distributed.selecting import Item
from engine.core.states.distributed.spec import MapRunSpec
from engine.tasks.datasets.buckets import Buckets
from engine.tasks.datasets.faults import ITEMS_MAX_NEGATIVE, ItemReaderFailed
from engine.tasks.datasets.reading import Found, Reading

ITEMS_MAX = 100_000_000  # of one Map Run, as AWS Step Functions; a larger MaxItems counts as this (recorded)
# What one turn of a thread reads.
TURN_ITEMS = 500
TURN_BYTES = 1024 * 1024
TURN_SKIPPED = 20_000


class Dataset:
    """The items of one Map Run. The same spec and pin give the same items, or fail.

    `pin` is to be kept with the run's first progress and given when it is resumed: it is "" until an object was opened,
    and stays so where there is none to pin: state data cannot change, and a listing is listed anew, so that objects which
    come or go while a run that lists them is resumed can be missed or met twice.
    """

    def __init__(self, spec: MapRunSpec, buckets: Buckets, *, pin: str = "") -> None:
        self._reading = Reading(spec, buckets, pin or None)
        self._buckets = buckets
        self._items_max = spec.reader.items_max if spec.reader is not None else None

    @property
    def pin(self) -> str:
        return self._reading.pin or ""

    async def items(self, start: int = 0) -> AsyncGenerator[Item]:
        """The items from index `start` on. Close it (aclose) to stop early. Raises ItemReaderFailed."""
        if self._items_max is not None and self._items_max < 0:
            raise ItemReaderFailed(ITEMS_MAX_NEGATIVE)
        turns = _Turns(self._reading, start, min(self._items_max or ITEMS_MAX, ITEMS_MAX))
        try:
            while not turns.are_over:
                for item in await self._buckets.run(turns.take):
                    yield item
        finally:
            self._buckets.later(turns.close)


class _Turns:
    """One way through the entries, a turn at a time, each in whichever thread is free."""

    def __init__(self, reading: Reading, start: int, most: int) -> None:
        self._reading = reading
        self._entries: Iterator[Found] | None = None
        self._start = start
        self._most = most
        self._index = 0
        self._lock = (
            threading.Lock()
        )  # a turn that was abandoned may still go on when all is closed
        self.are_over = False

    def take(self) -> list[Item]:
        with self._lock:
            if self._entries is None:
                self._entries = iter(self._reading.entries())
            taken: list[Item] = []
            size = skipped = 0
            while size < TURN_BYTES and len(taken) < TURN_ITEMS and skipped < TURN_SKIPPED:
                found = next(self._entries, None) if self._index < self._most else None
                if found is None:
                    self.are_over = True
                    break
                if self._index < self._start:
                    skipped += 1
                else:
                    value, key, bytes_ = found.entry
                    taken.append(Item(self._index, value, key, found.source))
                    size += bytes_
                self._index += 1
            return taken

    def close(self) -> None:
        """Close what is open; nothing is taken any more."""
        with self._lock:
            self.are_over = True
            close = getattr(self._entries, "close", None)  # of a generator
            if close is not None:
                close()
