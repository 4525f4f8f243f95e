"""Nested executions on a running engine: started once, told of, stopped, and settled by token."""

from __future__ import annotations

import asyncio
import json

import pytest
from desk import ME, Desk, until

from engine import serve
from engine.core.states.nested import DEPTH_MAX
from engine.documents import Document
from engine.serve import Engine
from engine.settings import Settings
from engine.store.finding.filter import Filter
from engine.views import Outcome

SYNC = "arn:aws:states:::states:startExecution.sync"
START = "arn:aws:states:::states:startExecution"
SDK = "arn:aws:states:::aws-sdk:sfn:"
ASK = {"Ask": {"Type": "Task", "Resource": "activity:pay", "End": True}}


def calls(resource, **more):
    parameters = more.pop("Parameters", {"StateMachineArn": "child", "Input.$": "$", "Name": "one"})
    if resource.startswith("workflow:"):
        return {"Call": {"Type": "Task", "Resource": resource, "End": True, **more}}
    return {
        "Call": {
            "Type": "Task",
            "Resource": resource,
            "Parameters": parameters,
            "End": True,
            **more,
        }
    }


@pytest.fixture
async def desk(engines):
    """With leases that outlast any pause of a busy machine."""
    return Desk(await engines(lease_ms=30_000))


async def outbox(desk):
    """Task ids of errands that are still to be run."""
    redis, keys = desk.engine.redis, desk.engine.sweeper._keys
    found = []
    for partition in range(keys.partitions):
        key = keys.tasks(partition)
        found += [name.decode() for name in await redis.call(key, "HKEYS", key)]
    return [name for name in found if "/tell." in name or "/stop." in name]


async def until_outbox_is_empty(desk):
    async with asyncio.timeout(60):
        while await outbox(desk):
            await asyncio.sleep(0.01)


async def test_a_workflow_task_gives_its_child_the_input_and_gets_its_output(desk):
    await desk.publish(ASK, "child")
    await desk.publish(calls("workflow:child", ResultPath="$.paid"), "parent")
    parent = await desk.start("n", {"amount": 7}, "parent")
    [task] = await desk.lease()
    assert task.input.value == {"amount": 7}
    view = await desk.describe(parent)
    assert view.frames[0].waiting["child"] == task.execution
    child = await desk.describe(task.execution)
    assert child.parent == parent
    await desk.succeed(task, {"ok": True})
    view = await desk.end(parent)
    assert view.output.value == {"amount": 7, "paid": {"ok": True}}
    assert (await desk.kinds(parent))[2:6] == [
        *("TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded")
    ]
    await until_outbox_is_empty(desk)


async def test_parents_and_children_on_different_nodes_of_a_cluster_find_one_another(cluster_url):
    engine = Engine(cluster_url, Settings(partitions=16))
    await engine.start()
    desk = Desk(engine)
    try:
        await desk.publish({"P": {"Type": "Pass", "End": True}}, "child")
        await desk.publish(calls("workflow:child"), "parent")
        parents = [await desk.start(f"n{number}", {"n": number}, "parent") for number in range(20)]
        for number, parent in enumerate(parents):
            assert (await desk.end(parent)).output.value == {"n": number}
        await until_outbox_is_empty(desk)
    finally:
        await engine.stop()


async def test_errands_of_this_process_are_run_without_a_sweep(engines, monkeypatch):
    monkeypatch.setattr(serve, "SWEEP_SECONDS", 3600)
    desk = Desk(await engines(lease_ms=30_000))
    await desk.publish({"P": {"Type": "Pass", "End": True}}, "child")
    await desk.publish(ASK, "waits")
    await desk.publish(calls("workflow:child"), "parent")
    await desk.publish(calls("workflow:waits"), "stopped")
    assert (await desk.end(await desk.start("n", {}, "parent"))).status == "SUCCEEDED"
    parent = await desk.start("n", {}, "stopped")
    [task] = await desk.lease()
    await desk.engine.commands.stop(ME, parent, None, None, 60_000)
    assert (await desk.end(task.execution)).status == "ABORTED"


async def test_a_task_that_does_not_wait_is_told_that_its_child_was_started(desk):
    await desk.publish(ASK, "child")
    await desk.publish(calls(START), "parent")
    view = await desk.end(await desk.start("n", {"a": 1}, "parent"))
    assert view.output.value["ExecutionArn"] == "child:one"
    assert (await desk.describe("child:one")).input.value == {"a": 1}
    assert (await desk.describe("child:one")).status == "RUNNING"


async def test_a_failed_child_fails_the_task_with_its_description(desk):
    fails = {"No": {"Type": "Fail", "Error": "Refused", "Cause": "no funds"}}
    await desk.publish(fails, "child")
    await desk.publish(calls(SYNC), "parent")
    view = await desk.end(await desk.start("n", {}, "parent"))
    assert (view.status, view.error) == ("FAILED", "States.TaskFailed")
    told = json.loads(view.cause)
    assert told["Status"] == "FAILED"
    assert (told["Error"], told["Cause"]) == ("Refused", "no funds")


