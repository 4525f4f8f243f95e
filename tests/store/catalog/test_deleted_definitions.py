"""Deleting a definition: nothing starts any more, what runs keeps its text, and numbers are never given again."""

import asyncio

import pytest
from faulty import FaultyRedis
from world import NS, PARTITIONS, TWO

from engine.errors import DefinitionNotFound, StoreUnavailable
from engine.store.catalog import Catalog, NewestMoved
from engine.store.catalog.aliases import Route


async def currents(world, name="d"):
    keys = [world.keys.definitions(partition, NS) for partition in range(PARTITIONS)]
    return [await world.redis.call(key, "HGET", key, name) for key in keys]


async def test_nothing_starts_of_a_deleted_definition_whichever_version_is_named(world):
    await world.publish()
    await world.publish(states=TWO)
    assert await world.catalog.remove(NS, "d")
    for number in range(20):
        assert (await world.create(f"n{number}")).verdict == "unknown"
        assert (await world.create(f"v{number}", version=1)).verdict == "unknown"
    assert await world.catalog.current(NS, "d") is None
    assert await world.catalog.versions(NS, "d") == []
    assert await world.catalog.read(NS, "d", None) is None
    assert await world.catalog.names(NS) == []
    assert await world.catalog.names_ever(NS) == ["d"]


async def test_what_runs_keeps_its_text_and_a_start_that_is_repeated_its_answer(world):
    await world.publish()
    assert (await world.create("n")).verdict == "created"
    await world.catalog.remove(NS, "d")
    assert (await world.create("n")).verdict == "exists"
    assert (await world.catalog.read(NS, "d", 1)).text is not None


async def test_deleting_is_repeated_and_of_what_never_was_does_nothing(world):
    before = await world.snapshot()
    assert not await world.catalog.remove(NS, "d")
    assert await world.snapshot() == before
    await world.publish()
    assert await world.catalog.remove(NS, "d")
    before = await world.snapshot()
    assert not await world.catalog.remove(NS, "d")
    assert await world.snapshot() == before


async def test_a_definition_made_anew_begins_with_the_next_number_and_may_have_another_type(world):
    await world.publish()
    await world.publish(states=TWO)
    await world.aliases.put(NS, "d", "live", [Route(1, 100)])
    await world.catalog.remove(NS, "d")
    version, new = await world.catalog.publish(NS, "d", "h", b"{}", "json", "EXPRESS")
    assert (version.version, version.first, new) == (3, 3, True)
    assert await world.catalog.remove(NS, "d")
    assert await world.publish() == 4
    assert await world.catalog.current(NS, "d") == (4, "STANDARD", 4)
    assert [v.version for v in await world.catalog.versions(NS, "d")] == [4]
    assert await currents(world) == [b"4"] * PARTITIONS
    assert await world.aliases.all(NS, "d") == []
    assert (await world.create("new")).version == 4
    # What was before it was deleted is nothing to start on, nor to lead to.
    assert (await world.create("old", version=2)).verdict == "unknown"
    with pytest.raises(DefinitionNotFound):
        await world.aliases.put(NS, "d", "live", [Route(2, 100)])


async def test_the_same_content_is_a_version_again_after_the_definition_was_deleted(world):
    assert await world.publish() == 1
    await world.catalog.remove(NS, "d")
    assert await world.publish() == 2


async def test_a_deletion_that_died_half_way_is_finished_by_repeating_it(world):
    await world.publish()
    faulty = FaultyRedis(world.redis)
    catalog = Catalog(faulty, world.keys)
    faulty.fail(3, "before")  # the second partition's
    with pytest.raises(StoreUnavailable):
        await catalog.remove(NS, "d")
    await asyncio.sleep(0)
    assert b"1" in await currents(world)
    assert not await catalog.remove(NS, "d")
    assert await currents(world) == [b"-1"] * PARTITIONS


async def test_what_died_half_way_is_finished_by_whoever_looks(world):
    await world.publish()
    assert await world.catalog.finish(NS) == 0
    faulty = FaultyRedis(world.redis)
    dying = Catalog(faulty, world.keys)
    faulty.fail(3, "before")  # the second partition's
    with pytest.raises(StoreUnavailable):
        await dying.publish(NS, "d", "other", b"{}", "json")
    await asyncio.sleep(0)
    assert b"1" in await currents(world)
    assert await world.catalog.finish(NS) == 1
    assert await currents(world) == [b"2"] * PARTITIONS
    faulty.fail(3, "before")
    with pytest.raises(StoreUnavailable):
        await dying.remove(NS, "d")
    await asyncio.sleep(0)
    assert await world.catalog.finish(NS) == 1
    assert await currents(world) == [b"-2"] * PARTITIONS
    assert await world.catalog.finish(NS) == 0


