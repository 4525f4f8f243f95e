"""An operator gives a task's outcome in its worker's place: through the same gate, so the first outcome counts."""

import pytest
from desk import ME

from engine.errors import ExecutionClosed, TaskClosed, TaskNotFound
from engine.store.finding.filter import Filter

PAY = {"Type": "Task", "Resource": "activity:pay", "End": True}
CAUGHT = {"Pay": PAY | {"Catch": [{"ErrorEquals": ["Lost"], "Next": "B"}]}}
CAUGHT["B"] = {"Type": "Pass", "End": True}


async def test_a_task_that_waits_in_its_queue_is_completed_and_handed_out_to_nobody(desk):
    await desk.publish({"Pay": PAY})
    execution = await begun(desk)
    await desk.complete(execution, {"by": "hand"})
    assert (await desk.end(execution)).output.value == {"by": "hand"}
    assert await desk.lease(wait_ms=0) == []
    assert await desk.keys(":queues") == []
    told = await desk.record(execution, "TaskSettledByHand")
    assert told == {"name": "Pay", "by": ME.name, "reason": "a test"}


async def test_a_worker_that_comes_later_is_told_that_the_task_is_closed(desk):
    await desk.publish({"Pay": PAY})
    execution = await begun(desk)
    [task] = await desk.lease()
    await desk.complete(execution, 1)
    with pytest.raises(TaskClosed):
        await desk.succeed(task, 2)
    assert (await desk.end(execution)).output.value == 1


async def test_a_failure_by_hand_is_caught_like_any_other(desk):
    await desk.publish(CAUGHT)
    execution = await begun(desk)
    await desk.fail_by_hand(execution, "Lost")
    assert (await desk.end(execution)).output.value["Error"] == "Lost"


async def test_a_callback_is_completed_without_its_token(desk):
    await desk.publish({"Pay": PAY | {"Resource": "activity:pay.waitForTaskToken"}})
    execution = await begun(desk)
    await desk.complete(execution, 1)
    assert (await desk.end(execution)).output.value == 1


async def test_a_strand_that_waits_for_no_task_has_none_to_settle(desk):
    await desk.publish({"Nap": {"Type": "Wait", "Seconds": 3600, "End": True}})
    execution = await begun(desk)
    with pytest.raises(TaskNotFound):
        await desk.complete(execution, 1)
    await desk.terminate(execution)
    with pytest.raises(ExecutionClosed):
        await desk.complete(execution, 1)


async def test_a_child_that_the_task_waits_for_is_stopped(desk):
    await desk.publish({"Pay": PAY}, "child")
    await desk.publish({"Run": {"Type": "Task", "Resource": "workflow:child", "End": True}})
    execution = await begun(desk)
    await desk.lease()
    await desk.complete(execution, 1)
    [child] = [
        row.id
        for row in (
            await desk.engine.queries.executions(
                ME, Filter(definition="child"), limit=10, cursor=None
            )
        ).executions
    ]
    assert (await desk.end(child)).status == "ABORTED"


async def begun(desk):
    """An execution that has come to rest at its first state."""
    execution = await desk.start("n")
    while not (view := await desk.describe(execution)).revision:
        pass
    assert view.frames
    return execution
