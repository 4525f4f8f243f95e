"""What performs Map Runs, made for one process."""

from __future__ import annotations

from collections.abc import Callable

from engine.arns import Place
from engine.clock import RedisClock
from engine.commands.map_runs import MapRunCommands
from engine.core.states.distributed.spec import MapRunSpec
from engine.express import Express
from engine.express.children import ExpressChildren
from engine.runtime.deciders import Deciders
from engine.runtime.machines import Machines
from engine.runtime.maps import Bells, MapRunner
from engine.runtime.maps.bells import Rung
from engine.runtime.maps.children import Children
from engine.runtime.maps.runner import Outside
from engine.settings import Settings
from engine.store.maps.held import Held
from engine.store.stores import Stores
from engine.tasks.datasets.buckets import Buckets
from engine.views import Caller

MAP_RUNS_MAX = 1000  # driven at once by one process; as AWS Step Functions runs in one account


def runner(
    stores: Stores,
    machines: Machines,
    express: Express,
    bells: Bells,
    deciders: Deciders,
    clock: RedisClock,
    settings: Settings,
    offer: Callable[[str], None],
) -> MapRunner:
    """What performs the tasks that are Map Runs."""
    namespace = Caller().namespace

    def express_children(held: Held, spec: MapRunSpec, rung: Rung) -> Children:
        return ExpressChildren(express, machines, held, spec, rung, clock, namespace=namespace)

    place = Place(settings.aws_region, settings.aws_account)
    outside = Outside(express_children, Buckets.of(settings), deciders, place)
    return MapRunner(
        stores, machines, bells, clock, settings, outside, namespace=namespace, offer=offer
    )


def commands(stores: Stores, bells: Bells) -> MapRunCommands:
    """What callers ask of Map Runs."""
    return MapRunCommands(stores.reading_runs, stores.map_runs, lambda ref: bells.ring(ref, ref))
