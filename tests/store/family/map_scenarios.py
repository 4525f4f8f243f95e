"""What leads up to one call of each script that a Map Run needs: see scenarios.py."""

from __future__ import annotations

from world import NS, World

from engine.core.states.distributed.spec import MapRunSpec
from engine.documents import Document
from engine.store import codec
from engine.store.bounds.payloads import INLINE_BYTES_MAX
from engine.store.keys import ref_of
from engine.store.maps.births import Birth, Births
from engine.store.maps.child import MapChild, child_name
from engine.store.maps.ends import Ended
from engine.store.maps.held import Held
from engine.store.maps.runs import MapRuns

RUN = "0a0b0c0d-0000-4000-8000-000000000000"
SEED = b"seed" * 4
DONE = {"A": {"Type": "Pass", "End": True}}
FAILS = {"A": {"Type": "Fail", "Error": "E"}}


def runs_of(world: World) -> MapRuns:
    return MapRuns(world.redis, world.keys, bell=True)


def spec(**more) -> MapRunSpec:
    given = {"items": [1, 2, 3], "tolerated_count": 1} | more
    return MapRunSpec(RUN, "d:n", "d", 1, "M", "L", "STANDARD", **given)


async def opened(world: World, nonce="me", revision=1, **more) -> Held:
    """The run, taken."""
    answer = await runs_of(world).open(NS, spec(**more), revision=revision, nonce=nonce, seed=SEED)
    assert answer.held is not None
    return answer.held


async def reserved(world: World, count=3) -> Held:
    held = await opened(world)
    await runs_of(world).advance(held, out=[0, count], items=count, fields={"next": count})
    return held


def ended(index: int, status="SUCCEEDED", items=1) -> Ended:
    return Ended(index, items, status, 1, 2, b"7")


def child_ref(index=0) -> str:
    return ref_of(NS, f"d~L:{child_name(RUN, index)}")


def static_of(index=0, **about) -> codec.Static:
    name = child_name(RUN, index)
    child = MapChild(RUN, index, 1, **about)
    return codec.Static(f"d~L:{name}", "d~L", name, SEED, "d:n", 1, child=child)


def births_of(world: World, *, open_max=0, changes_kept=0) -> Births:
    return Births(
        world.redis,
        world.keys,
        world.executions,
        open_max=open_max,
        bell=True,
        changes_kept=changes_kept,
        inline_max=INLINE_BYTES_MAX,
    )


async def create_children(world: World, indexes, claims=1, given=None, **more) -> list[str]:
    """Start children as a driver does; what the store answers of each."""
    about = {"is_brief": more.pop("is_brief", False)}
    births = [
        Birth(
            child_ref(index),
            static_of(index, **about),
            Document.of(index if given is None else given),
            f"{RUN}/{index}",
        )
        for index in indexes
    ]
    return await births_of(world, **more).create(births, version=1, claims=claims)


async def create_child(world: World, index=0, claims=1, given=None, **about):
    """Start one whose input is kept apart, as a driver does; what the store answers."""
    static = static_of(index, **about)
    return await world.executions.create(
        child_ref(index),
        static,
        Document.of(index if given is None else given),
        version=1,
        key=f"{RUN}/{index}",
        claims=claims,
    )


async def publish_children(world: World, states=None) -> None:
    await world.publish(states=states or DONE)
    world.machines["d~L"] = world.machines["d"]


async def last_step_of_a_child(world: World, states=None, **about):
    """The child in its holder's hands, before the commit that closes it."""
    await publish_children(world, states)
    await create_child(world, **about)
    held = await world.claim(child_ref())
    await world.step(held, release=False)
    return held


async def open_map_run(world):
    return runs_of(world).open(NS, spec(), revision=1, nonce="me", seed=SEED)


async def open_map_run_for_a_redrive(world):
    held = await reserved(world)
    await runs_of(world).advance(held, ended=[(ended(0, "FAILED"), b"x")], status="FAILED")
    return runs_of(world).open(NS, spec(redrives=1), revision=9, nonce="you", seed=SEED)


async def advance_map_run(world):
    held = await reserved(world)
    await runs_of(world).advance(held, ended=[(ended(0, "FAILED"), b"x")], size_max=9)
    return runs_of(world).advance(held, ended=[(ended(1), b"y")], again=[0], size_max=1)


async def advance_map_run_to_its_end(world):
    held = await reserved(world)
    await runs_of(world).advance(held, ended=[(ended(0), b"x")])
    return runs_of(world).advance(held, written=1, status="SUCCEEDED")


async def abort_map_run(world):
    held = await opened(world)
    return runs_of(world).abort(held.ref, revision=1, nonce="you")


async def update_map_run(world):
    held = await opened(world)
    return runs_of(world).update(
        held.ref, concurrency=5, tolerated_count=2, tolerated_percentage=7.5
    )


async def fence_children(world):
    held = await opened(world)
    world.keys.partitions = 1  # one call is enough to look at
    return runs_of(world).fence(held)


async def create_execution_of_a_map_run(world):
    await world.publish()
    held = await opened(world)
    await runs_of(world).fence(held)
    return create_child(world)


async def create_children_that_are_followed(world):
    await world.publish()
    held = await opened(world)
    await runs_of(world).fence(held)
    return create_children(world, [0], changes_kept=100)


async def commit_that_ends_a_brief_child(world):
    large = {"text": "x" * 9000}
    held = await last_step_of_a_child(world, is_brief=True, tells_input=True, given=large)
    return world.step(held)


async def commit_that_ends_a_child_without_success(world):
    return world.step(await last_step_of_a_child(world, FAILS, is_brief=True))


MAP_SCENARIOS = [
    (open_map_run, 1), (open_map_run_for_a_redrive, 1), (advance_map_run, 4), (advance_map_run_to_its_end, 3),
    (abort_map_run, 1), (update_map_run, 1), (fence_children, 1), (create_execution_of_a_map_run, 7),
    (create_children_that_are_followed, 8),
    (commit_that_ends_a_brief_child, 7), (commit_that_ends_a_child_without_success, 7),
]  # fmt: skip
