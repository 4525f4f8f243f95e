"""Watching an execution: commits are announced for as long as somebody looks, and looking writes next to nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "store"))

from world import PAY, World

from engine.store.connection import Redis

WATCH_MS = 60_000


@pytest.fixture
async def world(url):
    redis = Redis(url)
    await redis.open()
    yield World(redis)
    await redis.close()


async def watched_until(world, ref):
    key = world.keys.of(ref).execution
    return int(await world.redis.call(key, "HGET", key, "watch") or 0)


async def test_a_look_soon_after_another_writes_nothing(world):
    ref = await world.start(states=PAY)
    await world.listing.watch(ref, WATCH_MS)
    before = await world.snapshot()
    await world.listing.watch(ref, WATCH_MS)
    assert await world.snapshot() == before


async def test_whoever_goes_on_looking_is_always_watched_for_half_the_time_at_least(world):
    ref = await world.start(states=PAY)
    for _ in range(6):
        await world.listing.watch(ref, WATCH_MS)
        assert await watched_until(world, ref) >= await world.now_ms() + WATCH_MS // 2 - 1000
        await world.pass_time(25_000)


async def test_asking_for_no_time_watches_nothing(world):
    ref = await world.start(states=PAY)
    await world.listing.watch(ref, 0)
    assert await watched_until(world, ref) <= await world.now_ms()
