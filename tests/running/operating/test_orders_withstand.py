"""Orders while processes die and answers are lost: each is applied once, and what was paused stays paused."""

import asyncio

import pytest
from faulty import FaultyRedis

from engine.errors import StoreUnavailable

PAY = {"Type": "Task", "Resource": "activity:pay", "End": True}
SLOW = PAY | {"HeartbeatSeconds": 3600, "TimeoutSeconds": 7200}
HISTORY = [
    "ExecutionStarted",
    "TaskStateEntered",
    "ActivityScheduled",
    "ExecutionPaused",
    "ExecutionResumed",
    "ActivityStarted",
    "ActivitySucceeded",
    "TaskStateExited",
    "ExecutionSucceeded",
]


@pytest.mark.parametrize("how", ["before", "after", "die"])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
async def test_whatever_call_of_the_holder_fails_a_pause_happens_once_and_loses_nothing(
    engines, desk_at, how, at
):
    faulty = []
    await engines(redis=lambda real: faulty.append(FaultyRedis(real)) or faulty[0], drain_seconds=0)
    desk = desk_at(await engines(advances=False))
    await desk.publish({"Pay": SLOW})
    execution = await desk.start("n")
    while not (await desk.describe(execution)).revision:
        await asyncio.sleep(0.01)
    faulty[0].fail(at, how)
    paused = asyncio.create_task(desk.pause(execution, id="p"))
    if how == "die":
        died = asyncio.create_task(faulty[0].died.wait())
        await asyncio.wait({paused, died}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        died.cancel()
        await engines()  # another process
    assert (await paused).applied
    assert await desk.lease(wait_ms=0) == []
    assert (await desk.resume(execution, id="r")).applied
    [task] = await desk.lease(lease_ms=3_600_000)
    assert await desk.lease(wait_ms=0) == []
    await desk.succeed(task, 1)
    assert (await desk.end(execution)).output.value == 1
    assert await desk.kinds(execution) == HISTORY
    assert await desk.keys(":paused") == []


async def test_an_execution_stays_paused_though_every_process_ends(engines, desk_at):
    first = desk_at(await engines())
    await first.publish({"Pay": SLOW})
    execution = await first.start("n")
    await first.pause(execution)
    await first.engine.stop()
    second = desk_at(await engines())
    assert await second.lease(wait_ms=0) == []
    assert (await second.describe(execution)).paused is not None
    await second.resume(execution)
    assert len(await second.lease()) == 1


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_whatever_call_of_the_asker_fails_a_repeated_redrive_happens_once(
    engines, desk_at, how, at
):
    desk = desk_at(await engines())
    faulty = []
    asking = desk_at(
        await engines(
            redis=lambda real: faulty.append(FaultyRedis(real)) or faulty[0], advances=False
        )
    )
    await desk.publish({"Pay": PAY})
    execution = await desk.start("n")
    [task] = await desk.lease()
    await desk.fail(task, "Broken")
    await desk.end(execution)
    faulty[0].fail(at, how)
    for _ in range(5):
        try:
            ordered = await asking.redrive(execution, id="r")
        except StoreUnavailable:
            continue
        break
    assert ordered.applied
    [task] = await desk.lease()
    await desk.succeed(task, 1)
    assert (await desk.end(execution)).status == "SUCCEEDED"
    assert (await desk.kinds(execution)).count("ExecutionRedriven") == 1
