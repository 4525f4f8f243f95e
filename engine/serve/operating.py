"""What takes, carries out and answers orders on many executions, made for one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.clock import RedisClock
from engine.commands.copying import Copying
from engine.commands.migrations import MigrationCommands
from engine.commands.state_tests import StateTests
from engine.core.limits import Limits
from engine.runtime.bulk.asked import REDRIVE, Asked
from engine.runtime.bulk.orders import VERBS, Migration, Order, Redrive, Verb
from engine.runtime.bulk.routes import Routes
from engine.runtime.bulk.runner import Runner
from engine.runtime.machines import Machines
from engine.settings import Settings
from engine.store.keys import Keys
from engine.store.stores import Stores
from engine.tasks.runner import Runner as TaskRunner
from engine.views import Caller

HOUR_MS = 3_600_000


def runner(
    stores: Stores,
    machines: Machines,
    keys: Keys,
    settings: Settings,
    clock: RedisClock,
    offer: Callable[[str], None],
) -> Runner:
    """What carries out operations on many executions."""
    namespace = Caller().namespace

    def order_of(operation: str, asked: Asked) -> Order:
        if asked.kind == REDRIVE:
            most = settings.history_records_max
            return Redrive(namespace, operation, asked, stores.orders, machines, most)
        if asked.kind in VERBS:
            return Verb(namespace, operation, asked, stores.signals)
        routes = Routes(
            machines,
            (namespace, asked.wanted.definition),
            asked.version,
            asked.mapping,
            proposing=asked.propose,
        )
        return Migration(namespace, operation, asked, routes, stores.signals)

    return Runner(
        stores.operations,
        stores.finding,
        keys,
        clock,
        order_of,
        offer,
        namespace=namespace,
    )


def commands(
    stores: Stores, machines: Machines, keys: Keys, settings: Settings, ring: Callable[[], None]
) -> MigrationCommands:
    """What callers ask operations with."""
    return MigrationCommands(
        stores.operations,
        stores.finding,
        stores.positions,
        stores.catalog,
        machines,
        partitions=keys.partitions,
        records_max=settings.history_records_max,
        ring=ring,
    )


def copying(stores: Stores, machines: Machines, keys: Keys, settings: Settings) -> Copying:
    """What takes executions out of one store and puts them into another."""
    return Copying(
        stores.copies,
        stores.finding,
        machines,
        partitions=keys.partitions,
        retention_ms=int(settings.retention_hours * HOUR_MS),
    )


def state_tests(
    runners: Mapping[str, TaskRunner], settings: Settings, clock: RedisClock
) -> StateTests:
    """What tests single states, with the limits that executions have."""
    limits = Limits(
        payload_bytes_max=settings.payload_bytes_max,
        lambda_endpoint=settings.lambda_endpoint is not None,
    )
    return StateTests(runners, clock, limits)