async def test_no_such_definition_or_version_fails_the_task_by_name(desk):
    await desk.publish(calls(SYNC), "parent")
    view = await desk.end(await desk.start("a", {}, "parent"))
    assert view.error == "StepFunctions.StateMachineDoesNotExistException"
    await desk.publish(ASK, "child")
    await desk.publish(
        calls(SDK + "startExecution", Parameters={"StateMachineArn": "child:9"}), "p"
    )
    view = await desk.end(await desk.start("b", {}, "p"))
    assert view.error == "Sfn.StateMachineDoesNotExistException"


async def test_a_name_that_is_taken_by_other_input_fails_the_task_and_by_the_same_joins(desk):
    await desk.publish(ASK, "child")
    await desk.publish(calls(SYNC), "parent")
    await desk.start("one", {"a": 1}, "child")
    view = await desk.end(await desk.start("other", {"a": 2}, "parent"))
    assert view.error == "StepFunctions.ExecutionAlreadyExistsException"
    joined = await desk.start("same", {"a": 1}, "parent")
    async with asyncio.timeout(60):
        while "TaskSubmitted" not in await desk.kinds(joined):
            await asyncio.sleep(0.01)
    [task] = await desk.lease()
    await desk.succeed(task, {"b": 2})
    view = await desk.end(joined)
    assert json.loads(view.output.value["Output"]) == {"b": 2}


async def test_stopping_a_parent_stops_the_child_it_waits_for_and_no_execution_that_it_joined(desk):
    await desk.publish(ASK, "child")
    await desk.publish(calls(SYNC), "parent")
    await desk.publish(calls("workflow:child"), "other")
    await desk.start("one", {}, "child")
    joined = await desk.start("j", {}, "parent")
    owner = await desk.start("o", {}, "other")
    for parent in (joined, owner):
        async with asyncio.timeout(60):
            while "TaskSubmitted" not in await desk.kinds(parent):
                await asyncio.sleep(0.01)
    child = (await desk.describe(owner)).frames[0].waiting["child"]
    for parent in (joined, owner):
        await desk.engine.commands.stop(ME, parent, None, None, 60_000)
    assert (await desk.end(child)).status == "ABORTED"
    await until_outbox_is_empty(desk)
    assert (await desk.describe("child:one")).status == "RUNNING"
    assert (await desk.kinds(owner))[-1] == "ExecutionAborted"


async def test_a_child_stops_when_the_time_of_the_task_is_up_and_the_next_attempt_has_one_of_its_own(
    desk,
):
    retry = [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}]
    await desk.publish(ASK, "child")
    await desk.publish(calls("workflow:child", TimeoutSeconds=1, Retry=retry), "parent")
    parent = await desk.start("n", {}, "parent")
    [first] = await desk.lease()
    assert (await desk.end(first.execution)).status == "ABORTED"
    [second] = await desk.lease()
    assert second.execution != first.execution
    await desk.succeed(second)
    assert (await desk.end(parent)).status == "SUCCEEDED"


async def test_a_failing_branch_stops_the_child_of_its_sibling(desk):
    await desk.publish(ASK, "child")
    wait = {"W": {"Type": "Task", "Resource": "activity:gate", "End": True}}
    branches = [
        {"StartAt": "Call", "States": calls("workflow:child")},
        {"StartAt": "W", "States": wait},
    ]
    await desk.publish({"P": {"Type": "Parallel", "Branches": branches, "End": True}}, "parent")
    parent = await desk.start("n", {}, "parent")
    [task] = await desk.lease()
    [gate] = await desk.lease("gate")
    outcome = Outcome(gate.token, error="Closed", lease=gate.lease)
    await desk.engine.commands.settle(ME, outcome)
    assert (await desk.end(parent)).error == "Closed"
    assert (await desk.end(task.execution)).status == "ABORTED"


async def test_a_child_that_a_person_stops_fails_the_task_saying_so(desk):
    await desk.publish(ASK, "child")
    await desk.publish(calls("workflow:child"), "parent")
    parent = await desk.start("n", {}, "parent")
    [task] = await desk.lease()
    await desk.engine.commands.stop(ME, task.execution, "Operator", "wrong order", 0)
    view = await desk.end(parent)
    assert view.error == "States.TaskFailed"
    assert view.cause == f"The execution {task.execution} was stopped. Operator: wrong order"


