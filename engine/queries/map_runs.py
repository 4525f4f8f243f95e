"""Questions about Map Runs: one, those of an execution, and which executions are the children of one."""

from __future__ import annotations

from typing import Literal

from engine.core.execution import Status
from engine.errors import InvalidRequest, MapRunNotFound
from engine.names import check_execution
from engine.queries.paging import decode_cursor, encode_cursor
from engine.store.finding.filter import Filter
from engine.store.maps.held import Standing
from engine.store.maps.reading import ReadingRuns, StoredRun
from engine.views import Caller
from engine.views.map_runs import MapRunCounts, MapRunPage, MapRunView

Of = Literal["children", "items"]


class MapRunQueries:
    def __init__(self, reading: ReadingRuns) -> None:
        self._reading = reading

    async def describe(self, caller: Caller, identifier: str) -> MapRunView:
        """Raises InvalidName, MapRunNotFound."""
        return view(await self._read(caller, identifier))

    async def of(
        self, caller: Caller, execution: str, *, limit: int, cursor: str | None
    ) -> MapRunPage:
        """The Map Runs of an execution, newest first. Raises InvalidName, InvalidRequest for a cursor of no such list."""
        check_execution(execution)
        after = _after(cursor)
        found = await self._reading.of(caller.namespace, execution, limit + 1, after)
        following = None
        if len(found) > limit:
            ms, name = found[limit - 1]
            following = encode_cursor(str(ms), name)
        read = [await self._reading.read(caller.namespace, name) for _, name in found[:limit]]
        return MapRunPage([view(run) for run in read if run is not None], following)

    async def children(
        self,
        caller: Caller,
        identifier: str,
        *,
        status: Status | None = None,
        is_redriven: bool | None = None,
        is_waiting: bool = False,
    ) -> Filter:
        """What the executions that a Map Run has started are found by. Raises InvalidName, MapRunNotFound.

        `is_waiting`: those that wait for the redrive of the run, which begins them in their order.
        """
        run = await self._read(caller, identifier)
        waits_from = None
        if is_waiting:
            waits_from = run.walked if run.standing.pending > 0 else run.next
        definition, _, name = run.id.partition(":")
        return Filter(
            definition=definition,
            status=status,
            is_redriven=is_redriven,
            map_run=name,
            waits_from=waits_from,
            started_from_ms=run.created_ms,
            started_until_ms=None if run.stopped_ms is None else run.stopped_ms + 1,
        )

    async def _read(self, caller: Caller, identifier: str) -> StoredRun:
        check_execution(identifier)
        run = await self._reading.read(caller.namespace, identifier)
        if run is None:
            raise MapRunNotFound(identifier)
        return run


def _after(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    ms, name = decode_cursor(cursor, 2)
    try:
        return int(ms), name
    except ValueError:
        raise InvalidRequest("cursor: it is none of this list's") from None


def view(run: StoredRun) -> MapRunView:
    """A Map Run as callers see it."""
    about, at = run.about, run.standing
    return MapRunView(
        id=run.id,
        execution=about.parent,
        definition=about.definition,
        label=about.label,
        state=about.state,
        names=about.names,
        status=at.status,
        started_ms=run.created_ms,
        stopped_ms=run.stopped_ms,
        concurrency_max=at.concurrency,
        tolerated_count=at.tolerated_count or 0,
        tolerated_percentage=at.tolerated_percentage or 0.0,
        items=_counts(run, at, "items"),
        executions=_counts(run, at, "children"),
        redrives=run.redrives,
        redriven_ms=run.redriven_ms,
    )


def _counts(run: StoredRun, at: Standing, of: Of) -> MapRunCounts:
    by = at.items if of == "items" else at.children
    running = at.out_items if of == "items" else at.out
    waiting = run.pending_items if of == "items" else at.pending
    ended = sum(by.values())
    total = max(_total(run, of), running + waiting + ended)
    written = run.written_items if of == "items" else run.written
    lost = run.not_redrivable_items if of == "items" else run.not_redrivable
    return MapRunCounts(
        pending=total - running - waiting - ended,
        running=running,
        succeeded=by["SUCCEEDED"],
        failed=by["FAILED"],
        timed_out=by["TIMED_OUT"],
        aborted=by["ABORTED"],
        total=total,
        results_written=written if run.about.has_writer else ended,
        failures_not_redrivable=lost,
        pending_redrive=waiting,
    )


def _total(run: StoredRun, of: Of) -> int:
    """All items, or all children: those made so far, and where each item makes one all there will be."""
    about = run.about
    known = about.items if about.items is not None and not run.is_read else run.item
    if of == "items":
        return known
    return run.next if about.is_batching else max(known, run.next)
