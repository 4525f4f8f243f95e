"""On a cluster each node's replies await its own replicas, also while a slot is moved."""

from __future__ import annotations

import asyncio
import signal

import pytest
from redis.crc import key_slot

from engine.store.connection import Redis
from tests.chaos.cluster.nodes import Cluster, Move

pytestmark = pytest.mark.slow

NAMES = [f"{{t{number}}}:n" for number in range(12)]


@pytest.fixture(scope="module")
def nodes():
    running = Cluster(3, 3)
    yield running
    running.stop()


@pytest.fixture
async def redis(nodes):
    opened = Redis(nodes.url, replicas=1)
    await opened.open()
    yield opened
    await opened.close()


async def incremented(redis, names=NAMES):
    return await asyncio.gather(*(redis.call(name, "INCR", name) for name in names))


async def test_replies_come_while_the_slot_of_their_keys_is_moved_and_each_call_is_made_once(
    nodes, redis
):
    assert await incremented(redis) == [1] * 12
    slot = key_slot(NAMES[0].encode())
    move = Move(nodes, slot, (nodes.owner(slot) + 1) % 3)
    move.begin()
    assert await incremented(redis) == [2] * 12
    # A key that is on neither side yet is made at the new owner, which takes it only after ASKING.
    assert await redis.call("{t0}:new", "INCR", "{t0}:new") == 1
    assert move.keys(1) == 1
    assert await incremented(redis) == [3] * 12
    move.keys(100)
    assert await incremented(redis) == [4] * 12
    move.finish()
    assert await incremented(redis) == [5] * 12
    assert await redis.call("{t0}:new", "INCR", "{t0}:new") == 2


async def test_a_node_without_its_replica_keeps_its_replies_and_the_others_do_not(nodes, redis):
    await incremented(redis)
    held = nodes.owner(key_slot(NAMES[1].encode()))
    [replica] = nodes.replicas(held)
    theirs = [name for name in NAMES if nodes.owner(key_slot(name.encode())) == held]
    others = [name for name in NAMES if name not in theirs]
    nodes._processes[replica].send_signal(signal.SIGSTOP)
    try:
        waiting = asyncio.ensure_future(incremented(redis, theirs))
        assert len(await incremented(redis, others)) == len(others) > 0
        await asyncio.sleep(0.8)
        assert not waiting.done()
    finally:
        nodes._processes[replica].send_signal(signal.SIGCONT)
    assert len(await waiting) == len(theirs) > 0
