"""Profiles: a change is written whole, and only onto what it was decided on."""

import asyncio

import pytest
from world import NS

from engine.store.catalog.aliases import Route, packed_alias
from engine.store.catalog.profiles import (
    Profile,
    Profiles,
    PublishedVersion,
    Rerouted,
    packed_publication,
    packed_tags,
)


@pytest.fixture
async def profiles(world):
    await world.publish()
    return Profiles(world.redis, world.keys)


async def test_what_is_set_is_read(profiles):
    published = PublishedVersion(1, 5, "first")
    fields = {
        "last": b"1",
        "count": b"1",
        "tags": packed_tags({"ż": "", "a": "1"}),
        "v:1": packed_publication(published),
        "r:1": b"1",
        "a:live": b"where it goes",
    }
    assert await profiles.read(NS, "d", 1) == Profile(1)
    assert await profiles.change(NS, "d", Profile(1), fields)
    read = await profiles.read(NS, "d", 1)
    assert (read.revision, read.last, read.count) == (1, 1, 1)
    assert list(read.tags.items()) == [("ż", ""), ("a", "1")]
    assert await profiles.published(NS, "d", [1, 2]) == [published, None]
    assert await profiles.numbers(NS, "d", [1, 2]) == {1: 1}
    assert await profiles.descriptions(NS, "d", ["live", "x"]) == ["where it goes", ""]


async def test_of_changes_decided_on_the_same_revision_one_is_written(profiles):
    changes = (profiles.change(NS, "d", Profile(1), {f"v:{n}": b"x"}) for n in range(10))
    assert sorted(await asyncio.gather(*changes)) == [False] * 9 + [True]
    assert (await profiles.read(NS, "d", 1)).revision == 1


@pytest.mark.parametrize(
    ("profile", "before"),
    [(Profile(2), b""), (Profile(1, revision=1), b""), (Profile(1), b"1 1 [[1,100]]")],
    ids=["another definition of the name", "another revision", "another routing"],
)
async def test_a_change_of_what_is_not_as_it_was_read_writes_nothing(
    world, profiles, profile, before
):
    change = Rerouted("live", before, b"2 2 [[1,100]]")
    stood = await world.snapshot()
    assert not await profiles.change(NS, "d", profile, {"last": b"1"}, routes=[change])
    assert await world.snapshot() == stood


async def test_nothing_is_written_of_a_definition_that_is_not_there_or_was_deleted(world, profiles):
    stood = await world.snapshot()
    assert not await profiles.change(NS, "other", Profile(1), {"last": b"1"})
    assert await world.snapshot() == stood
    assert await profiles.change(NS, "d", Profile(1), {"last": b"1"})
    await world.catalog.remove(NS, "d")
    stood = await world.snapshot()
    assert not await profiles.change(NS, "d", Profile(1), {"last": b"1"})
    assert not await profiles.change(NS, "d", Profile(1, revision=1), {"last": b"1"})
    assert await world.snapshot() == stood
    await world.publish()
    # It begins anew: what was decided on the one before is not written onto it.
    assert not await profiles.change(NS, "d", Profile(1), {"last": b"1"})
    assert await profiles.change(NS, "d", Profile(2), {"last": b"1"})


async def test_an_alias_changes_with_the_profile_and_is_one_for_starts(world, profiles):
    routes = [Route(1, 100)]
    made = Rerouted("live", b"", packed_alias(1, 2, routes))
    assert await profiles.change(NS, "d", Profile(1), {"a:live": b"said"}, routes=[made])
    found = await world.aliases.get(NS, "d", "live")
    assert (found.routing, found.created_ms, found.updated_ms) == (tuple(routes), 1, 2)
    read, packed = await profiles.alias(NS, "d", "live")
    assert read == found
    gone = Rerouted("live", packed, b"")
    profile = await profiles.read(NS, "d", 1)
    assert await profiles.change(NS, "d", profile, {}, gone=["a:live"], routes=[gone])
    assert await world.aliases.get(NS, "d", "live") is None
    assert await profiles.descriptions(NS, "d", ["live"]) == [""]


async def test_an_alias_removed_otherwise_leaves_no_description_to_the_next_of_its_name(
    world, profiles
):
    made = Rerouted("live", b"", packed_alias(1, 2, [Route(1, 100)]))
    assert await profiles.change(NS, "d", Profile(1), {"a:live": b"said"}, routes=[made])
    assert await world.aliases.remove(NS, "d", "live")
    await world.aliases.put(NS, "d", "live", [Route(1, 100)])
    assert await profiles.descriptions(NS, "d", ["live"]) == [""]
