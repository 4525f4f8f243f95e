"""Sentinel: the newest word counts, the primary is followed wherever it goes, and nothing is sent twice on the way."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from engine.errors import StoreRefused, StoreUnavailable
from engine.store.connection import Redis
from engine.store.server.sentinel import Seen, Sentinels, newest, read_url
from tests.chaos.rig.processes import free_port
from tests.chaos.sentinel.servers import SERVICE, Options, Servers, until

OLD, NEW = ("10.0.0.1", 6379), ("10.0.0.2", 6379)


@pytest.mark.parametrize(
    ("url", "sentinels", "name", "server"),
    [
        (
            "redis+sentinel://a:1,b:2,c/main",
            (("a", 1), ("b", 2), ("c", 26379)),
            "main",
            "redis://primary/",
        ),
        ("sentinel://a/main/3", (("a", 26379),), "main", "redis://primary/3"),
        ("rediss+sentinel://a/main", (("a", 26379),), "main", "rediss://primary/"),
        (
            "redis+sentinel://user:p%40ss@[::1]:7/main?socket_keepalive=yes",
            (("::1", 7),),
            "main",
            "redis://user:p%40ss@primary/?socket_keepalive=yes",
        ),
    ],
)
def test_a_sentinel_url_names_sentinels_a_service_and_how_to_reach_its_servers(
    url, sentinels, name, server
):
    service = read_url(url)
    assert service == (sentinels, name, server, {})


def test_passwords_of_sentinels_and_of_servers_are_told_apart():
    service = read_url("redis+sentinel://:data@a/main?sentinel_username=u&sentinel_password=s%26")
    assert service.credentials == {"username": "u", "password": "s&"}
    assert service.server_url == "redis://:data@primary/"


@pytest.mark.parametrize(
    "url", ["sentinel://a:1", "sentinel://a:1/", "sentinel:///main", "sentinel://a:x/main"]
)
def test_a_sentinel_url_that_lacks_something_is_refused(url):
    with pytest.raises(StoreRefused, match="sentinel"):
        Redis(url)


def test_a_sentinel_that_was_cut_off_with_the_old_primary_is_not_believed():
    assert newest([Seen(1, OLD), Seen(2, NEW), Seen(1, OLD)]) == NEW
    assert newest([Seen(2, OLD), Seen(2, NEW), Seen(2, NEW)]) == NEW


@pytest.fixture
def servers():
    folder = Path(tempfile.mkdtemp(prefix="dts"))
    made = Servers(folder, Options(min_replicas=0))
    made.start()
    yield made
    made.close()
    shutil.rmtree(folder)


async def arrives(redis, server, value):
    """Set the key again and again until this server has it: what the old primary took in between is lost."""
    async with asyncio.timeout(60):
        while server.ask("GET", "k") != value:
            try:
                await redis.call(None, "SET", "k", value)
            except StoreUnavailable:
                await asyncio.sleep(0.05)


async def test_calls_follow_the_primary_when_it_becomes_a_replica_and_lives_on(
    servers,
):
    redis = Redis(servers.url)
    await redis.open()
    first = servers.primary()
    assert await redis.call(None, "SET", "k", "1") == b"OK"
    # It lives on as a replica: who stays connected to it is refused, or reads what is old.
    servers.sentinels[0].ask("SENTINEL", "FAILOVER", SERVICE)
    await asyncio.to_thread(until, lambda: servers.primary() not in (None, first))
    second = servers.primary()
    await arrives(redis, second, "2")
    before = redis.connections
    for number in range(20):
        await redis.call(None, "SET", "k", number)
    assert redis.connections == before  # nothing was left that leads elsewhere
    await redis.close()


async def test_without_an_answer_of_any_sentinel_connecting_fails_and_says_why():
    nobody = f"127.0.0.1:{free_port()}"
    sentinels = Sentinels(read_url(f"redis+sentinel://{nobody}/{SERVICE}"), {})
    with pytest.raises(RedisConnectionError, match=f"no sentinel names the primary of {SERVICE}"):
        await sentinels.primary()
