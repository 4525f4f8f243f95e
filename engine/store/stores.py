"""Each aggregate's way to one Redis, made from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings import Settings
from engine.store.bounds.copies import Copies
from engine.store.catalog import Catalog
from engine.store.catalog.activities import Activities
from engine.store.catalog.aliases import Aliases
from engine.store.catalog.profiles import Profiles
from engine.store.connection import Redis
from engine.store.errands import Errands
from engine.store.executions import Executions
from engine.store.feed import Feed
from engine.store.finding.finding import Finding
from engine.store.keys import Keys
from engine.store.listing import Listing
from engine.store.maps.births import Births
from engine.store.maps.reading import ReadingRuns
from engine.store.maps.runs import MapRuns
from engine.store.operating.operations import Operations
from engine.store.operating.orders import Orders
from engine.store.operating.positions import Positions
from engine.store.signals import Signals
from engine.store.tasks import Tasks
from engine.store.timers import Timers
from engine.telemetry import Counters

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Stores:
    """Each aggregate's way to one Redis."""

    executions: Executions
    tasks: Tasks
    timers: Timers
    signals: Signals
    catalog: Catalog
    listing: Listing
    errands: Errands
    operations: Operations
    positions: Positions
    finding: Finding
    orders: Orders
    aliases: Aliases
    profiles: Profiles
    feed: Feed
    copies: Copies
    births: Births
    map_runs: MapRuns
    reading_runs: ReadingRuns
    activities: Activities

    @classmethod
    def of(
        cls, redis: Redis, keys: Keys, settings: Settings, counters: Counters | None = None
    ) -> Stores:
        tasks = Tasks(redis, keys, bell=True)
        catalog = Catalog(redis, keys)
        listing = Listing(redis, keys)
        executions = Executions(
            redis,
            keys,
            lease_ms=settings.lease_ms,
            retention_ms=int(settings.retention_hours * HOUR_MS),
            open_max=settings.open_executions_max,
            bell=True,
            changes_kept=settings.changes_kept,
            inline_max=settings.payload_inline_bytes_max,
            counters=counters,
        )
        return cls(
            executions=executions,
            tasks=tasks,
            timers=Timers(redis, keys, tasks, bell=True),
            signals=Signals(
                redis,
                keys,
                inbox_max=settings.inbox_max,
                buffered_max=settings.buffered_signals_max,
                bell=True,
            ),
            catalog=catalog,
            listing=listing,
            errands=Errands(redis, keys, bell=True),
            operations=Operations(redis, keys, bell=True),
            positions=Positions(redis, keys),
            finding=Finding(redis, keys, catalog),
            orders=Orders(redis, keys, open_max=settings.open_executions_max, bell=True),
            aliases=Aliases(redis, keys),
            profiles=Profiles(redis, keys),
            feed=Feed(redis, keys),
            activities=Activities(redis, keys),
            copies=Copies(redis, keys, listing, inline_max=settings.payload_inline_bytes_max),
            births=Births(
                redis,
                keys,
                executions,
                open_max=settings.open_executions_max,
                bell=True,
                changes_kept=settings.changes_kept,
                inline_max=settings.payload_inline_bytes_max,
            ),
            map_runs=MapRuns(redis, keys, bell=True),
            reading_runs=ReadingRuns(redis, keys),
        )
