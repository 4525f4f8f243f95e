"""Orders on the store alone, standalone and cluster: every script keeps its contract and its one hash slot."""

import pytest
from world import PAY, World

from engine.core.events import StopRequested
from engine.core.orders import PauseRequested, RedriveRequested, ResumeRequested
from engine.errors import OrderRefused, QuotaExceeded
from engine.store.keys import ORDER_KEPT_MS
from engine.store.operating.orders import Answer, Orders


def orders_of(world: World, open_max: int = 0) -> Orders:
    return Orders(world.redis, world.keys, open_max=open_max, bell=True)


async def give(world, ref, event):
    await world.signals.control(ref, event, operation=event.operation)
    await world.advance(ref)


async def stopped(world, name="n"):
    ref = await world.start(name, states=PAY)
    await world.advance(ref)
    await world.signals.control(ref, StopRequested())
    await world.advance(ref)
    return ref


async def test_a_task_is_kept_back_and_given_back_under_the_same_secret(world):
    ref = await world.start(states=PAY)
    await world.advance(ref)
    await give(world, ref, PauseRequested("me", None, "@p"))
    assert await world.lease(ref) == []
    assert await orders_of(world).answer(ref, "@p") == Answer("done", None)
    await give(world, ref, ResumeRequested("me", None, "@r"))
    assert len(await world.lease(ref)) == 1
    assert not [name for name in await world.names() if name.endswith(":paused")]


async def test_an_answer_is_forgotten_after_an_hour(world):
    ref = await world.start(states=PAY)
    await world.advance(ref)
    await give(world, ref, PauseRequested("me", None, "@p"))
    answers, waiting = world.keys.operation(world.keys.partition_of(ref), "default", "@p")
    assert 0 < await world.redis.call(answers, "PTTL", answers) <= ORDER_KEPT_MS
    assert not await world.redis.call(waiting, "EXISTS", waiting)


async def test_a_closed_execution_is_opened_once_and_counted(world):
    ref = await stopped(world)
    order = RedriveRequested("me", None, "@o")
    asked = {"status": "ABORTED", "version": None, "watch_ms": 1}
    assert await orders_of(world).redrive(ref, order, **asked)
    assert not await orders_of(world).redrive(ref, order, **asked)
    again = RedriveRequested("me", None, "@other")
    with pytest.raises(OrderRefused):
        await orders_of(world).redrive(ref, again, **asked)
    opened = world.keys.open(world.keys.partition_of(ref), "default")
    assert await world.redis.call(opened, "GET", opened) == b"1"
    await world.advance(ref)
    assert len(await world.lease(ref)) == 1


async def test_no_more_are_opened_than_may_be_open(alone):
    ref = await stopped(alone)
    order = RedriveRequested("me", None, "@o")
    opened = alone.keys.open(alone.keys.partition_of(ref), "default")
    await alone.redis.call(opened, "SET", opened, 1)
    before = await alone.snapshot()
    with pytest.raises(QuotaExceeded):
        await orders_of(alone, open_max=1).redrive(
            ref, order, status="ABORTED", version=None, watch_ms=1
        )
    assert await alone.snapshot() == before


async def test_what_was_pruned_is_not_opened(alone):
    ref = await stopped(alone)
    await alone.pass_time(60_000)
    await alone.listing.prune(await alone.now_ms(), 10, 100_000_000)
    with pytest.raises(OrderRefused) as refused:
        await orders_of(alone).redrive(
            ref, RedriveRequested("me", None, "@o"), status="ABORTED", version=None, watch_ms=1
        )
    assert refused.value.facts == {"reason": "not_redrivable"}
