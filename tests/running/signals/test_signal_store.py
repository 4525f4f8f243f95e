"""Signals in Redis: what becomes of them is committed with the checkpoint, and time is Redis' own."""

from __future__ import annotations

import asyncio

import pytest
from world import LISTEN, PAY, RETENTION_MS, World

from engine.documents import Document
from engine.errors import QuotaExceeded, StoreRefused
from engine.store.commits.answers import ClockAhead
from engine.store.connection import Redis
from engine.store.signals import VersionDiffers


@pytest.fixture
async def redis(url):
    opened = Redis(url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def world(redis):
    return World(redis)


async def deliver(world, ref, identifier, **more):
    name = more.pop("name", "go")
    return await world.signals.deliver(ref, name, identifier, Document.of(identifier), **more)


async def status(world, ref, identifier):
    return (await world.listing.signal(ref, identifier)).fate.status


async def until_ms(world, moment):
    while await world.now_ms() < moment:
        await asyncio.sleep(0.002)


async def test_what_became_of_a_signal_is_written_by_the_commit_that_takes_it(world):
    ref = await world.start(states=LISTEN)
    await deliver(world, ref, "a")
    held = await world.claim(ref)
    await world.step(held)  # begins, and listens
    before = await world.listing.signal(ref, "a")
    assert (before.fate.status, before.is_running) == ("accepted", True)
    await world.step(held)
    after = await world.listing.signal(ref, "a")
    assert (after.fate.status, after.fate.state, after.fate.record) == ("consumed", "Ask", 5)
    assert after.accepted_ms == before.accepted_ms
    assert await world.listing.signal(ref, "b") is None


async def test_a_commit_that_comes_after_the_signals_time_is_refused_and_the_signal_expires(world):
    ref = await world.start(states=LISTEN)
    await world.advance(ref)
    await deliver(world, ref, "a", ttl_ms=60)
    held = await world.claim(ref)
    step, late = await world.prepare(held)
    assert [record.type for record in step.records][:2] == ["SignalReceived", "SignalConsumed"]
    before = await world.snapshot()
    await until_ms(world, (await world.listing.signal(ref, "a")).expires_ms)
    with pytest.raises(ClockAhead):
        await world.executions.commit(held, late)
    assert await world.snapshot() == before
    await world.step(held)
    assert await status(world, ref, "a") == "expired"
    assert await world.status(ref) == "RUNNING"


async def test_expired_signals_do_not_fill_the_quota_for_ever(redis):
    world = World(redis, buffered_max=2)
    ref = await world.start(states=PAY)
    await deliver(world, ref, "a", ttl_ms=100)
    await deliver(world, ref, "b", ttl_ms=60_000)
    await world.advance(ref)
    with pytest.raises(QuotaExceeded):
        await deliver(world, ref, "c")
    await until_ms(world, (await world.listing.signal(ref, "a")).expires_ms)
    assert await deliver(world, ref, "c")
    await world.advance(ref)
    with pytest.raises(QuotaExceeded):
        await deliver(world, ref, "d")
    assert await status(world, ref, "a") == "expired"


async def test_a_signal_for_another_version_is_refused_with_the_version_but_a_repeat_is_one(world):
    ref = await world.start(states=LISTEN)
    before = await world.snapshot()
    with pytest.raises(VersionDiffers) as refused:
        await deliver(world, ref, "a", version=7)
    assert refused.value.version == 1
    assert await world.snapshot() == before
    assert await deliver(world, ref, "a", version=1)
    assert not await deliver(world, ref, "a", version=7)


async def test_signals_are_listed_in_pages_in_the_order_of_their_acceptance(world):
    ref = await world.start(states=PAY)
    await asyncio.gather(*(deliver(world, ref, f"s{number:02}") for number in range(50)))
    seen, after = [], None
    while True:
        told, after = await world.listing.signals(ref, after, 7)
        seen += [each.id for each in told]
        if after is None:
            break
    assert seen == [f"s{number:02}" for number in range(50)]


async def test_ids_that_are_forgotten_take_what_became_of_them_along(world, monkeypatch):
    monkeypatch.setattr("engine.store.signals.SEEN_MAX", 3)
    ref = await world.start(states=PAY)
    for number in range(5):
        await deliver(world, ref, f"s{number}")
    key = world.keys.of(ref).fates
    assert sorted(await world.redis.call(key, "HKEYS", key)) == [b"s2", b"s3", b"s4"]
    await world.advance(ref)
    assert len(await world.redis.call(key, "HKEYS", key)) == 3


async def test_pruning_forgets_the_signals_too(world):
    ref = await world.start(states=LISTEN)
    await deliver(world, ref, "a")
    await world.advance(ref)
    await world.pass_time(RETENTION_MS)
    assert await world.listing.prune(await world.now_ms(), 10, 60_000) == 1
    left = [key for key in await world.names() if ":x:" in key]
    assert left == [world.keys.of(ref).execution]


# A start with a signal


def sent(world, identifier, version=1, **more):
    from engine.core.events import SignalReceived

    event = SignalReceived("go", identifier, Document.of(identifier), **more)
    return world.signals.sent(event, version)


async def test_a_start_with_a_signal_creates_both_or_nothing(world):
    await world.publish(states=LISTEN)
    before = await world.snapshot()
    made = await world.create(signal=sent(world, "a", version=9))
    assert (made.verdict, made.version) == ("version", 1)
    assert await world.snapshot() == before
    made = await world.create(signal=sent(world, "a"))
    assert made.verdict == "created"
    ref = "default:d:n"
    await world.advance(ref)
    assert (await world.read(ref)).execution.output.value == "a"


async def test_where_one_runs_the_signal_alone_is_delivered_whatever_the_input(world):
    ref = await world.start(states=PAY, given={"a": 1})
    made = await world.create(given={"other": 2}, signal=sent(world, "a"))
    assert made.verdict == "signaled"
    assert (await world.create(given={"other": 2}, signal=sent(world, "a"))).verdict == "repeat"
    assert [each.id for each in (await world.read(ref)).unread] == ["a"]
    assert (await world.read(ref)).execution.input.value == {"a": 1}


async def test_a_repeat_is_known_after_the_end_and_a_new_signal_meets_a_closed_execution(world):
    await world.publish(states=LISTEN)
    await world.create(signal=sent(world, "a"))
    await world.advance("default:d:n")
    before = await world.snapshot()
    repeat = await world.create(signal=sent(world, "a"))
    assert (repeat.verdict, repeat.status) == ("repeat", "SUCCEEDED")
    late = await world.create(signal=sent(world, "b"))
    assert (late.verdict, late.status) == ("conflict", "SUCCEEDED")
    assert await world.snapshot() == before


async def test_a_full_execution_refuses_the_signal_of_a_start(redis):
    world = World(redis, inbox_max=1)
    await world.publish(states=PAY)
    assert (await world.create(signal=sent(world, "a"))).verdict == "created"
    before = await world.snapshot()
    assert (await world.create(signal=sent(world, "b"))).verdict == "full"
    assert await world.snapshot() == before


@pytest.mark.parametrize("what", ["inbox", "seen", "fates"])
async def test_a_start_with_a_signal_writes_nothing_where_a_key_is_of_another_type(world, what):
    await world.publish(states=LISTEN)
    key = getattr(world.keys.of("default:d:n"), what)
    await world.redis.call(key, "SET", key, "of another type")
    before = await world.snapshot()
    with pytest.raises(StoreRefused):
        await world.create(signal=sent(world, "a"))
    assert await world.snapshot() == before
