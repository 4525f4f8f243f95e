"""Definitions: versions that never change, and one current version in every partition."""

import asyncio

import pytest
from faulty import FaultyRedis
from world import NS, PARTITIONS, World

from engine.errors import DefinitionTypeConflict, StoreUnavailable
from engine.store.catalog import Catalog


async def currents(world, name="d"):
    keys = [world.keys.definitions(partition, NS) for partition in range(PARTITIONS)]
    return [await world.redis.call(key, "HGET", key, name) for key in keys]


async def test_a_publish_is_current_in_every_partition_once_it_returns(world):
    first, new = await world.catalog.publish(NS, "d", "h1", b"one", "json")
    assert (first.version, new) == (1, True)
    second, new = await world.catalog.publish(NS, "d", "h2", b"two", "yaml")
    assert (second.version, new) == (2, True)
    assert await currents(world) == [b"2"] * PARTITIONS


async def test_the_same_content_makes_no_new_version(world):
    first, _ = await world.catalog.publish(NS, "d", "h1", b"one", "json")
    before = await world.snapshot()
    again, new = await world.catalog.publish(NS, "d", "h1", b"one", "json")
    assert (again, new) == (first, False)
    assert await world.snapshot() == before


async def test_what_was_published_before_the_newest_is_a_new_version_again(world):
    for content in ("h1", "h2", "h1"):
        version, new = await world.catalog.publish(NS, "d", content, content.encode(), "json")
    assert (version.version, new) == (3, True)


async def test_of_many_publishes_of_one_content_at_once_one_makes_a_version(world):
    answers = await asyncio.gather(
        *(world.catalog.publish(NS, "d", "h", b"text", "json") for _ in range(10))
    )
    assert sorted(new for _, new in answers) == [False] * 9 + [True]
    assert {version.version for version, _ in answers} == {1}


async def test_a_publish_that_died_half_way_is_finished_by_repeating_it(world):
    await world.catalog.publish(NS, "d", "h1", b"one", "json")
    faulty = FaultyRedis(world.redis)
    catalog = Catalog(faulty, world.keys)
    faulty.fail(3, "before")  # the second partition's
    with pytest.raises(StoreUnavailable):
        await catalog.publish(NS, "d", "h2", b"two", "json")
    await asyncio.sleep(0)
    assert b"1" in await currents(world)
    version, new = await catalog.publish(NS, "d", "h2", b"two", "json")
    assert (version.version, new) == (2, False)
    assert await currents(world) == [b"2"] * PARTITIONS


async def test_a_late_publish_does_not_set_the_current_version_back(world):
    for content in ("h1", "h2"):
        await world.catalog.publish(NS, "d", content, b"text", "json")
    key = world.keys.definitions(0, NS)
    assert await world.redis.script("set_current", [key], ["d", 1, ""]) == b"2"
    assert await world.redis.call(key, "HGET", key, "d") == b"2"
    # Numbers, not texts: 10 is newer than 9.
    await world.redis.script("set_current", [key], ["d", 9, ""])
    assert await world.redis.script("set_current", [key], ["d", 10, ""]) == b"10"


async def test_texts_come_back_as_they_were_given_each_under_its_version(world):
    texts = ['{"a": "żółć 😀 \\u0000"}\n', "StartAt: é\n", ""]
    for number, text in enumerate(texts):
        await world.catalog.publish(NS, "d", f"h{number}", text.encode(), "yaml")
    for number, text in enumerate(texts):
        assert (await world.catalog.read(NS, "d", number + 1)).text == text.encode()
    assert (await world.catalog.read(NS, "d", None)).version == 3
    found = await world.catalog.versions(NS, "d")
    assert [(v.version, v.hash) for v in found] == [(3, "h2"), (2, "h1"), (1, "h0")]
    assert all(v.created_ms > 1_600_000_000_000 for v in found)


async def test_what_is_not_there_is_none(world):
    assert await world.catalog.read(NS, "d", None) is None
    assert await world.catalog.versions(NS, "d") == []
    await world.catalog.publish(NS, "d", "h", b"text", "json")
    assert await world.catalog.read(NS, "d", 2) is None
    assert await world.catalog.read("other", "d", None) is None


async def test_names_are_listed_in_order_with_their_newest_version(world):
    for name in ("b", "a", "c"):
        await world.catalog.publish(NS, name, "h", b"text", "json")
    await world.catalog.publish(NS, "a", "h2", b"text", "json")
    found = await world.catalog.names(NS)
    assert [(name, version) for name, version, *_ in found] == [("a", 2), ("b", 1), ("c", 1)]
    assert await world.catalog.names("other") == []


async def test_a_definitions_type_is_kept_with_all_of_its_versions_and_never_changes(world):
    await world.catalog.publish(NS, "d", "h1", b"one", "json", "EXPRESS")
    before = await world.snapshot()
    with pytest.raises(DefinitionTypeConflict):
        await world.catalog.publish(NS, "d", "h2", b"two", "json", "STANDARD")
    with pytest.raises(DefinitionTypeConflict):
        await world.catalog.publish(NS, "d", "h1", b"one", "json")
    assert await world.snapshot() == before
    await world.catalog.publish(NS, "d", "h2", b"two", "json", "EXPRESS")
    assert (await world.catalog.current(NS, "d"))[:2] == (2, "EXPRESS")
    assert (await world.catalog.read(NS, "d", 1)).type == "EXPRESS"
    assert {v.type for v in await world.catalog.versions(NS, "d")} == {"EXPRESS"}
    assert [(name, kind) for name, *_, kind in await world.catalog.names(NS)] == [("d", "EXPRESS")]


async def test_no_partition_learns_of_an_express_definition_so_that_none_is_ever_stored(world):
    await world.catalog.publish(NS, "d", "h1", b"one", "json", "EXPRESS")
    assert await currents(world) == [None] * PARTITIONS
    assert (await world.create("n")).verdict == "unknown"


async def test_a_definition_published_before_there_were_types_is_standard(world):
    await world.catalog.publish(NS, "d", "h1", b"one", "json")
    key = world.keys.definition(NS, "d")
    await world.redis.call(key, "HDEL", key, "type")
    assert (await world.catalog.current(NS, "d"))[:2] == (1, "STANDARD")
    assert (await world.catalog.publish(NS, "d", "h2", b"two", "json"))[1]
    with pytest.raises(DefinitionTypeConflict):
        await world.catalog.publish(NS, "d", "h3", b"three", "json", "EXPRESS")


async def test_a_start_after_a_publish_returned_uses_it_wherever_it_lies(redis):
    world = World(redis)
    for version in range(1, 4):
        await world.publish(states={f"S{version}": {"Type": "Succeed"}})
        answers = await asyncio.gather(*(world.create(f"v{version}-{n}") for n in range(20)))
        assert {answer.version for answer in answers} == {version}
