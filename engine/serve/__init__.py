"""The composition: settings in, a running engine out. The only place that knows every part."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable

from engine.clock import RedisClock
from engine.commands import Commands
from engine.commands.activities import ActivityCommands
from engine.commands.copying import Copying
from engine.commands.map_runs import MapRunCommands
from engine.commands.migrations import MigrationCommands
from engine.commands.state_machines import StateMachineCommands
from engine.core.limits import Limits
from engine.core.states.addressing import HTTP_QUEUE, LAMBDA_QUEUE
from engine.core.states.distributed.spec import MAPS_QUEUE
from engine.core.states.nested import STATES_QUEUE, SYNC_QUEUE
from engine.errors import EngineError
from engine.express import Express
from engine.queries.described import ArnQueries
from engine.queries.standing import Standing
from engine.runtime.activities import DeletedActivities
from engine.runtime.advancer import Advancer
from engine.runtime.bulk.runner import Runner
from engine.runtime.changes import Changes
from engine.runtime.deciders import Deciders
from engine.runtime.deciding import Deciding
from engine.runtime.dispatcher import Dispatcher
from engine.runtime.followers import Followers
from engine.runtime.following import FeedQueries
from engine.runtime.machines import Machines
from engine.runtime.maps import Bells
from engine.runtime.performer import Performer
from engine.runtime.pruner import Pruner
from engine.runtime.supervisor import Supervisor
from engine.runtime.sweeper import Sweeper
from engine.runtime.timekeeper import Timekeeper
from engine.serve import maps, operating
from engine.serve.families import Families
from engine.serve.watching import Watching
from engine.settings import Settings
from engine.store.connection import Redis
from engine.store.keys import Keys
from engine.store.server.doorbell import Doorbell
from engine.store.stores import Stores
from engine.tasks.awslambda import LambdaRunner
from engine.tasks.connections import read_connections
from engine.tasks.http import HttpRunner
from engine.tasks.nested import NestedRunner
from engine.tasks.runner import Runner as TaskRunner
from engine.telemetry import Counters, emit
from engine.views import Caller

SWEEP_SECONDS = 1.0
LOOK_SECONDS = 1.0
PROMISE_SECONDS = 9.0  # with its jitter, no more than ten pass between two
FINISH_SECONDS = 5.0  # between looks for what was published or deleted by a process that died
PRUNE_SECONDS = 30.0
HOUR_MS = 3_600_000

log = logging.getLogger("detent.serve")


class Engine:
    """One process's engine. `advances` is False where it only serves the API.

    Making one raises InvalidConnections for a file of connections that cannot be used. `start` raises
    StoreRefused for a Redis that must not be used and StoreUnavailable for one that does not answer.
    """

    def __init__(self, url: str, settings: Settings, *, advances: bool = True) -> None:
        self.settings = settings
        self.counters = Counters()
        self.redis = Redis(url, replicas=settings.wait_replicas)
        self.clock = RedisClock()
        self.changes = Changes()
        self._standing = Standing()
        self._watching: Watching
        self._advances = advances
        self._connections = read_connections(settings.connections, os.environ)
        self._supervisor = Supervisor(self.clock, self.counters)
        self._doorbell: Doorbell | None = None
        self._performers: list[Performer] = []
        self._advancer: Advancer | None = None
        self._timekeeper: Timekeeper | None = None
        self._deciders = Deciders(processes=settings.deciders)
        self._runner: Runner | None = None
        self._bells: Bells
        self._deleted: DeletedActivities | None = None
        self.activities: ActivityCommands
        self.map_runs: MapRunCommands
        self.operations: MigrationCommands
        self.copying: Copying
        self.state_machines: StateMachineCommands
        self.commands: Commands
        self.queries: ArnQueries

    async def start(self) -> None:
        """Connect, check what this Redis lets us promise, and begin to work."""
        self._watching = Watching(
            self._standing, self.redis, self.clock, self.counters, self._forget
        )
        try:
            await self.redis.open()
            keys = await self._watching.begin(self.settings)
        except EngineError:
            await self.redis.close()
            raise
        promise = self._standing.promise
        assert promise is not None
        self._compose(keys)
        await self._see_deleted()
        self._begin(keys)
        shown = self.settings.redis_url_shown
        if self._advancer is None:
            emit("api.started", promise=promise.mode, redis=shown)
        else:
            emit("engine.started", promise=promise.mode, redis=shown, holder=self._advancer.name)

    async def stop(self) -> None:
        """Drain: answer pollers, let what is held come to a checkpoint, release it, close."""
        seconds = self.settings.drain_seconds
        self.dispatcher.close()
        self.leave_map_runs()
        await self.express.close()
        self._deciders.close()
        if self._advancer is not None:
            await self._advancer.stop(seconds)
        await self._deciders.stop()
        if self._doorbell is not None:
            await self._doorbell.stop()
        await self._supervisor.stop()
        await self._watching.stop()
        await self.followers.close()
        for performer in self._performers:
            await performer.stop(seconds)
        if not self._performers:
            await asyncio.gather(*(runner.close() for runner in self._runners.values()))
        await self.redis.close()
        emit("api.stopped" if self._advancer is None else "engine.stopped")

    def leave_map_runs(self) -> None:
        """Drive no Map Run any more: others go on with those of this process, at once where it stops."""
        self._bells.close()

    def _compose(self, keys: Keys) -> None:
        settings, clock = self.settings, self.clock
        stores = Stores.of(self.redis, keys, settings, self.counters)
        machines = self._machines = Machines(stores.catalog)
        self._bells = Bells(keys.partitions, keys.partition_of)
        self.dispatcher = Dispatcher(stores.tasks, keys, clock)
        self._runners = self._made_runners(stores)
        self.express = Express(
            stores.catalog,
            machines,
            self.dispatcher,
            self._runners,
            self._deciders,
            clock,
            self.changes,
            self.counters,
            settings,
        )
        self.followers = Followers(stores.feed, clock)
        self.feed = FeedQueries(self.followers, clock, settings.changes_kept)
        self.queries = ArnQueries(
            stores.listing,
            stores.finding,
            stores.catalog,
            machines,
            self.changes,
            clock,
            self.counters,
            self.express,
            stores.aliases,
            self._standing,
            records_max=settings.history_records_max,
        )
        if self._advances:
            self._compose_advancing(stores, machines)
            self._runner = operating.runner(stores, machines, keys, settings, clock, self._offer)
        self.operations = operating.commands(stores, machines, keys, settings, self._ring)
        self.copying = operating.copying(stores, machines, keys, settings)
        self._catalog = stores.catalog
        self.state_machines = StateMachineCommands(
            stores.catalog,
            stores.profiles,
            stores.aliases,
            machines,
            clock,
            settings,
            self._standing,
        )
        self.state_tests = operating.state_tests(self._runners, settings, clock)
        self.sweeper = Sweeper(
            stores.executions, keys, clock, self.dispatcher, self._advancer, self._timekeeper
        )
        tombstone_ms = int(settings.tombstone_hours * HOUR_MS)
        self.pruner = Pruner(stores.listing, clock, tombstone_ms=tombstone_ms)
        self.commands = self._made_commands(stores, machines)
        self.map_runs = maps.commands(stores, self._bells)
        self.activities = ActivityCommands(stores.activities, self.commands, self._see_deleted)

    def _made_commands(self, stores: Stores, machines: Machines) -> Commands:
        return Commands(
            stores.executions,
            stores.tasks,
            stores.signals,
            stores.catalog,
            machines,
            self.dispatcher,
            self.queries,
            self.settings,
            self.counters,
            self._offer,
            self.express,
            stores.orders,
            stores.aliases,
        )

    def _compose_advancing(self, stores: Stores, machines: Machines) -> None:
        """What only a process with the engine's role has."""
        settings, clock = self.settings, self.clock
        self._timekeeper = Timekeeper(
            stores.timers, clock, self._offer, self.dispatcher.hint, self.counters, self._free
        )
        limits = Limits(
            payload_bytes_max=settings.payload_bytes_max,
            records_max=settings.history_records_max,
            lambda_endpoint=settings.lambda_endpoint is not None,
        )
        deciding = Deciding(self._deciders, clock, self.counters, limits)
        self._deleted = DeletedActivities(stores.activities, deciding, Caller().namespace)
        self._advancer = Advancer(
            stores.executions,
            machines,
            deciding,
            clock,
            self.changes,
            self.counters,
            concurrency=settings.concurrency,
            lease_ms=settings.lease_ms,
            on_task=self.dispatcher.hint,
            on_timer=self._timekeeper.note,
            on_room=self._room,
            on_child_end=self._bells.ring_child,
        )
        self._performers = [
            self._performer(stores, queue, runner, settings.http_calls_max)
            for queue, runner in self._runners.items()
        ]
        runs = maps.runner(
            stores,
            machines,
            self.express,
            self._bells,
            self._deciders,
            clock,
            settings,
            self._offer,
        )
        self._performers.append(self._performer(stores, MAPS_QUEUE, runs, maps.MAP_RUNS_MAX))

    def _performer(
        self, stores: Stores, queue: str, runner: TaskRunner, calls_max: int
    ) -> Performer:
        return Performer(
            self.dispatcher,
            stores.tasks,
            stores.errands,
            queue,
            runner,
            self.clock,
            self.counters,
            namespace=Caller().namespace,
            calls_max=calls_max,
            lease_ms=self.settings.lease_ms,
            on_settled=self._offer,
        )

    def _ring(self) -> None:
        if self._runner is not None:
            self._runner.ring()

    def _made_runners(self, stores: Stores) -> dict[str, TaskRunner]:
        """What performs the tasks of each of the engine's own queues, of Express executions too."""
        nested = self._nested(stores)
        runners: dict[str, TaskRunner] = {
            HTTP_QUEUE: HttpRunner(self.settings, self._connections),
            STATES_QUEUE: nested,
            SYNC_QUEUE: nested,
        }
        if self.settings.lambda_endpoint is not None:
            runners[LAMBDA_QUEUE] = LambdaRunner(self.settings)
        return runners

    def _nested(self, stores: Stores) -> TaskRunner:
        """What starts and stops nested executions, and tells their parents."""
        return NestedRunner(
            stores.executions,
            stores.tasks,
            stores.errands,
            Families(lambda: (self.state_machines, self.express)),
            namespace=Caller().namespace,
            offer=self._offer,
        )

    def _begin(self, keys: Keys) -> None:
        supervisor = self._supervisor
        self._doorbell = Doorbell(
            self.redis, [keys.bell, keys.changes, keys.feed], self._hear(keys)
        )
        self._doorbell.start()
        supervisor.every(SWEEP_SECONDS, "sweep", self.sweeper.tick)
        supervisor.every(SWEEP_SECONDS, "changes", self.changes.tick)
        supervisor.every(PROMISE_SECONDS, "promise", self._watching.check)
        supervisor.every(LOOK_SECONDS, "store", self._watching.look)
        if self._advancer is not None:
            assert self._timekeeper is not None
            self._advancer.start()
            supervisor.forever("timekeeper", self._timekeeper.run)
            supervisor.forever("refill", self.sweeper.refill)
            assert self._runner is not None
            supervisor.forever("operations", self._runner.run)
            for performer in self._performers:
                supervisor.forever("performer", performer.run)
            assert self._deleted is not None
            supervisor.forever("activities", self._deleted.run)
            supervisor.every(PRUNE_SECONDS, "pruner", self.pruner.tick)
            supervisor.every(FINISH_SECONDS, "catalog", self._finish_publishing)

    def _hear(self, keys: Keys) -> Callable[[str, str], None]:
        def hear(channel: str, message: str) -> None:
            if channel == keys.changes:
                ref, _, closed = message.partition(" ")
                self.changes.ring(ref, closed=bool(closed))
                return
            if channel == keys.feed:
                self.followers.ring(message.partition(":")[0])
                return
            sender, kind, ref, *queue = message.split(" ", 3)
            if sender == keys.sender:
                return
            if kind == "queue" and queue:
                self.dispatcher.ring(keys.partition_of(ref), queue[0])
            elif kind == "ready":
                self._offer(ref)
            elif kind == "operation":
                self._ring()
            elif kind == "map" and queue:
                self._bells.ring(ref, queue[0])
            elif kind == "activities" and self._deleted is not None:
                self._deleted.ring()

        return hear

    async def _finish_publishing(self) -> None:
        await self._catalog.finish(Caller().namespace)

    async def _see_deleted(self) -> None:
        if self._deleted is not None:
            await self._deleted.tick()

    def _offer(self, ref: str) -> None:
        if self._advancer is not None:
            self._advancer.offer(ref)

    def _free(self) -> int:
        return self._advancer.room if self._advancer is not None else 0

    def _room(self) -> None:
        self.sweeper.room()

    def _forget(self) -> None:
        """Redis lacks what it had acknowledged: what was read of definitions may be another's by now."""
        if hasattr(self, "queries"):
            self._machines.forget()
            self.express.forget()
