"""Children of a Map Run, started many at once: each once, and only by who has the run."""

from __future__ import annotations

from family.map_scenarios import (
    RUN,
    child_ref,
    create_children,
    opened,
    publish_children,
    runs_of,
)
from world import NS

from engine.store.errands import Errands, Stop

LARGE = {"text": "x" * 20_000}


async def ready(world) -> set[str]:
    now_ms = await world.now_ms()
    due = [await world.executions.due(p, now_ms, 100) for p in range(world.keys.partitions)]
    return {ref for refs in due for ref in refs}


async def test_each_child_is_started_with_its_own_input_and_can_be_claimed(world):
    await publish_children(world)
    assert await create_children(world, range(20)) == ["created"] * 20
    assert await ready(world) == {child_ref(index) for index in range(20)}
    held = await world.claim(child_ref(7))
    await world.step(held, release=False)
    await world.step(held)
    stored = (await world.read(child_ref(7))).execution
    assert (stored.status, stored.output.value, stored.version) == ("SUCCEEDED", 7, 1)


async def test_started_again_nothing_changes_and_what_is_new_is_started(world):
    await publish_children(world)
    await create_children(world, range(3))
    before = await world.snapshot()
    assert await create_children(world, range(3)) == ["exists"] * 3
    assert await world.snapshot() == before
    assert await create_children(world, range(5)) == [*["exists"] * 3, *["created"] * 2]


async def test_a_child_that_left_nothing_but_the_note_of_its_end_is_not_started_again(alone):
    await publish_children(alone)
    await create_children(alone, [0], is_brief=True)
    held = await alone.claim(child_ref())
    await alone.step(held, release=False)
    await alone.step(held)
    assert await create_children(alone, [0, 1], is_brief=True) == ["exists", "created"]
    assert await ready(alone) == {child_ref(1)}


async def test_who_had_the_run_before_starts_none(world):
    await publish_children(world)
    await opened(world)
    held = await opened(world, "you")
    await runs_of(world).fence(held)
    before = await world.snapshot()
    assert await create_children(world, range(4), claims=1) == ["refused"] * 4
    assert await world.snapshot() == before
    assert await create_children(world, range(4), claims=2) == ["created"] * 4


async def test_a_child_that_was_stopped_before_it_was_there_is_not_started(alone):
    await publish_children(alone)
    errands = Errands(alone.redis, alone.keys, bell=False)
    stop = Stop(child_ref(1).partition(":")[2], f"{RUN}/1", "d:n")
    assert await errands.stop(NS, stop) == "REFUSED"
    assert await create_children(alone, range(3)) == ["created", "refused", "created"]


async def test_no_more_are_started_than_the_quota_of_open_executions_allows(alone):
    await publish_children(alone)
    most = 2 * alone.keys.partitions
    verdicts = await create_children(alone, range(100), open_max=most)
    assert set(verdicts) == {"created", "quota"}
    assert verdicts.count("created") == most
    assert len(await ready(alone)) == most


async def test_one_with_a_large_input_is_started_beside_the_others(alone):
    await publish_children(alone)
    assert await create_children(alone, [0, 1], given=LARGE) == ["created"] * 2
    assert await create_children(alone, [0, 2]) == ["exists", "created"]
    held = await alone.claim(child_ref(1))
    await alone.step(held, release=False)
    await alone.step(held)
    assert (await alone.read(child_ref(1))).execution.output.value == LARGE
