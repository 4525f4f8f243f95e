import asyncio
import threading
import time

import pytest
from sdk_script import Cut, problem, until

from detent import LeaseLost, Worker

LEASE_SECONDS = 1  # the shortest the face allows: a heartbeat every third of a second


@pytest.fixture
def worker(tasks):
    return Worker(tasks.url, concurrency=2, lease_seconds=LEASE_SECONDS)


def heartbeat_of(tasks):
    return f"POST /v1/tasks/{tasks.tasks[0]['token']}/heartbeat"


async def test_the_lease_is_extended_in_time_while_the_handler_runs_and_not_after(worker, tasks):
    @worker.task("charge")
    async def act(_):
        await asyncio.sleep(0.9)

    tasks.add(1)
    beat, token = heartbeat_of(tasks), tasks.tasks[0]["token"]
    tasks.script.on(beat, Cut(), {"token": token})
    async with worker:
        await tasks.settled(1)
        beats = len(tasks.script.requests(beat))
        await asyncio.sleep(0.5)
    assert beats >= 2
    assert len(tasks.script.requests(beat)) == beats
    assert tasks.script.requests(beat)[0].body == {
        "lease": f"lease-of-{token}",
        "lease_seconds": LEASE_SECONDS,
    }


async def test_a_state_with_a_shorter_heartbeat_gets_it_in_time(tasks):
    worker = Worker(tasks.url, lease_seconds=30)

    @worker.task("charge")
    async def act(_):
        await asyncio.sleep(1)

    tasks.add(1, heartbeat_seconds=0.6)
    beat = heartbeat_of(tasks)
    tasks.script.on(beat, {})
    async with worker:
        await tasks.settled(1)
    assert 2 <= len(tasks.script.requests(beat)) <= 5


@pytest.mark.parametrize(
    "answer",
    [problem(409, "lease_lost"), problem(409, "task_closed"), problem(404, "task_not_found")],
)
async def test_a_lost_lease_cancels_an_async_handler_and_drops_its_outcome(worker, tasks, answer):
    seen = []

    @worker.task("charge")
    async def act(value, task):
        try:
            await asyncio.sleep(60 if value == "lost" else 0)
        finally:
            seen.append((value, task.cancelled))
        return value

    tasks.add("lost")
    tasks.script.on(heartbeat_of(tasks), answer)
    async with worker:
        await until(lambda: seen == [("lost", True)])
        tasks.add("next")
        (result,) = await tasks.settled(1)
    assert result["output"] == "next"


async def test_a_lost_lease_is_told_to_a_sync_handler_and_its_outcome_dropped(worker, tasks):
    @worker.task("charge")
    def act(value, task):
        while value == "lost" and not task.cancelled:
            time.sleep(0.01)
        return value

    tasks.add("lost")
    tasks.script.on(heartbeat_of(tasks), problem(409, "lease_lost"))
    async with worker:
        await until(lambda: tasks.leased_most == 1)
        tasks.add("next")
        await tasks.settled(1)
        await asyncio.sleep(0.5)
    assert [result["output"] for result in tasks.results] == ["next"]


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handlers_own_heartbeat_reaches_the_server_and_raises_a_loss(tasks, is_async):
    worker = Worker(tasks.url)
    threads = []

    async def act_async(_, task):
        await task.heartbeat()
        try:
            await task.heartbeat()
        except LeaseLost:
            return "lost"

    def act(_, task):
        threads.append(threading.current_thread())
        task.heartbeat()
        try:
            task.heartbeat()
        except LeaseLost:
            return "lost"

    worker.task("charge")(act_async if is_async else act)
    tasks.add(1)
    tasks.script.on(heartbeat_of(tasks), {}, problem(409, "lease_lost"))
    async with worker:
        (result,) = await tasks.settled(1)
    assert result["output"] == "lost"
