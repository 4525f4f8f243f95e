"""The feed in the store: what a commit adds to it, that it adds it with all else, and the bell that followers arm."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "store"))

from world import LEASE_MS, NS, PAY, TWO, World

from engine.errors import StaleCommit
from engine.store.connection import Redis
from engine.store.feed import Place

BEGINNING = Place(0)


@pytest.fixture
async def world(url):
    redis = Redis(url)
    await redis.open()
    yield World(redis, changes_kept=100_000)
    await redis.close()


async def told(world):
    """What the feed tells of all that has been committed."""
    now = await world.now_ms()
    changes, upto = [], BEGINNING
    async with asyncio.timeout(10):
        while upto <= Place(now):
            page = await world.feed.read(NS, upto)
            changes += page.changes
            upto = page.upto
    return changes


async def test_a_stale_commit_tells_nothing(world):
    ref = await world.start(states=PAY)
    first = await world.claim(ref, "first")
    await world.pass_time(LEASE_MS)
    await world.claim(ref, "second")
    with pytest.raises(StaleCommit):
        await world.step(first)
    assert [change.entry.kind for change in await told(world)] == ["started"]


async def test_a_step_on_the_way_tells_nothing(world):
    ref = await world.start(states=TWO)
    held = await world.claim(ref)
    await world.step(held, release=False)
    assert [change.entry.kind for change in await told(world)] == ["started"]


async def test_a_start_that_is_repeated_or_refused_is_not_told_again(world):
    await world.publish()
    await world.create(given=1)
    assert (await world.create(given=1)).verdict == "exists"
    assert (await world.create(given=2)).verdict == "conflict"
    [change] = await told(world)
    assert (change.entry.kind, change.version) == ("started", 1)


async def test_nothing_is_kept_where_nothing_is_to_be_kept(world):
    off = World(world.redis)
    await off.start(states=PAY)
    assert not [name for name in await world.names() if name.endswith(":ch")]


async def test_a_change_is_not_told_in_the_millisecond_it_is_made_in(world):
    """Another partition could still add one that comes before it."""
    ref = await world.start(states=PAY)
    place = await world.feed.now(NS)
    stream, _ = world.keys.changes_of(world.keys.partition_of(ref), NS)
    # An entry of the very moment, and one dated later than any reading here.
    await world.redis.call(stream, "XADD", stream, f"{place.ms + 60_000}-0", "e", b"x", "v", "1")
    found = await world.feed.read(NS, BEGINNING)
    assert found.upto < Place(place.ms + 60_000)
    assert [change.entry.kind for change in found.changes] in ([], ["started"])


async def test_a_full_partition_bounds_the_page_and_nothing_is_skipped(world):
    await world.publish()
    for number in range(120):
        await world.create(f"n{number}")
    found, after = [], BEGINNING
    async with asyncio.timeout(10):
        while len(found) < 120:
            page = await world.feed.read(NS, after)
            assert all(after < change.place <= page.upto for change in page.changes)
            found += page.changes
            after = page.upto
    assert [change.place for change in found] == sorted({change.place for change in found})
    assert {change.entry.execution for change in found} == {f"d:n{n}" for n in range(120)}


async def test_an_armed_bell_rings_once(world):
    await world.publish()
    listener = world.redis.new_connection()
    await listener.connect()
    await listener.send_command("SUBSCRIBE", world.keys.feed)
    await listener.read_response()
    await world.create("unheard")
    await world.feed.read(NS, BEGINNING, arm=True)
    partition = world.keys.partition_of(f"{NS}:d:a")
    names = [f"n{n}" for n in range(200)]
    same = [n for n in names if world.keys.partition_of(f"{NS}:d:{n}") == partition][:3]
    for name in same:
        await world.create(name)
    await world.redis.call(None, "PUBLISH", world.keys.feed, "the end")
    heard = [await listener.read_response() for _ in range(2)]
    assert [message[2].decode() for message in heard] == [f"{NS}:d:{same[0]}", "the end"]
    await listener.disconnect()
