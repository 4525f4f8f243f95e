"""Ending a Map Run before its children have ended: they are stopped, a page at a time, and then the run is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from engine.errors import StoreUnavailable
from engine.runtime.maps.bells import Rung
from engine.runtime.maps.children import StandardChildren
from engine.runtime.maps.exporting import Results
from engine.store.maps.ends import Ended
from engine.store.maps.held import Held
from engine.store.maps.runs import MapRuns

PAGE = 250
LOOK_SECONDS = 1.0


class Stopper:
    """Drives a run to its end that is to have no outcome of its own. What children have come to meanwhile is kept for a redrive."""

    def __init__(
        self,
        runs: MapRuns,
        held: Held,
        children: StandardChildren,
        results: Results,
        rung: Rung,
        now_ms: int,
    ) -> None:
        self._runs = runs
        self._held = held
        self._children = children
        self._results = results
        self._rung = rung
        self._now_ms = now_ms

    async def run(
        self, status: Literal["ABORTED", "FAILED"], told: Mapping[str, str] | None = None
    ) -> None:
        """End it with this status; `told` are fields of the run. Raises RunLost, StoreUnavailable."""
        held = self._held
        await self._runs.fence(held)
        try:
            if held.about.execution_type == "EXPRESS":
                await self._abort_in_memory()
            else:
                await self._abort_executions()
        finally:
            await self._children.close()
        await self._runs.close(held)
        await self._runs.advance(held, status=status, fields=told)

    async def _abort_in_memory(self) -> None:
        """Express children end with the process that drove the run, or with its noticing that it has lost it."""
        while out := (await self._runs.out(self._held))[:PAGE]:
            ended = [Ended(index, 1, "ABORTED", None, self._now_ms) for index in out]
            await self._runs.advance(self._held, ended=[(each, None) for each in ended])

    async def _abort_executions(self) -> None:
        """Stop first and count then, so that what cannot be counted is stopped all the same."""
        held, absent = self._held, set[int]()
        out = await self._runs.out(held)
        for start in range(0, len(out), PAGE):
            absent.update(await self._children.stop(out[start : start + PAGE]))
        self._rung.all()  # of one that is not there, because it has succeeded, there is a note by now
        while True:
            await self._count()
            if absent:
                absent.intersection_update(await self._runs.out(held))
            if held.standing.out <= len(absent):
                break
            if self._rung.is_closed:
                raise StoreUnavailable("this process stops; another goes on with the Map Run")
            if not await self._rung.wait(LOOK_SECONDS):
                self._rung.all()
                await self._runs.advance(held, calm=True)
        await self._count_absent(sorted(absent))

    async def _count_absent(self, absent: Sequence[int]) -> None:
        """Those that were never started: all items that are still out are theirs, however they are shared out among them."""
        items = self._held.standing.out_items - len(absent) + 1
        for start in range(0, len(absent), PAGE):
            page = absent[start : start + PAGE]
            ended = [self._children.never_started(index) for index in page]
            told = [(each, None) for each in ended]
            if start == 0:
                told[0] = (self._children.never_started(page[0], max(1, items)), None)
            await self._runs.advance(self._held, ended=told)

    async def _count(self) -> None:
        """Count the ends that are known of."""
        while (batch := await self._children.ended()) is not None:
            size_max = self._results.size_max
            for part in self._results.kept(self._held, batch.ended):
                await self._runs.advance(self._held, ended=part, size_max=size_max)
            await self._children.counted(batch)
