"""What a caller can ask. Every answer reads the primary: it shows all that was acknowledged before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import UNSET

from engine.clock import RedisClock, iso
from engine.core.execution import Work
from engine.documents import EMPTY_OBJECT
from engine.errors import AliasNotFound, DefinitionNotFound, ExecutionNotFound, ExpressUnsupported
from engine.express.express import Express
from engine.express.remembered import Remembered
from engine.names import check_execution, check_name, is_express
from engine.queries import showing
from engine.queries.paging import decode_cursor, encode_cursor, history_records, moment_of
from engine.queries.records import COMPLETED, shown
from engine.queries.showing import fate_view, kept_signals, status_of
from engine.queries.standing import Standing
from engine.runtime.changes import Changes
from engine.runtime.machines import Machines
from engine.store.catalog import Catalog
from engine.store.catalog.aliases import Aliases
from engine.store.finding.filter import Filter
from engine.store.finding.finding import Finding
from engine.store.finding.rows import Row
from engine.store.keys import ref_of
from engine.store.listing import Listing, Stored
from engine.telemetry import Counters
from engine.views import (
    AliasView,
    Caller,
    DefinitionPage,
    DefinitionSummary,
    DefinitionText,
    Dropped,
    ExecutionCount,
    ExecutionPage,
    ExecutionSummary,
    ExecutionView,
    Health,
    HistoryPage,
    ListenerView,
    SignalFate,
    SignalPage,
    VersionSummary,
)

T = TypeVar("T")

MATCHING_PAGE = 1000  # rows read at once
WATCH_MS = 65_000  # how long commits are announced for one wait; the longest wait is 60 s


class Queries:
    def __init__(
        self,
        listing: Listing,
        finding: Finding,
        catalog: Catalog,
        machines: Machines,
        changes: Changes,
        clock: RedisClock,
        counters: Counters,
        express: Express,
        aliases: Aliases,
        standing: Standing,
    ) -> None:
        self.standing = standing
        self._listing = listing
        self._finding = finding
        self._catalog = catalog
        self._machines = machines
        self._changes = changes
        self._clock = clock
        self._counters = counters
        self._express = express
        self._aliases = aliases

    @property
    def incarnation(self) -> int:
        """Of the store: another number tells that Redis lacked what it had acknowledged, so that what was read may not hold."""
        return self.standing.incarnation

    async def definitions(self, caller: Caller, limit: int, cursor: str | None) -> DefinitionPage:
        """Definitions by name."""
        after = decode_cursor(cursor, 1)[0] if cursor else ""
        names = [entry for entry in await self._catalog.names(caller.namespace) if entry[0] > after]
        shown = [
            DefinitionSummary(name, version, iso(ms), kind)
            for name, version, ms, kind in names[:limit]
        ]
        return DefinitionPage(shown, encode_cursor(shown[-1].name) if len(names) > limit else None)

    async def definition(self, caller: Caller, name: str, version: int | None) -> DefinitionText:
        """A version's text as it was published, the newest by default. Raises DefinitionNotFound."""
        check_name(name, "definition")
        found = await self._catalog.read(caller.namespace, name, version)
        if found is None or found.text is None:
            raise DefinitionNotFound(name if version is None else f"{name}, version {version}")
        machine = await self._machines.get(caller.namespace, name, found.version)
        return DefinitionText(
            name,
            found.version,
            found.hash,
            iso(found.created_ms),
            found.format,
            found.text.decode(),
            found.type,
            machine.variable_references,
        )

    async def versions(self, caller: Caller, name: str) -> list[VersionSummary]:
        """Every version, newest first. Raises DefinitionNotFound."""
        check_name(name, "definition")
        found = await self._catalog.versions(caller.namespace, name)
        if not found:
            raise DefinitionNotFound(name)
        return [VersionSummary(v.version, v.hash, iso(v.created_ms)) for v in found]

    async def aliases(self, caller: Caller, name: str) -> list[AliasView]:
        """Every alias of a definition, by name. Raises DefinitionNotFound."""
        check_name(name, "definition")
        found = await self._aliases.all(caller.namespace, name)
        if not found and await self._catalog.current(caller.namespace, name) is None:
            raise DefinitionNotFound(name)
        return [showing.alias(name, each) for each in found]

    async def alias(self, caller: Caller, name: str, alias: str) -> AliasView:
        """One alias. Raises AliasNotFound."""
        check_name(name, "definition")
        found = await self._aliases.get(caller.namespace, name, check_name(alias, "alias"))
        if found is None:
            raise AliasNotFound(f"{name}, {alias}")
        return showing.alias(name, found)

    async def describe(self, caller: Caller, execution: str, wait_ms: int = 0) -> ExecutionView:
        """Where an execution is, with its data, tasks, timers and signals; waits up to `wait_ms` for it to close.

        Raises ExecutionNotFound.
        """
        if wait_ms:
            await self._until_closed(caller, execution, wait_ms)
        stored = await self._read(caller, execution)
        ref = ref_of(caller.namespace, execution)
        run = stored.execution
        # A closed one may keep a frame for a redrive; it rests nowhere.
        alive = run.frames.values() if run.status == "RUNNING" else ()
        frames, more = showing.frames_shown(f for f in alive if f is not None)
        machine = None
        if frames:
            machine = await self._machines.get(caller.namespace, run.definition, run.version)
        working = [f for f in frames if isinstance(f.hold, Work)]
        rows = await self._source(execution).tasks(ref, working)
        return ExecutionView(
            **showing.summary_fields(stored),
            revision=run.revision,
            input=run.input or EMPTY_OBJECT,
            quarantined=stored.quarantine or UNSET,
            parent=run.parent or UNSET,
            paused=showing.paused(run),
            redrives=run.operated.redrives or UNSET,
            frames=[showing.frame(f, machine) for f in frames],
            more_frames=more or UNSET,
            tasks=[
                showing.task(run, f, r) for f, r in zip(working, rows, strict=True) if r is not None
            ],
            timers=[t for f in frames for t in showing.timers(f)],
            signals=await kept_signals(self._source(execution), ref, stored),
            waiting_signals=[
                ListenerView(name, frame)
                for name, buffer in run.signals.items()
                for frame in buffer.listeners
                if run.status == "RUNNING"
            ],
        )

    async def closed(self, caller: Caller, execution: str, wait_ms: int) -> ExecutionSummary:
        """One execution in a line, after waiting up to `wait_ms` for it to close. Raises ExecutionNotFound."""
        if wait_ms:
            await self._until_closed(caller, execution, wait_ms)
        return ExecutionSummary(**showing.summary_fields(await self._read(caller, execution)))

    async def history(
        self,
        caller: Caller,
        execution: str,
        *,
        after: int | None,
        limit: int,
        descending: bool,
        wait_ms: int = 0,
    ) -> HistoryPage:
        """Records after number `after` (before it, when descending), in Step Functions' event shape.

        Waits up to `wait_ms` for the first one, unless the execution is closed. A page of large records may be short
        and still have a `next`. Raises ExecutionNotFound.
        """
        source = self._source(execution)
        ref = ref_of(caller.namespace, execution)
        deadline = self._clock.monotonic() + wait_ms / 1000
        with self._changes.watching(ref) as change:
            while True:
                at = await source.watch(ref, WATCH_MS if wait_ms else 0)
                if at is None:
                    raise self._unknown(ref)
                records, following, dropped = await history_records(
                    source,
                    caller.namespace,
                    execution,
                    after=after,
                    limit=limit,
                    descending=descending,
                )
                left = deadline - self._clock.monotonic()
                if records or at[0] != "RUNNING" or left <= 0:
                    break
                await change.wait(left)
        told_more = any(record.type in COMPLETED for record in records)
        static = await source.static(caller.namespace, execution) if told_more else None
        return HistoryPage(
            shown(records, static),
            at[0],
            following,
            Dropped(1, dropped, dropped) if dropped else UNSET,
        )

    async def signals(
        self, caller: Caller, execution: str, limit: int, cursor: str | None
    ) -> SignalPage:
        """The signals that an execution was sent, oldest first, and what has become of each.

        Those of the last 10,000 ids are remembered. Raises ExecutionNotFound, ExpressUnsupported.
        """
        ref = self._signaled(caller, execution)
        after = None
        if cursor:
            ms, identifier = decode_cursor(cursor, 2)
            after = (moment_of(ms), identifier)
        if await self._listing.watch(ref, 0) is None:
            raise ExecutionNotFound(execution)
        told, following = await self._listing.signals(ref, after, limit)
        cursor = encode_cursor(*map(str, following)) if following else None
        return SignalPage([fate_view(each) for each in told], cursor)

    async def signal(
        self, caller: Caller, execution: str, signal_id: str, wait_ms: int
    ) -> SignalFate:
        """What has become of one signal, after waiting up to `wait_ms` for anything to. Raises ExecutionNotFound.

        Whoever waits is woken by commits, and when the signal's time is over.
        """
        ref = self._signaled(caller, execution)
        deadline = self._clock.monotonic() + wait_ms / 1000
        with self._changes.watching(ref) as change:
            while True:
                at = await self._listing.watch(ref, WATCH_MS if wait_ms else 0)
                told = await self._listing.signal(ref, signal_id)
                if at is None or told is None:
                    raise ExecutionNotFound(execution)
                left = deadline - self._clock.monotonic()
                if status_of(told) != "accepted" or left <= 0:
                    return fate_view(told)
                if told.expires_ms is not None:
                    left = min(left, (told.expires_ms - told.now_ms) / 1000)
                await change.wait(left)

    def _signaled(self, caller: Caller, execution: str) -> str:
        """The ref of an execution that may have signals. Raises InvalidName, ExpressUnsupported."""
        if is_express(execution):
            raise ExpressUnsupported("no state of an Express execution waits for a signal")
        check_execution(execution)
        return ref_of(caller.namespace, execution)

    async def executions(
        self, caller: Caller, wanted: Filter, *, limit: int, cursor: str | None
    ) -> ExecutionPage:
        """Executions newest first. A page may be short and still have a `next`. Raises ExpressUnsupported."""
        rows, following = await self._page(caller, wanted, limit, cursor)
        return ExecutionPage([showing.summary(row) for row in rows], following)

    async def _page(
        self, caller: Caller, wanted: Filter, limit: int, cursor: str | None
    ) -> tuple[list[Row], str | None]:
        after = None
        if cursor:
            ms, identifier = decode_cursor(cursor, 2)
            after = (moment_of(ms), identifier)
        page = await self._finding.page(caller.namespace, wanted, limit=limit, after=after)
        if not page.rows and not cursor:
            await self._refuse_express(caller, wanted)
        return page.rows, encode_cursor(*map(str, page.next)) if page.next else None

    async def count(self, caller: Caller, wanted: Filter) -> ExecutionCount:
        """How many executions match; not `exact` where too many would have to be looked at. Raises ExpressUnsupported."""
        found = await self._finding.count(caller.namespace, wanted)
        if not found.count:
            await self._refuse_express(caller, wanted)
        return ExecutionCount(found.count, found.exact)

    async def _refuse_express(self, caller: Caller, wanted: Filter) -> None:
        if wanted.definition is not None:
            known = await self._catalog.current(caller.namespace, wanted.definition)
            if known is not None and known[1] == "EXPRESS":
                raise ExpressUnsupported("they are not stored, and so not listed")

    async def matching(self, caller: Caller, wanted: Filter, most: int) -> list[str] | None:
        """Ids of the executions that match, in no order; None where there are more than `most`."""
        found: set[str] = set()
        for partition in range(self._finding.partitions):
            after = None
            while True:
                rows, after = await self._finding.scan(
                    caller.namespace, wanted, partition, after, MATCHING_PAGE
                )
                found.update(row.id for row in rows)
                if len(found) > most:
                    return None
                if after is None:
                    break
        return list(found)

    async def health(self) -> Health:
        """What can be promised right now."""
        return self.standing.health()

    async def metrics(self) -> str:
        """The counters of this process, in Prometheus' text format."""
        return self._counters.render()

    async def _read(self, caller: Caller, execution: str) -> Stored:
        stored = await self._source(execution).read(caller.namespace, execution)
        if stored is None:
            raise self._unknown(ref_of(caller.namespace, execution))
        return stored

    def _source(self, execution: str) -> Listing | Remembered:
        """What knows of an execution with this id. Raises InvalidName."""
        if is_express(execution):
            return self._express.remembered
        check_execution(execution)
        return self._listing

    def _unknown(self, ref: str) -> ExecutionNotFound:
        identifier = ref.partition(":")[2]
        return (
            self._express.unknown(ref) if is_express(identifier) else ExecutionNotFound(identifier)
        )

    async def _until_closed(self, caller: Caller, execution: str, wait_ms: int) -> None:
        source = self._source(execution)
        ref = ref_of(caller.namespace, execution)
        deadline = self._clock.monotonic() + wait_ms / 1000
        with self._changes.watching(ref, end=True) as change:
            while True:
                at = await source.watch(ref, WATCH_MS)
                left = deadline - self._clock.monotonic()
                if at is None or at[0] != "RUNNING" or left <= 0:
                    return
                await change.wait(left)

    async def until(
        self, ref: str, look: Callable[[], Awaitable[T | None]], wait_ms: int
    ) -> T | None:
        """What `look` finds at a running execution, looking again after each commit; None after `wait_ms`, or its end."""
        deadline = self._clock.monotonic() + wait_ms / 1000
        with self._changes.watching(ref) as change:
            while True:
                at = await self._listing.watch(ref, WATCH_MS if wait_ms else 0)
                found = await look()
                left = deadline - self._clock.monotonic()
                if found is not None or at is None or at[0] != "RUNNING" or left <= 0:
                    return found
                await change.wait(left)
