"""A running engine notices what has become of its Redis, and does not write where it should not."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest

from engine import serve
from engine.commands.state_machines.values import Attributes
from engine.documents import Document
from engine.errors import EngineError, StoreRefused, StoreUnavailable
from engine.serve import Engine
from engine.settings import Settings
from engine.store.server.acknowledged import Acknowledged
from engine.views import Caller
from tests.chaos.outages.server import FailingRedis

ME = Caller()
TEXT = (
    b'{"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": "signal:go", "End": true}}}'
)


@pytest.fixture
def failing():
    folder = Path(tempfile.mkdtemp(prefix="dto"))
    server = FailingRedis(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
async def engine(failing, monkeypatch):
    monkeypatch.setattr(serve, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(serve, "PROMISE_SECONDS", 0.05)
    made = Engine(failing.url, Settings(partitions=4, lease_ms=500, drain_seconds=1.0))
    await made.start()
    await made.commands.publish(ME, "d", TEXT, "json", None)
    yield made
    await made.stop()


async def start(engine, name):
    return await engine.commands.start(ME, "d", name=name, input=Document.of(1), version=None)


async def signal(engine, name):
    return await engine.commands.signal(ME, f"d:{name}", "go", Document.of(1), "s")


async def broadcast(engine):
    return await engine.commands.broadcast(
        ME, "d", "go", Document.of(1), signal_id="b", ttl_ms=None, attributes=()
    )


async def publish(engine):
    return await engine.commands.publish(ME, "other", TEXT, "json", None)


async def make(engine):
    return await engine.state_machines.create(
        ME, "made", TEXT, "STANDARD", Attributes(), tags={}, publish=False
    )


async def until(holds):
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.02)


def says(engine, status, word=""):
    async def holds():
        found = await engine.queries.health()
        return found.status == status and any(word in reason for reason in [*found.reasons, ""])

    return holds


async def ended(engine, name):
    return (await engine.queries.closed(ME, f"d:{name}", 10_000)).status


async def test_an_empty_redis_in_the_place_of_the_right_one_is_not_written_to(failing, engine):
    await start(engine, "a")
    failing.kill()
    await asyncio.to_thread(lambda: failing.start(data=failing.data.parent / "other"))
    await until(says(engine, "down", "no store"))
    with pytest.raises(StoreUnavailable):
        await start(engine, "b")
    with failing.client() as client:
        assert client.keys("*") == []
    failing.kill()
    await asyncio.to_thread(failing.start)
    await until(says(engine, "ok"))
    await signal(engine, "a")
    assert await ended(engine, "a") == "SUCCEEDED"


async def test_a_flushed_redis_is_refused_by_who_knew_it_and_laid_out_anew_by_who_starts(
    failing, engine
):
    await start(engine, "a")
    with failing.client() as client:
        client.flushall()
        await until(says(engine, "down", "no store"))
        for deed in (start(engine, "b"), signal(engine, "a")):
            with pytest.raises(EngineError):
                await deed
        assert client.keys("*:x:*") == []
        another = Engine(failing.url, Settings(partitions=4))
        await another.start()
        await another.stop()
        assert client.hget("detent:{store}:layout", "identity")
    await until(says(engine, "down", "another store"))


async def test_an_evicting_policy_stops_what_is_new_and_not_what_runs(failing, engine):
    await start(engine, "a")
    await signal(engine, "a")
    with failing.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        await until(says(engine, "down", "allkeys-lru"))
        with pytest.raises(StoreRefused, match="allkeys-lru"):
            await start(engine, "b")
        for refused in (broadcast(engine), publish(engine), make(engine), signal(engine, "a")):
            with pytest.raises(StoreRefused, match="allkeys-lru"):
                await refused
        assert engine.counters.value("detent_store_unsafe") == 1
        assert await ended(engine, "a") == "SUCCEEDED"
        client.config_set("maxmemory-policy", "noeviction")
    await until(says(engine, "ok"))
    await start(engine, "b")


async def test_a_redis_that_comes_back_behind_is_told_of_and_begins_another_incarnation(
    failing, engine
):
    await start(engine, "a")
    before = failing.data.parent / "copy"
    shutil.copytree(failing.data, before)
    await start(engine, "b")
    assert engine.queries.incarnation == 0
    failing.kill()
    shutil.rmtree(failing.data)
    before.rename(failing.data)
    await asyncio.to_thread(failing.start)
    await until(says(engine, "degraded", "lacked"))
    assert engine.counters.value("detent_store_rollbacks_total") == 1
    assert engine.counters.value("detent_store_writes_missing_total") == 1

    async def noted():
        return engine.queries.incarnation > 0

    await until(noted)
    seen = Engine(failing.url, Settings(partitions=4), advances=False)
    await seen.start()
    assert seen.queries.incarnation == engine.queries.incarnation
    await seen.stop()
    await start(engine, "b")
    await signal(engine, "b")
    assert await ended(engine, "b") == "SUCCEEDED"


async def test_a_crash_that_loses_nothing_is_not_told_as_a_loss(failing, engine):
    for name in "abc":
        await start(engine, name)
        await signal(engine, name)
        await ended(engine, name)
    failing.kill()
    await asyncio.to_thread(failing.start)
    await until(says(engine, "ok"))
    await start(engine, "d")
    assert engine.counters.value("detent_store_rollbacks_total") == 0
    assert isinstance(engine.redis.acknowledged, Acknowledged)
    assert engine.redis.acknowledged.writes()


async def test_an_execution_whose_keys_were_deleted_is_told_of_and_not_made_again(failing, engine):
    await start(engine, "a")
    with failing.client() as client:
        [key] = client.keys("*:x:d:a")
        client.delete(key)
        client.zadd(key.partition(b":default:")[0] + b":ready", {"default:d:a": 0})

        async def told():
            return engine.counters.value("detent_executions_missing_total") == 1

        await until(told)
        with pytest.raises(EngineError):
            await signal(engine, "a")
        assert client.keys("*:x:d:a") == []
