"""What callers can do with a Map Run, besides asking about it."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import InvalidRequest, MapRunClosed, MapRunNotFound
from engine.names import check_execution
from engine.queries.map_runs import MapRunQueries
from engine.store.keys import ref_of
from engine.store.maps.reading import ReadingRuns
from engine.store.maps.runs import MapRuns
from engine.views import Caller


class MapRunCommands(MapRunQueries):
    """`ring(ref)` tells this process's driver of a run that it was changed."""

    def __init__(self, reading: ReadingRuns, runs: MapRuns, ring: Callable[[str], None]) -> None:
        super().__init__(reading)
        self._runs = runs
        self._ring = ring

    async def update(
        self,
        caller: Caller,
        identifier: str,
        *,
        concurrency_max: int | None = None,
        tolerated_count: int | None = None,
        tolerated_percentage: float | None = None,
    ) -> None:
        """Change what a Map Run keeps to from now on; None leaves it as it is.

        Raises InvalidName, InvalidRequest for a number that is none of these, MapRunNotFound, MapRunClosed.
        """
        check_execution(identifier)
        if (concurrency_max or 0) < 0 or (tolerated_count or 0) < 0:
            raise InvalidRequest("a concurrency, or a count that is tolerated, is at least 0")
        if tolerated_percentage is not None and not 0 <= tolerated_percentage <= 100:
            raise InvalidRequest("a percentage is a number from 0 to 100")
        ref = ref_of(caller.namespace, identifier)
        answer = await self._runs.update(
            ref,
            concurrency=concurrency_max,
            tolerated_count=tolerated_count,
            tolerated_percentage=tolerated_percentage,
        )
        if answer == "UNKNOWN":
            raise MapRunNotFound(identifier)
        if answer == "CLOSED":
            raise MapRunClosed(identifier)
        self._ring(ref)
