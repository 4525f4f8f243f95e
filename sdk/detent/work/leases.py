"""Keeping leases while handlers run, and noticing when one is lost."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable
from math import inf
from time import monotonic
from typing import Any

from detent.errors import Conflict, DetentError, NotFound
from detent.task import Done, Task
from detent.work.contact import Contact
from detent.work.door import Door
from detent.work.handlers import Outcome

log = logging.getLogger("detent.worker")

BEATS_PER_LEASE = 3  # so that two may fail before the lease lapses.
TICK_SECONDS_MAX = 0.25


class Holding:
    """A task in this worker's hands, and the asyncio task that performs it."""

    __slots__ = ("beat_at", "deed", "every", "is_async", "is_late", "task")

    def __init__(self, task: Task, lease_seconds: float, *, is_async: bool) -> None:
        self.task = task
        self.is_async = is_async
        self.every = min(lease_seconds, task.heartbeat_seconds or inf) / BEATS_PER_LEASE
        self.beat_at = monotonic() + self.every
        self.deed: asyncio.Task[Outcome] | None = None
        self.is_late = False  # the last extension failed, which has been said

    def lose(self, reason: str) -> None:
        """The task is no longer ours: cancel an async handler, tell a sync one; either's outcome is dropped."""
        if self.task.cancelled:
            return
        self.task.lost_because = reason
        self.task.cancelled = True
        if self.is_async and self.deed is not None:
            self.deed.cancel()


class LeaseKeeper:
    """Heartbeats for every task held, in time for its lease and for its state's HeartbeatSeconds."""

    def __init__(self, door: Door, contact: Contact, lease_seconds: float) -> None:
        self.held: dict[Task, Holding] = {}
        self._contact = contact
        self._door = door
        self._tick_seconds = min(TICK_SECONDS_MAX, lease_seconds / 12)
        self._beats: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._tick_seconds)
            self.tick(monotonic())

    def tick(self, now: float) -> None:
        """Begin the heartbeats that are due."""
        for holding in self.held.values():
            if holding.beat_at <= now:
                holding.beat_at = inf  # until this one is answered
                beat = self._loop.create_task(self._extend(holding))
                self._beats.add(beat)
                beat.add_done_callback(self._beats.discard)

    def beat(self, task: Task) -> Awaitable[None]:
        """A handler's own heartbeat: an awaitable on the loop's thread, blocking on any other."""
        if threading.get_ident() == self._thread:
            return self._beat(task)
        asyncio.run_coroutine_threadsafe(self._beat(task), self._loop).result()
        return Done()

    async def close(self) -> None:
        beats = [*self._beats]
        for beat in beats:
            beat.cancel()
        await asyncio.gather(*beats, return_exceptions=True)

    async def _beat(self, task: Task) -> None:
        await self._door.heartbeat(task)
        if holding := self.held.get(task):
            holding.beat_at = monotonic() + holding.every

    async def _extend(self, holding: Holding) -> None:
        try:
            await self._door.extend(holding.task)
        except (Conflict, NotFound) as error:
            if holding.task in self.held:
                holding.lose(error.code)
        except DetentError as error:
            if not holding.is_late and not self._contact.is_lost():
                log.warning("lease of task %s not extended: %s", holding.task.token, error)
            holding.is_late = True
            holding.beat_at = monotonic() + self._tick_seconds
        else:
            holding.is_late = False
            holding.beat_at = monotonic() + holding.every


async def hand_back(door: Door, tasks: list[Task], seconds: float) -> None:
    """Shorten the leases to a second, so that others need not wait for them to lapse. A kindness: failures are ignored."""
    beats: list[Any] = [door.extend(task, 1) for task in tasks]
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*beats, return_exceptions=True)
    except TimeoutError:
        log.warning("leases of %d tasks left to lapse", len(tasks))
