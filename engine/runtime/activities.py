"""Which activities were deleted, as far as this process knows: transitions give no task to them.

Told at once in the process that deletes one, elsewhere by the bell, and by a look every few seconds.
"""

from __future__ import annotations

import asyncio

from msgspec import structs

from engine.runtime.deciding import Deciding
from engine.store.catalog.activities import Activities

LOOK_SECONDS = 5.0


class DeletedActivities:
    """Keeps the limits of `deciding` up to date with the store."""

    def __init__(self, activities: Activities, deciding: Deciding, namespace: str) -> None:
        self._activities = activities
        self._deciding = deciding
        self._namespace = namespace
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Something was deleted, or made again, elsewhere."""
        self._rung.set()

    async def run(self) -> None:
        """Look whenever it rings and every few seconds, for ever."""
        while True:
            self._rung.clear()
            await self.tick()
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._rung.wait()
            except TimeoutError:
                pass

    async def tick(self) -> None:
        """Read them again."""
        names = await self._activities.deleted(self._namespace)
        limits = self._deciding.limits
        if names != limits.deleted_activities:
            self._deciding.limits = structs.replace(limits, deleted_activities=names)
