"""Handing out tasks: whoever waits is woken, nobody waits at Redis' expense, and everyone gets a share."""

import asyncio

import pytest
from desk import ME, Desk, until
from faulty import FaultyRedis

from engine.documents import Document
from engine.errors import TaskClosed
from engine.views import Outcome

PAY = {"Pay": {"Type": "Task", "Resource": "activity:pay", "End": True}}


async def test_a_waiting_poller_is_woken_by_a_task(desk):
    await desk.publish(PAY)
    waiting = asyncio.create_task(desk.lease())
    await until(lambda: desk.engine.dispatcher._waiting.get("default:pay"))
    execution = await desk.start("n", {"x": 1})
    [task] = await waiting
    assert (task.execution, task.state, task.input.value) == (execution, "Pay", {"x": 1})
    await desk.succeed(task, {"ok": True})
    assert (await desk.end(execution)).output.value == {"ok": True}


async def test_a_poller_at_another_process_is_woken_too(engines):
    first, second = Desk(await engines()), Desk(await engines(advances=False))
    await first.publish(PAY)
    waiting = asyncio.create_task(second.lease())
    await until(lambda: second.engine.dispatcher._waiting.get("default:pay"))
    await first.start("n")
    [task] = await waiting
    await second.succeed(task)
    assert (await first.end("d:n")).status == "SUCCEEDED"


async def test_an_empty_poll_returns_when_its_time_is_up(desk):
    assert await desk.lease(wait_ms=0) == []
    assert await desk.lease(wait_ms=50) == []


async def scheduled(desk, name):
    """An execution whose task is queued."""
    execution = await desk.start(name)
    while "ActivityScheduled" not in await desk.kinds(execution):
        await asyncio.sleep(0.02)
    return execution


async def test_a_poll_that_does_not_wait_passes_over_tasks_that_have_ended(desk):
    await desk.publish(PAY)
    for number in range(20):
        execution = await scheduled(desk, f"n{number}")
        await desk.engine.commands.stop(ME, execution, None, None, 0)
        await desk.end(execution)
    waiting = {await scheduled(desk, name) for name in "abcd"}
    leased = [await desk.lease(wait_ms=0) for _ in waiting]
    assert {task.execution for tasks in leased for task in tasks} == waiting


async def test_a_batch_brings_as_many_as_asked_for_each_task_once(desk):
    await desk.publish(PAY)
    for number in range(30):
        await desk.start(f"n{number}")
    tokens = []
    while len(tokens) < 30:
        tasks = await desk.lease(most=8)
        assert 1 <= len(tasks) <= 8
        tokens += [task.token for task in tasks]
    assert len(set(tokens)) == 30
    assert await desk.lease(most=8, wait_ms=0) == []


async def test_waiting_pollers_are_served_in_the_order_they_came(desk):
    await desk.publish(PAY)
    order: list[int] = []
    # A sweep may wake one for nothing, which then waits behind the others.
    await desk.engine._supervisor.stop()

    async def poll(number):
        tasks = await desk.lease()
        order.append(number)
        return tasks

    pollers = []
    for number in range(5):
        pollers.append(asyncio.create_task(poll(number)))
        await until(lambda: len(desk.engine.dispatcher._waiting["default:pay"]) == len(pollers))
    for number in range(5):
        await desk.start(f"n{number}")
        await until(lambda: order[-1:] == [number])  # noqa: B023 - it is called at once
    assert order == list(range(5))
    assert sorted(len(tasks) for tasks in await asyncio.gather(*pollers)) == [1] * 5


async def test_a_hundred_idle_pollers_cost_no_call_of_their_own(engines):
    counted = []
    engine = await engines(
        redis=lambda real: counted.append(FaultyRedis(real, reads=True)) or counted[0],
        advances=False,
    )
    await engine._supervisor.stop()
    desk = Desk(engine)
    before = counted[0].calls
    pollers = [asyncio.create_task(desk.lease(f"q{number}")) for number in range(100)]
    await until(lambda: len(engine.dispatcher._waiting) == 100)
    await asyncio.sleep(0.3)
    assert counted[0].calls == before
    await engine.sweeper.tick()
    once = counted[0].calls - before
    assert once <= engine.settings.partitions
    engine.dispatcher.close()
    assert await asyncio.gather(*pollers) == [[]] * 100


async def test_a_poller_that_went_away_costs_no_task_and_no_wake_up(desk):
    await desk.publish(PAY)
    gone = [asyncio.create_task(desk.lease()) for _ in range(5)]
    await until(lambda: len(desk.engine.dispatcher._waiting["default:pay"]) == 5)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert "default:pay" not in desk.engine.dispatcher._waiting
    waiting = asyncio.create_task(desk.lease())
    await until(lambda: desk.engine.dispatcher._waiting.get("default:pay"))
    await desk.start("n")
    assert len(await waiting) == 1


async def test_a_task_a_leaving_poller_took_comes_again_when_its_lease_lapses(desk):
    await desk.publish(PAY)
    await desk.start("n")
    await until(lambda: desk.engine.dispatcher._full.get("default:pay"))
    leaving = asyncio.create_task(desk.lease(lease_ms=1000))
    await asyncio.sleep(0)  # its script is on its way
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    [task] = await desk.lease()
    await desk.succeed(task)
    assert (await desk.end("d:n")).status == "SUCCEEDED"


async def test_a_hint_that_was_lost_is_made_good_by_the_sweep(engines):
    first, second = Desk(await engines()), Desk(await engines())
    await first.publish(PAY)
    await second.engine._doorbell.stop()
    waiting = asyncio.create_task(second.lease())
    await until(lambda: second.engine.dispatcher._waiting.get("default:pay"))
    await first.start("n")
    assert len(await waiting) == 1


async def test_outcomes_are_settled_one_by_one_and_each_says_what_became_of_it(desk):
    await desk.publish(PAY)
    for name in ("a", "b"):
        await desk.start(name)
    tasks = await desk.lease(most=2) + await desk.lease(most=2, wait_ms=0)
    while len(tasks) < 2:
        tasks += await desk.lease(most=2)
    await desk.succeed(tasks[0], 1)
    outcomes = [
        Outcome(tasks[0].token, output=Document.of(2), lease=tasks[0].lease),
        Outcome(tasks[1].token, output=Document.of(2), lease=tasks[1].lease),
        Outcome(tasks[1].token + "x", output=Document.of(2)),
    ]
    settled = await desk.engine.commands.settle_many(ME, outcomes)
    assert [one.status for one in settled] == ["closed", "accepted", "unknown"]
    assert settled[0].detail == "SUCCEEDED"


async def test_an_answer_that_was_lost_is_resolved_and_the_task_settled_once(engines):
    faulty = []
    engine = await engines(redis=lambda real: faulty.append(FaultyRedis(real)) or faulty[0])
    desk = Desk(engine)
    await desk.publish(PAY)
    await desk.start("n")
    [task] = await desk.lease()
    faulty[0].fail(1, "after")
    await desk.succeed(task, 1)
    assert (await desk.end("d:n")).output.value == 1
    with pytest.raises(TaskClosed) as refused:
        await desk.succeed(task, 2)
    assert refused.value.facts == {"outcome": "SUCCEEDED"}
