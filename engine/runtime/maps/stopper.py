"""Stopping a Map Run whose state waits for it no more: its children are stopped a page at a time, and then it is ABORTED."""

from __future__ import annotations

from engine.runtime.maps.bells import Rung
from engine.runtime.maps.children import StandardChildren
from engine.store.maps.ends import Ended
from engine.store.maps.held import Held
from engine.store.maps.runs import MapRuns

PAGE = 250
LOOK_SECONDS = 1.0


class Stopper:
    """Drives a run to its end that has been aborted; raises RunLost where another does."""

    def __init__(
        self, runs: MapRuns, held: Held, children: StandardChildren, rung: Rung, now_ms: int
    ) -> None:
        self._runs = runs
        self._held = held
        self._children = children
        self._rung = rung
        self._now_ms = now_ms

    async def run(self) -> None:
        held = self._held
        await self._runs.fence(held)
        try:
            if held.about.execution_type == "EXPRESS":
                await self._abort_in_memory()
            else:
                await self._abort_executions()
        finally:
            await self._children.close()
        await self._runs.advance(held, status="ABORTED")
        await self._runs.close(held)

    async def _abort_in_memory(self) -> None:
        """Express children end with the process that drove the run, or with its noticing that it has lost it."""
        while out := (await self._runs.out(self._held))[:PAGE]:
            ended = [Ended(index, 1, "ABORTED", None, self._now_ms) for index in out]
            await self._runs.advance(self._held, ended=[(each, None) for each in ended])

    async def _abort_executions(self) -> None:
        asked: set[int] = set()
        while await self._count() or self._held.standing.out:
            out = await self._runs.out(self._held)
            page = [index for index in out if index not in asked][:PAGE]
            absent = await self._children.stop(page)
            asked.update(page)
            await self._count()
            ended = [self._children.never_started(index) for index in absent]
            if ended:
                await self._runs.advance(self._held, ended=[(each, None) for each in ended])
            if not page and self._held.standing.out and not await self._rung.wait(LOOK_SECONDS):
                self._rung.all()

    async def _count(self) -> bool:
        """Count the ends that are known of; whether there were any."""
        found = False
        while (batch := await self._children.ended()) is not None:
            await self._runs.advance(self._held, ended=[(each, None) for each in batch.ended])
            await self._children.counted(batch)
            found = True
        return found
