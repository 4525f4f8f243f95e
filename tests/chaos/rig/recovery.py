"""How long what a dead or stopped process held stays where it was, by what stands in Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import redis.exceptions

from engine.store.keys import Keys
from tests.chaos.rig.journal import Journal

POLL_SECONDS = 0.05
GIVEN_UP_SECONDS = 60.0


class Recovery:
    """Watches executions from the death of their holder until another has them, or they have gone on.

    `able()` tells whether anybody could go on with them: an engine is up, and Redis is left alone. What passes while
    nobody can is told apart (`unable`), for no engine can be blamed for it.
    """

    def __init__(self, client: Any, keys: Keys, journal: Journal, able: Callable[[], bool]) -> None:
        self._able = able
        self._unable = 0.0  # seconds in all
        self._looked = time.time()
        self._client = client
        self._keys = keys
        self._journal = journal
        # ref -> since when, how long nobody was able by then, as it was
        self._waiting: dict[str, tuple[float, float, list[Any] | None]] = {}
        self._task: asyncio.Task[None] | None = None

    def watch(self, refs: list[str], since: float) -> None:
        """`since`: when the holder died, in seconds since 1970."""
        self._count()
        for ref in refs:
            self._waiting.setdefault(ref, (since, self._unable, None))
        if self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._poll())

    async def ended(self) -> None:
        """Return when each has gone on, or was given up."""
        if self._task is not None:
            await self._task

    def _count(self) -> None:
        now = time.time()
        if not self._able():
            self._unable += now - self._looked
        self._looked = now

    async def _poll(self) -> None:
        while self._waiting:
            self._count()
            refs = list(self._waiting)
            pipe = self._client.pipeline(transaction=False)
            for ref in refs:
                pipe.hmget(self._keys.of(ref).execution, "rev", "own", "status")
            try:
                rows = await pipe.execute()
            except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
                rows = []
            for ref, row in zip(refs, rows, strict=False):
                self._look(ref, row)
            await asyncio.sleep(POLL_SECONDS)

    def _look(self, ref: str, row: list[Any]) -> None:
        since, unable, before = self._waiting[ref]
        seconds = time.time() - since
        if before is None and row[2] == b"RUNNING":
            self._waiting[ref] = since, unable, row
            return
        if row != before or seconds > GIVEN_UP_SECONDS:
            del self._waiting[ref]
            lost = round(self._unable - unable, 3)
            self._journal.add(
                what="recovery", ref=ref, seconds=round(seconds, 3), unable=lost, t1=time.time()
            )
