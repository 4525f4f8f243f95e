"""Followers of all executions: one reading of the feed for all who are at its end, however many they are.

Who is behind reads pages of its own, at its own pace, until it has caught up. At the end, one loop for each namespace
reads what is new when a commit has rung, keeps the newest in memory, and wakes everybody. The loop ends when nobody follows.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from itertools import takewhile

from engine.clock import Clock
from engine.errors import EngineError
from engine.store.feed import Change, Feed, Place, Told

LOOK_SECONDS = 1.0  # until the loop looks for itself: a bell may have failed to ring
PAUSE_SECONDS = 0.05  # between two readings, whatever rings
UNUSED_MAX = 30  # readings in a row that nobody waited for, and the loop ends
KEPT = 4096  # changes in memory, for all followers of a namespace
PAGE = 200  # changes handed to one follower at once

log = logging.getLogger("detent.followers")


class Followers:
    """Hands out what comes after a place, waiting for it where it has not happened yet."""

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self._tails: dict[str, _Tail] = {}

    def ring(self, namespace: str) -> None:
        """Something has been added."""
        tail = self._tails.get(namespace)
        if tail is not None:
            tail.rung.set()

    async def now(self, namespace: str) -> Place:
        """The place before what has not been told yet."""
        return await self._feed.now(namespace)

    async def after(self, namespace: str, place: Place, wait_ms: int) -> Told:
        """What comes after a place; waits up to `wait_ms` for the first of it. Raises StoreUnavailable."""
        deadline = self._clock.monotonic() + wait_ms / 1000
        while True:
            tail = self._tail(namespace)
            told = tail.after(place)
            if told is None:
                told = await self._feed.read(namespace, place)
            left = deadline - self._clock.monotonic()
            if told.changes or told.gap or left <= 0:
                return told
            place = told.upto
            await tail.wait(place, left)

    async def close(self) -> None:
        """End all loops."""
        tails, self._tails = list(self._tails.values()), {}
        for tail in tails:
            tail.task.cancel()
        await asyncio.gather(*(tail.task for tail in tails), return_exceptions=True)

    def _tail(self, namespace: str) -> _Tail:
        tail = self._tails.get(namespace)
        if tail is None or tail.task.done():
            tail = self._tails[namespace] = _Tail(self._feed, namespace, self._clock)
        return tail


class _Tail:
    """The newest changes of a namespace, and the loop that reads them."""

    def __init__(self, feed: Feed, namespace: str, clock: Clock) -> None:
        self.rung = asyncio.Event()
        self._feed = feed
        self._namespace = namespace
        self._clock = clock
        self._start: Place | None = None  # all that comes after it, up to `_upto`, is kept
        self._upto = Place(0)
        self._changes: deque[Change] = deque()
        self._news = asyncio.Event()
        self._waiting = 0
        self._unused = 0  # readings in a row that nobody waited for
        self.task = asyncio.get_running_loop().create_task(self._run(), name="followers")

    def after(self, place: Place) -> Told | None:
        """What is kept after a place; None where more than that may have come after it."""
        if self._start is None or place < self._start:
            return None
        newer = list(takewhile(lambda change: change.place > place, reversed(self._changes)))
        shown = newer[: -PAGE - 1 : -1]
        upto = self._upto if len(shown) == len(newer) else shown[-1].place
        return Told(shown, max(place, upto), gap=False)

    async def wait(self, place: Place, seconds: float) -> None:
        """Return when there may be news, or after `seconds`. `place`: up to which everything is known."""
        if self._start is not None and (place < self._start or self._upto > place):
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1

    async def _run(self) -> None:
        while self._unused < UNUSED_MAX:
            self.rung.clear()
            found = False
            try:
                found = await self._look()
            except EngineError as error:
                log.debug("followers wait for Redis: %s", error)
            if not found:
                await self._ring()
            # What has rung is told once its millisecond has passed; and whatever else comes meanwhile is read with it.
            await self._clock.sleep(PAUSE_SECONDS)
            self._unused = 0 if self._waiting else self._unused + 1

    async def _ring(self) -> None:
        """Return when something was added, or when it is time to look."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self.rung.wait()
        except TimeoutError:
            pass

    async def _look(self) -> bool:
        """Read what is new, and wake everybody if there is something; whether there was."""
        is_first = self._start is None
        if is_first:
            self._start = self._upto = await self._feed.now(self._namespace)
        told = await self._feed.read(self._namespace, self._upto, arm=True)
        if told.gap:
            # More was dropped than could be read in time; followers find that out with readings of their own.
            self._changes.clear()
            self._start = told.upto
        self._changes.extend(told.changes)
        self._upto = told.upto
        while len(self._changes) > KEPT:
            self._start = self._changes.popleft().place
        if told.changes or told.gap or is_first:
            news, self._news = self._news, asyncio.Event()
            news.set()
        return bool(told.changes)
