"""Pause and resume, on a running engine: nothing is begun meanwhile, nothing is lost, nothing is due too early."""

import asyncio

import pytest
from desk import ME

from engine.documents import Document
from engine.errors import ExecutionClosed, ExecutionNotFound, OrderRefused

PAY = {"Type": "Task", "Resource": "activity:pay", "End": True}
TWO = {"A": {"Type": "Task", "Resource": "activity:pay", "Next": "B"}, "B": PAY}
LISTEN = {"Ask": {"Type": "Task", "Resource": "signal:go", "End": True}}


async def test_a_queued_task_is_handed_out_only_after_the_resumption_and_under_the_same_token(desk):
    await desk.publish({"Pay": PAY})
    execution = await desk.start("n")
    await until_state(desk, execution)
    token = (await desk.describe(execution)).tasks[0].token
    await desk.pause(execution)
    assert await desk.lease(wait_ms=0) == []
    await desk.resume(execution)
    [task] = await desk.lease()
    assert task.token == token
    await desk.succeed(task, 7)
    assert (await desk.end(execution)).output.value == 7


async def test_a_task_that_was_polled_for_while_paused_comes_back_into_its_queue_once(desk):
    await desk.publish({"Pay": PAY})
    execution = await desk.start("n")
    await until_state(desk, execution)
    for _ in range(2):
        await desk.pause(execution)
        assert await desk.lease(wait_ms=0) == []
        await desk.resume(execution)
    assert len(await desk.lease(most=5)) == 1
    assert await desk.lease(wait_ms=0) == []


async def test_the_outcome_of_a_leased_task_is_accepted_and_applied_at_resume(desk):
    await desk.publish(TWO)
    execution = await desk.start("n")
    [task] = await desk.lease()
    await desk.pause(execution)
    await desk.succeed(task, 1)
    view = await desk.describe(execution)
    assert [f.state for f in view.frames] == ["A"]
    assert "ActivitySucceeded" not in await desk.kinds(execution)
    await desk.resume(execution)
    [second] = await desk.lease()
    assert second.state == "B"


async def test_a_signal_is_kept_while_paused_and_taken_at_resume(desk):
    await desk.publish(LISTEN)
    execution = await desk.start("n")
    await until_state(desk, execution)
    await desk.pause(execution)
    await desk.engine.commands.signal(ME, execution, "go", Document.of(5), None)
    view = await desk.describe(execution)
    assert [s.payload.value for s in view.signals] == [5]
    assert view.status == "RUNNING"
    await desk.resume(execution)
    assert (await desk.end(execution)).output.value == 5


async def test_a_paused_execution_is_claimed_by_nobody_though_its_inbox_is_full(desk):
    await desk.publish(LISTEN)
    execution = await desk.start("n")
    await until_state(desk, execution)
    await desk.pause(execution)
    revision = (await desk.describe(execution)).revision
    for number in range(5):
        await desk.engine.commands.signal(ME, execution, "no", Document.of(number), None)
    assert await desk.keys(":ready") == []
    assert (await desk.describe(execution)).revision == revision


async def test_a_pause_tells_by_whom_since_when_and_why(desk):
    await desk.publish(LISTEN)
    execution = await desk.start("n")
    ordered = await desk.pause(execution, "catch_up", reason="month end")
    assert ordered.applied
    paused = (await desk.describe(execution)).paused
    assert (paused.by, paused.mode, paused.reason) == (ME.name, "catch_up", "month end")
    told = {"by": ME.name, "reason": "month end", "mode": "catch_up"}
    assert await desk.record(execution, "ExecutionPaused") == told


async def test_a_second_pause_and_a_second_resumption_are_refused(desk):
    await desk.publish(LISTEN)
    execution = await desk.start("n")
    await desk.pause(execution)
    with pytest.raises(OrderRefused) as refused:
        await desk.pause(execution)
    assert refused.value.facts == {"reason": "already_paused"}
    await desk.resume(execution)
    with pytest.raises(OrderRefused) as refused:
        await desk.resume(execution)
    assert refused.value.facts == {"reason": "not_paused"}


async def test_an_order_repeated_under_its_id_is_applied_once_and_answered_alike(desk):
    await desk.publish(LISTEN)
    execution = await desk.start("n")
    for _ in range(3):
        assert (await desk.pause(execution, id="mine")).applied
    assert (await desk.kinds(execution)).count("ExecutionPaused") == 1
    await desk.resume(execution)
    assert (await desk.pause(execution, id="mine")).applied  # the answer of the first
    assert (await desk.kinds(execution)).count("ExecutionPaused") == 1


async def test_an_order_to_what_is_over_or_not_there_says_so(desk):
    await desk.publish({"A": {"Type": "Succeed"}})
    execution = await desk.start("n")
    await desk.end(execution)
    with pytest.raises(ExecutionClosed):
        await desk.pause(execution)
    with pytest.raises(ExecutionNotFound):
        await desk.pause("d:none")


async def test_a_paused_execution_can_be_terminated_and_leaves_nothing(desk):
    await desk.publish({"Pay": PAY})
    execution = await desk.start("n")
    await until_state(desk, execution)
    await desk.pause(execution)
    assert await desk.lease(wait_ms=0) == []
    ordered = await desk.terminate(execution)
    assert (ordered.execution.status, ordered.applied) == ("ABORTED", True)
    assert await desk.keys(":paused") == []


async def test_a_large_map_is_resumed_whole(desk):
    inner = {"StartAt": "Pay", "States": {"Pay": PAY}}
    await desk.publish(
        {"M": {"Type": "Map", "MaxConcurrency": 250, "ItemProcessor": inner, "End": True}}
    )
    execution = await desk.start("n", list(range(250)))
    taken = await desk.lease(most=10)
    await desk.pause(execution)
    while await desk.lease(most=100, wait_ms=0):
        raise AssertionError("a task of a paused execution was handed out")
    for task in taken:
        await desk.succeed(task, 1)
    await desk.resume(execution)
    done = len(taken)
    while done < 250:
        for task in await desk.lease(most=50):
            await desk.succeed(task, 1)
            done += 1
    assert (await desk.end(execution)).output.value == [1] * 250
    assert await desk.keys(":paused") == []


async def until_state(desk, execution):
    """Until the first state has been entered and the execution has come to rest there."""
    while not (await desk.describe(execution)).revision:
        await asyncio.sleep(0.01)
