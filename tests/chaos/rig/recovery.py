"""How long what a dead or stopped process held stays where it was, by what stands in Redis."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import redis.exceptions

from engine.store.keys import Keys
from tests.chaos.rig.journal import Journal

POLL_SECONDS = 0.05
GIVEN_UP_SECONDS = 60.0


class Recovery:
    """Watches executions from the death of their holder until another has them, or they have gone on."""

    def __init__(self, client: Any, keys: Keys, journal: Journal) -> None:
        self._client = client
        self._keys = keys
        self._journal = journal
        self._waiting: dict[str, tuple[float, list[Any] | None]] = {}  # ref -> since, as it was
        self._task: asyncio.Task[None] | None = None

    def watch(self, refs: list[str], since: float) -> None:
        """`since`: when the holder died, in seconds since 1970."""
        for ref in refs:
            self._waiting.setdefault(ref, (since, None))
        if self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._poll())

    async def ended(self) -> None:
        """Return when each has gone on, or was given up."""
        if self._task is not None:
            await self._task

    async def _poll(self) -> None:
        while self._waiting:
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
        since, before = self._waiting[ref]
        seconds = time.time() - since
        if before is None and row[2] == b"RUNNING":
            self._waiting[ref] = since, row
            return
        if row != before or seconds > GIVEN_UP_SECONDS:
            del self._waiting[ref]
            self._journal.add(what="recovery", ref=ref, seconds=round(seconds, 3), t1=time.time())