async def test_finishing_late_brings_nothing_back(world):
    await world.publish()
    key = world.keys.untold(NS)
    await world.redis.call(key, "ZADD", key, 1, "d 1 1", 2, "gone -7 1")
    await world.publish(states=TWO)
    assert await world.catalog.finish(NS) == 2
    assert await currents(world) == [b"2"] * PARTITIONS


async def test_a_publish_that_comes_late_does_not_bring_a_deleted_definition_back(world):
    key = world.keys.definitions(0, NS)
    for told, stands in (
        (("1", ""), b"1"),
        (("-1", ""), b"-1"),
        (("1", ""), b"-1"),
        (("2", "2"), b"2"),
        (("-1", ""), b"2"),
        (("1", ""), b"2"),
    ):
        assert await world.redis.script("set_current", [key], ["d", *told]) == stands
    assert await world.redis.call(key, "HGET", key, "d:first") == b"2"


async def test_whichever_of_publish_and_delete_wins_a_race_all_partitions_agree(world):
    for attempt in range(20):
        await world.catalog.publish(NS, "d", f"h{attempt}", b"{}", "json")
        await asyncio.gather(
            world.catalog.publish(NS, "d", f"i{attempt}", b"{}", "json"),
            world.catalog.remove(NS, "d"),
            world.catalog.publish(NS, "d", f"j{attempt}", b"{}", "json"),
        )
        current = await world.catalog.current(NS, "d")
        [stands] = set(await currents(world))
        assert (int(stands) > 0) == (current is not None)
        assert current is None or current.version == int(stands)


async def test_no_start_is_accepted_after_a_deletion_was_answered_however_many_come_at_once(world):
    await world.publish()
    gone = asyncio.Event()

    async def start(number):
        late = gone.is_set()
        return late, (await world.create(f"n{number}")).verdict

    async def delete():
        await world.catalog.remove(NS, "d")
        gone.set()

    deleting = asyncio.create_task(delete())
    answers = []
    number = 0
    while not deleting.done() or number < 100:
        answers += await asyncio.gather(*(start(number + n) for n in range(10)))
        number += 10
    assert {verdict for late, verdict in answers if late} == {"unknown"}


async def test_a_version_that_names_the_newest_it_knows_is_stored_only_if_that_is_it(world):
    async def add(newest, content="h"):
        text = content.encode()
        stored, _ = await world.catalog.publish(
            NS, "d", content, text, "json", attributes=b'{"role":"r"}', newest=newest
        )
        return stored.version

    assert await add(0) == 1
    for wrong in (0, 2):
        with pytest.raises(NewestMoved):
            await add(wrong)
    assert await add(1) == 2  # of equal content too: its attributes may differ
    assert (await world.catalog.read(NS, "d", 2)).attributes == b'{"role":"r"}'
    # A text that is published without attributes goes on with those that there are.
    await world.catalog.publish(NS, "d", "i", b"{}", "json")
    assert (await world.catalog.read(NS, "d", 3)).attributes == b'{"role":"r"}'
    await world.catalog.remove(NS, "d")
    with pytest.raises(NewestMoved):
        await add(3)
    assert await add(0) == 4


async def test_of_many_that_make_a_definition_at_once_one_does(world):
    answers = await asyncio.gather(
        *(world.catalog.publish(NS, "d", "h", b"{}", "json", newest=0) for _ in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, NewestMoved) for answer in answers) == 9
    assert (await world.catalog.current(NS, "d")).version == 1


async def test_a_version_stored_before_there_were_attributes_has_none(world):
    await world.publish()
    key = world.keys.definition(NS, "d")
    packed = b"\x94\xa1h\xad1700000000000\xa4json\xa2{}"
    await world.redis.call(key, "HSET", key, "v:1", packed)
    await world.redis.call(key, "HDEL", key, "first", "born")
    read = await world.catalog.read(NS, "d", 1)
    assert (read.text, read.attributes, read.first) == (b"{}", b"", 1)
    assert await world.catalog.current(NS, "d") == (1, "STANDARD", 1)
    assert await world.catalog.born_ms(NS, ["d"]) == [1_700_000_000_000]
    assert await world.publish(states=TWO) == 2
    assert (await world.catalog.read(NS, "d", 2)).attributes == b""
