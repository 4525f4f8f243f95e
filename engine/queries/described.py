"""Executions for callers who know them by ARNs."""

from __future__ import annotations

from typing import Any

from engine.core.control.redrivable import standing
from engine.documents import EMPTY_OBJECT
from engine.errors import ExecutionNotFound
from engine.queries import Queries
from engine.store.finding.filter import Filter
from engine.store.finding.rows import Row
from engine.store.listing import Stored
from engine.store.maps.child import MapChild
from engine.views import Caller
from engine.views.described import DescribedExecution, ListedExecution, ListedPage


class ArnQueries(Queries):
    """All queries, and those of callers who know executions by ARNs. `records_max` is the limit of a history."""

    def __init__(self, *parts: Any, records_max: int) -> None:
        super().__init__(*parts)
        self._records_max = records_max

    async def described(
        self, caller: Caller, execution: str, *, wait_ms: int = 0
    ) -> DescribedExecution:
        """One execution with its data, after waiting up to `wait_ms` for it to close.

        Raises ExecutionNotFound, also for one of which only the outcome is remembered.
        """
        if wait_ms:
            await self._until_closed(caller, execution, wait_ms)
        stored = await self._read(caller, execution)
        if stored.pruned:
            raise ExecutionNotFound(execution)
        return described(stored, now_ms=self._clock.now_ms(), records_max=self._records_max)

    def now_ms(self) -> int:
        """Redis time, as far as this process knows it."""
        return self._clock.now_ms()

    async def listed(
        self, caller: Caller, wanted: Filter, *, limit: int, cursor: str | None
    ) -> ListedPage:
        """Executions newest first. A page may be short and still have a `next`. Raises ExpressUnsupported."""
        rows, following = await self._page(caller, wanted, limit, cursor)
        return ListedPage([listed(row) for row in rows], following)


def described(stored: Stored, *, now_ms: int, records_max: int) -> DescribedExecution:
    """An execution with its data, and whether it could be redriven now."""
    run = stored.execution
    stopped_ms = stored.stopped_ms
    return DescribedExecution(
        id=run.id,
        definition=run.definition,
        name=run.name,
        status=run.status,
        started_ms=run.started_ms,
        stopped_ms=stopped_ms,
        names=run.names,
        published=run.published,
        alias=run.alias,
        redrives=run.operated.redrives,
        redriven_ms=run.operated.redriven_ms,
        **_of_map_run(run.definition, stored.child),
        version=run.version,
        input=run.input or EMPTY_OBJECT,
        output=run.output,
        # While it runs again after a redrive, what it had failed with is not its end.
        error=None if run.status == "RUNNING" else run.error,
        cause=None if run.status == "RUNNING" else run.cause,
        redrive=standing(run, stopped_ms=stopped_ms, now_ms=now_ms, records_max=records_max),
    )


def listed(row: Row) -> ListedExecution:
    """An execution as a line of a listing."""
    definition, _, name = row.id.partition(":")
    static = row.static
    return ListedExecution(
        id=row.id,
        definition=definition,
        name=name,
        status=row.status,
        started_ms=row.started_ms,
        stopped_ms=row.stopped_ms,
        names=static.names,
        published=static.published,
        alias=static.alias,
        redrives=row.operated.redrives,
        redriven_ms=row.operated.redriven_ms,
        **_of_map_run(definition, static.child),
    )


def _of_map_run(definition: str, child: MapChild | None) -> dict[str, Any]:
    """What is told of a child of a Map Run besides."""
    if child is None:
        return {}
    return {"map_run": f"{definition}:{child.run}", "items": child.items}
