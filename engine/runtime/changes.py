"""Waiting for an execution to change: woken by commits, never a loop per waiter."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Changes:
    """Hands each announced change to whoever waits for that execution.

    Announcements are hints and may be lost, so `tick` wakes every waiter once a second to look for itself: one look per
    waiter and second, however the change came about.
    """

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[Change]] = defaultdict(set)

    def ring(self, ref: str, *, closed: bool) -> None:
        """Something was committed to this execution; `closed`: it was its end."""
        if ref in self._waiting:
            for change in self._waiting[ref]:
                change.ring(closed=closed)

    def is_watched(self, ref: str) -> bool:
        """Whether somebody waits for a change of this execution."""
        return ref in self._waiting

    @contextmanager
    def watching(self, ref: str, *, end: bool = False) -> Iterator[Change]:
        """From here on, a change of this execution is noticed (`end`: only its end). Look first, then wait for the next."""
        change = Change(end=end)
        self._waiting[ref].add(change)
        try:
            yield change
        finally:
            waiting = self._waiting[ref]
            waiting.discard(change)
            if not waiting:
                del self._waiting[ref]

    async def tick(self) -> None:
        """Let every waiter look for itself."""
        for ref in list(self._waiting):
            self.ring(ref, closed=True)


class Change:
    """One waiter's view of an execution."""

    def __init__(self, *, end: bool) -> None:
        self._end = end
        self._event = asyncio.Event()

    def ring(self, *, closed: bool) -> None:
        if closed or not self._end:
            self._event.set()

    async def wait(self, seconds: float) -> None:
        """Return when something changed since the last call, or it is time to look again, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()