async def test_a_workflow_that_starts_itself_ends_at_the_depth_limit(desk, monkeypatch):
    monkeypatch.setattr("engine.tasks.nested.DEPTH_MAX", 5)
    assert DEPTH_MAX == 100
    await desk.publish(calls("workflow:loop"), "loop")
    view = await desk.end(await desk.start("n", {}, "loop"))
    assert view.error == "Detent.NestedTooDeep"
    page = await desk.engine.queries.executions(
        ME, Filter(definition="loop"), limit=100, cursor=None
    )
    assert len(page.executions) == 6


async def test_a_token_is_settled_from_within_another_execution(desk):
    waits = {
        "Hand": {
            "Type": "Task",
            "Resource": START + ".waitForTaskToken",
            "Parameters": {"StateMachineArn": "helper", "Input": {"t.$": "$$.Task.Token"}},
            "End": True,
        }
    }
    sends = {
        "Send": {
            "Type": "Task",
            "Resource": SDK + "sendTaskSuccess",
            "Parameters": {"TaskToken.$": "$.t", "Output": {"from": "helper"}},
            "End": True,
        }
    }
    await desk.publish(sends, "helper")
    await desk.publish(waits, "parent")
    view = await desk.end(await desk.start("n", {}, "parent"))
    assert view.output.value == {"from": "helper"}


async def test_a_start_that_is_taken_back_before_it_happens_never_happens(engines):
    """The stop overtakes the start: the task waits in the queue of an engine that performs nothing."""
    idle = Desk(await engines(advances=False))
    worker = await engines(lease_ms=30_000)
    performer = next(p for p in worker._performers if p._queue == "@states")
    held = []

    async def hold(lease):
        held.append(lease)

    perform, performer._perform = performer._perform, hold
    await idle.publish(ASK, "child")
    await idle.publish(calls("workflow:child"), "parent")
    parent = await idle.start("n", {}, "parent")
    await until(lambda: held)
    await idle.engine.commands.stop(ME, parent, None, None, 60_000)
    await until(lambda: len(held) == 2)
    start, stop = held
    await perform(stop)
    await perform(start)
    page = await idle.engine.queries.executions(
        ME, Filter(definition="child"), limit=10, cursor=None
    )
    assert page.executions == []
    assert await outbox(idle) == []


async def test_a_closed_child_is_kept_until_its_parent_was_told(engines):
    engine = await engines(lease_ms=30_000, retention_hours=0)
    desk = Desk(engine)
    performer = next(p for p in engine._performers if p._queue == "@states")
    perform, held = performer._perform, []

    async def hold(lease):
        if lease.row.frame.startswith("tell"):
            held.append(lease)
        else:
            await perform(lease)

    performer._perform = hold
    await desk.publish({"P": {"Type": "Pass", "Result": 7, "End": True}}, "child")
    await desk.publish(calls("workflow:child"), "parent")
    parent = await desk.start("n", {}, "parent")
    await until(lambda: held)
    child = held[0].row.execution
    assert await engine.pruner.tick() == 0
    await perform(held[0])
    assert (await desk.end(parent)).output.value == 7
    redis, keys = engine.redis, engine.sweeper._keys.of(f"default:{child}")
    await redis.call(keys.execution, "ZADD", keys.tag + ":closed", 0, f"default:{child}")
    assert await engine.pruner.tick() >= 1


async def test_a_quarantined_child_can_be_stopped_for_its_parent(desk):
    await desk.publish(ASK, "child")
    await desk.publish(calls("workflow:child"), "parent")
    parent = await desk.start("n", {}, "parent")
    [task] = await desk.lease()
    redis, keys = desk.engine.redis, desk.engine.sweeper._keys.of(f"default:{task.execution}")
    await redis.call(keys.execution, "HSET", keys.execution, "quarantine", "for a test")
    await desk.engine.commands.stop(ME, parent, None, None, 60_000)
    assert (await desk.end(task.execution)).status == "ABORTED"


async def test_an_express_execution_starts_a_stored_one(desk):
    await desk.publish(ASK, "child")
    starts = json.dumps({"StartAt": "Call", "States": calls(START)}).encode()
    await desk.engine.commands.publish(ME, "quick", starts, "json", "EXPRESS")
    started = await desk.engine.commands.start(
        ME, "quick", name="n", input=Document.of({}), version=None, wait_ms=60_000
    )
    assert (await desk.end(started.execution.id)).output.value["ExecutionArn"] == "child:one"
    assert (await desk.describe("child:one")).parent == started.execution.id


async def test_a_child_goes_on_without_a_parent_that_did_not_wait(desk):
    await desk.publish(ASK, "child")
    await desk.publish(calls(START), "parent")
    await desk.end(await desk.start("n", {}, "parent"))
    [task] = await desk.lease()
    await desk.succeed(task, {})
    assert (await desk.end("child:one")).status == "SUCCEEDED"
    assert (await desk.describe("child:one")).parent == "parent:n"
    assert Document.of({}) == (await desk.describe("child:one")).output
