"""Release from quarantine, on a running engine: found, let go on, and set aside again by what is still wrong."""

import asyncio

import pytest
from desk import ME

from engine.documents import Document
from engine.errors import ExecutionClosed, OrderRefused
from engine.store.finding.filter import Filter
from engine.views import Ask

WAIT = {"Ask": {"Type": "Task", "Resource": "signal:go", "End": True}}
SET_ASIDE = Filter(is_quarantined=True)


async def set_aside(desk, name):
    """An execution that waits for a signal, with its root frame made unreadable; the frame as it was."""
    execution = await desk.start(name)
    while not (view := await desk.describe(execution)).frames or not view.frames[0].state:
        await asyncio.sleep(0.005)
    redis = desk.engine.redis
    key = desk.engine.sweeper._keys.of(f"{ME.namespace}:{execution}").execution
    while await redis.call(key, "HGET", key, "own"):
        await asyncio.sleep(0.005)
    frame = await redis.call(key, "HGET", key, "f:0")
    await redis.call(key, "HSET", key, "f:0", b"\x01\xc1", "ready", "0")
    await desk.engine.commands.signal(ME, execution, "go", Document.of(7), None)
    await until_quarantined(desk, execution)
    return execution, key, frame


async def until_quarantined(desk, execution):
    async with asyncio.timeout(20):
        while not isinstance((await desk.describe(execution)).quarantined, str):
            await asyncio.sleep(0.005)


async def found(desk, wanted=SET_ASIDE):
    page = await desk.engine.queries.executions(ME, wanted, limit=10, cursor=None)
    return [(one.id, one.quarantined) for one in page.executions]


async def release(desk, execution, **asked):
    return await desk.engine.commands.release(
        ME, execution, Ask(**({"reason": "mended", "wait_ms": 20_000} | asked))
    )


async def test_one_that_was_mended_goes_on_and_says_who_let_it(desk):
    await desk.publish(WAIT)
    execution, key, frame = await set_aside(desk, "n")
    [(named, why)] = await found(desk)
    assert named == execution
    assert "cannot be read" in why
    assert await found(desk, Filter(is_quarantined=False)) == []
    assert (await desk.engine.queries.count(ME, SET_ASIDE)).count == 1
    await desk.engine.redis.call(key, "HSET", key, "f:0", frame, "ready", "")
    assert (await release(desk, execution)).applied
    assert (await desk.end(execution)).output.value == 7
    assert "ExecutionReleased" in await desk.kinds(execution)
    assert await found(desk) == []


async def test_what_is_still_unreadable_is_set_aside_again(desk):
    await desk.publish(WAIT)
    execution, _, _ = await set_aside(desk, "n")
    counted = desk.engine.counters.value("detent_executions_quarantined_total")
    assert not (await release(desk, execution, wait_ms=300)).applied
    await until_quarantined(desk, execution)
    assert len(await found(desk)) == 1
    assert desk.engine.counters.value("detent_executions_quarantined_total") > counted


async def test_a_release_of_one_that_runs_or_is_over_is_refused(desk):
    await desk.publish(WAIT)
    execution, key, frame = await set_aside(desk, "n")
    await desk.engine.redis.call(key, "HSET", key, "f:0", frame, "ready", "")
    other = await desk.start("other")
    with pytest.raises(OrderRefused) as caught:
        await release(desk, other)
    assert caught.value.facts["reason"] == "not_quarantined"
    assert (await release(desk, execution, id="r")).applied
    assert (await desk.end(execution)).status == "SUCCEEDED"
    with pytest.raises(ExecutionClosed):
        await release(desk, execution)


async def test_a_stop_takes_an_execution_out_of_those_set_aside(desk):
    await desk.publish(WAIT)
    execution, key, frame = await set_aside(desk, "n")
    await desk.engine.redis.call(key, "HSET", key, "f:0", frame, "ready", "")
    await desk.engine.commands.terminate(ME, execution, Ask(wait_ms=20_000), None, None)
    assert await found(desk) == []
