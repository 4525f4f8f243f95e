"""Replies are held until replicas have what they tell of; what was sent is never sent again to get them."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from engine.errors import OutcomeUnknown, StoreRefused, StoreUnavailable
from engine.store.connection import Redis
from engine.store.server.link import Call, Link
from engine.store.server.promise import check_nodes, refuse_below
from tests.chaos.sentinel.servers import Options, Servers, in_step, until

SHORT_SECONDS = 0.8  # longer than one WAIT: it was asked for again meanwhile


@pytest.fixture(scope="module")
def servers():
    folder = Path(tempfile.mkdtemp(prefix="dtr"))
    made = Servers(folder, Options(min_replicas=0))
    made.start(sentinels=False)
    yield made
    made.close()
    shutil.rmtree(folder)


@pytest.fixture
def primary(servers):
    servers.servers[0].ask("FLUSHALL")
    servers.servers[0].ask("CONFIG", "SET", "min-replicas-to-write", 0)
    until(lambda: in_step(servers.servers[0]) == 2)
    yield servers.servers[0]
    thaw(servers)


@pytest.fixture
async def redis(primary):
    made = Redis(f"redis://127.0.0.1:{primary.port}", replicas=1)
    await made.open()
    yield made
    await made.close()


def freeze(servers):
    for replica in servers.servers[1:]:
        replica.signal(signal.SIGSTOP)


def thaw(servers):
    for replica in servers.servers[1:]:
        replica.signal(signal.SIGCONT)


async def test_replies_come_once_a_replica_has_what_they_tell_of_and_each_call_was_made_once(
    servers, primary, redis
):
    assert await redis.call("n", "INCR", "n") == 1
    freeze(servers)
    waiting = [redis.call("n", "INCR", "n") for _ in range(50)]
    await asyncio.sleep(SHORT_SECONDS)
    waiting += [redis.call("n", "INCR", "n") for _ in range(50)]
    await asyncio.sleep(SHORT_SECONDS)
    assert primary.ask("GET", "n") == "101"  # done there, and nobody is told
    assert not any(each.done() for each in waiting)
    thaw(servers)
    assert await asyncio.gather(*waiting) == [*range(2, 102)]
    assert primary.ask("GET", "n") == "101"


async def test_what_was_written_by_somebody_else_is_not_told_before_a_replica_has_it(
    servers, primary, redis
):
    freeze(servers)
    primary.ask("SET", "k", "here only")
    reading = redis.call("k", "GET", "k")
    await asyncio.sleep(SHORT_SECONDS)
    assert not reading.done()
    thaw(servers)
    assert await reading == b"here only"


async def test_what_tells_of_nothing_stored_is_answered_without_replicas(servers, redis):
    freeze(servers)
    waiting = redis.call("n", "INCR", "n")
    assert b"role:master" in await redis.call(None, "INFO", "replication")
    assert not waiting.done()
    thaw(servers)
    assert await waiting == 1


async def test_the_wait_follows_its_writes_on_their_own_connection(servers, primary, redis):
    client = primary.client
    with client.monitor() as monitor:
        await redis.call("n", "INCR", "n")
        seen = []
        while not seen or seen[-1]["command"].split()[0] != "WAIT":
            seen.append(await asyncio.to_thread(monitor.next_command))
    sent = [each for each in seen if each["client_type"] != "lua"]
    words = [each["command"].split()[0] for each in sent]
    assert words == ["INCR", "EVALSHA", "WAIT"]
    assert len({each["client_port"] for each in sent}) == 1


async def test_after_the_patience_the_outcome_is_unknown_and_nothing_is_sent_again(
    servers, primary
):
    errors = []
    other = Redis(f"redis://127.0.0.1:{primary.port}")
    link = Link(
        other.new_connection,
        lambda link, call, error: errors.append(error),
        lambda: None,
        greeting=[("PING",)],  # so that the mark's script is not known at first
        replicas=1,
        wait_seconds_max=0.6,
    )
    loop = asyncio.get_running_loop()

    def incr():
        call = Call(("INCR", "n"), loop.create_future(), "n")
        link.send(call)
        return call.future

    assert await incr() == 1
    freeze(servers)
    waiting = [incr() for _ in range(20)]
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [OutcomeUnknown] * 20
    thaw(servers)
    assert await incr() == 22
    assert primary.ask("GET", "n") == "22"
    assert link.connections == 1
    assert errors == []
    await link.close()


async def test_without_replicas_redis_refuses_and_calls_fail_as_not_done_until_they_are_back(
    servers, primary, redis
):
    primary.ask("CONFIG", "SET", "min-replicas-max-lag", 1)
    primary.ask("CONFIG", "SET", "min-replicas-to-write", 1)
    freeze(servers)

    async def refused():
        try:
            await redis.call("n", "INCR", "n")
        except OutcomeUnknown:
            return False
        except StoreUnavailable as error:
            return "NOREPLICAS" in str(error)
        return False

    async with asyncio.timeout(30):
        while not await refused():
            await asyncio.sleep(0.05)
    before = primary.ask("GET", "n")
    assert await refused()
    assert primary.ask("GET", "n") == before
    thaw(servers)
    async with asyncio.timeout(30):
        while await refused():
            await asyncio.sleep(0.05)
    assert await redis.call("n", "INCR", "n") > int(before or 0)


async def test_scripts_that_redis_forgot_do_not_keep_replies_back(primary, redis):
    for number in range(1, 4):
        primary.ask("SCRIPT", "FLUSH")
        assert await redis.call("n", "INCR", "n") == number


async def test_when_memory_is_full_what_may_still_be_written_is_confirmed(primary, redis):
    await redis.call("n", "SET", "n", 1)
    primary.ask("CONFIG", "SET", "maxmemory", 1)
    try:
        assert await redis.call("n", "DEL", "n") == 1
    finally:
        primary.ask("CONFIG", "SET", "maxmemory", 0)


async def test_calls_that_are_held_when_the_connection_breaks_end_as_unknown(
    servers, primary, redis
):
    await redis.call("n", "INCR", "n")
    freeze(servers)
    waiting = [redis.call("n", "INCR", "n") for _ in range(3)]
    await asyncio.sleep(SHORT_SECONDS)
    primary.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [OutcomeUnknown] * 3
    thaw(servers)
    assert await redis.call("n", "INCR", "n") == 5


async def test_ha_is_promised_while_all_its_conditions_hold_and_no_longer(servers, primary, redis):
    for server in servers.servers:
        server.ask("CONFIG", "SET", "min-replicas-to-write", 1, "min-replicas-max-lag", 2)
    assert (await check_nodes(redis)).mode == "ha"
    servers.servers[1].ask("CONFIG", "SET", "appendfsync", "everysec")
    promise = await check_nodes(redis)
    servers.servers[1].ask("CONFIG", "SET", "appendfsync", "always")
    assert promise.mode == "durable"
    assert "appendfsync is everysec" in promise.reasons[0]
    with pytest.raises(StoreRefused, match="asks for ha"):
        refuse_below(promise, "ha")
    refuse_below(promise, "durable")
    alone = Redis(f"redis://127.0.0.1:{primary.port}")
    await alone.open()
    unawaited = await check_nodes(alone)
    await alone.close()
    assert unawaited.mode == "durable"
