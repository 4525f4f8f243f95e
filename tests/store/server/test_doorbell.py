"""The doorbell: hints are heard, in order, and again after the connection has broken or its node has fallen silent."""

import asyncio

import pytest
from losing_proxy import Proxy

from engine.store.connection import Redis
from engine.store.server import doorbell
from engine.store.server.doorbell import Doorbell


@pytest.fixture
async def proxy(url, tmp_path_factory):
    made = Proxy(url.removeprefix("unix://"), str(tmp_path_factory.mktemp("b") / "s"))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def direct(url):
    redis = Redis(url)
    await redis.open()
    yield redis
    await redis.close()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(doorbell, "QUIET_SECONDS", 0.05)


@pytest.fixture
async def listening(proxy, direct):
    """What a doorbell behind the proxy has heard."""
    heard = []
    bell = Doorbell(
        Redis(proxy.url), ["a", "b"], lambda channel, text: heard.append((channel, text))
    )
    bell.start()
    await subscribed(direct)
    yield heard
    await bell.stop()


async def subscribed(redis):
    """Return when somebody listens."""
    async with asyncio.timeout(30):
        while (await redis.call(None, "PUBSUB", "NUMSUB", "b"))[1] == 0:
            await asyncio.sleep(0.01)


async def heard_all(heard, count):
    async with asyncio.timeout(30):
        while len(heard) < count:
            await asyncio.sleep(0.01)


async def test_every_hint_of_its_channels_is_heard_in_order_and_no_other(direct, listening):
    for number in range(200):
        direct.call(None, "PUBLISH", "ba"[number % 2], number)
        direct.call(None, "PUBLISH", "c", number)
    await heard_all(listening, 200)
    assert listening == [("ba"[number % 2], str(number)) for number in range(200)]


async def test_a_broken_connection_is_made_again(direct, listening):
    await direct.call(None, "CLIENT", "KILL", "TYPE", "pubsub")
    await subscribed(direct)
    await direct.call(None, "PUBLISH", "a", "again")
    await heard_all(listening, 1)
    assert listening == [("a", "again")]


async def test_a_silent_node_is_asked_and_kept_if_it_answers(impatient, direct, listening):
    async def clients():
        listed = await direct.call(None, "CLIENT", "LIST", "TYPE", "pubsub")
        return [dict(word.split(b"=", 1) for word in line.split()) for line in listed.splitlines()]

    [before] = await clients()
    async with asyncio.timeout(30):
        while (await clients())[0][b"cmd"] != b"ping":
            await asyncio.sleep(0.02)
    await direct.call(None, "PUBLISH", "a", "2")
    await heard_all(listening, 1)
    [after] = await clients()
    assert after[b"id"] == before[b"id"]


async def test_a_node_that_answers_nothing_is_left(impatient, proxy, direct):
    heard = []
    bell = Doorbell(Redis(proxy.url), ["b"], lambda _, text: heard.append(text))
    bell.start()
    await subscribed(direct)
    proxy.lose = "everything"
    await proxy.lost.wait()
    proxy.lose = ""
    async with asyncio.timeout(30):
        while not heard:  # hints get lost until it has listened anew
            await direct.call(None, "PUBLISH", "b", "found")
            await asyncio.sleep(0.02)
    await bell.stop()
