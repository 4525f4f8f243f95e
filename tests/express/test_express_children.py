"""Express executions that others start, on a running engine."""

from __future__ import annotations

import json

import pytest
from desk import ME, Desk

from engine.core.states.nested import DEPTH_MAX
from engine.documents import Document

START = "arn:aws:states:::states:startExecution"
SYNC = f"{START}.sync"
RUN = "arn:aws:states:::aws-sdk:sfn:startSyncExecution"
QUICK = {"P": {"Type": "Pass", "Result": 7, "End": True}}
KEPT = {"W": {"Type": "Wait", "Seconds": 60, "End": True}}


def calls(resource, **parameters):
    task = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}
    return {"Call": task}


@pytest.fixture
def standard(engine):
    """Publishes and starts what is stored."""
    return Desk(engine)


@pytest.mark.parametrize("target", ["quick", "quick:1"])
async def test_one_is_started_by_a_task_that_does_not_wait_for_it(desk, standard, target):
    await desk.publish(QUICK, "quick")
    given = {"StateMachineArn": target, "Input": {"a": 1}}
    await standard.publish(calls(START, **given), "parent")
    parent = await desk.end(await standard.start("n", {}, "parent"))
    child = await desk.end(parent.output.value["ExecutionArn"])
    assert (child.parent, child.input.value, child.output.value) == ("parent:n", {"a": 1}, 7)
    await standard.publish(calls(SYNC, **given), "waiting")
    view = await desk.end(await standard.start("n", {}, "waiting"))
    assert view.error == "StepFunctions.StateMachineTypeNotSupportedException"


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
async def test_one_is_run_to_its_end_whatever_that_is(desk, kind):
    ends = {"good": QUICK, "bad": {"F": {"Type": "Fail", "Error": "No", "Cause": "never"}}}
    told = {}
    for name, states in ends.items():
        await desk.publish(states, name)
        given = {"StateMachineArn": name, "Input": {"a": 1}, "Name": "x"}
        caller = json.dumps({"StartAt": "Call", "States": calls(RUN, **given)}).encode()
        await desk.engine.commands.publish(ME, f"calls-{name}", caller, "json", kind)
        started = await desk.engine.commands.start(
            ME, f"calls-{name}", name="n", input=Document.of({}), version=None, wait_ms=60_000
        )
        told[name] = (await desk.end(started.execution.id)).output.value
    assert told["good"]["ExecutionArn"].startswith("good:x:")
    assert told["good"]["BillingDetails"]["BilledMemoryUsedInMB"] == 64
    shown = ("Status", "Name", "StateMachineArn", "Input", "Output", "Error", "Cause")
    assert [told["good"].get(each) for each in shown] == [
        *("SUCCEEDED", "x", "good", '{"a":1}', "7", None, None)
    ]
    assert [told["bad"].get(each) for each in shown] == [
        *("FAILED", "x", "bad", '{"a":1}', None, "No", "never")
    ]


async def test_a_stored_execution_is_not_run_synchronously(desk, standard):
    await standard.publish(KEPT, "child")
    await standard.publish(calls(RUN, StateMachineArn="child"), "parent")
    view = await desk.end(await standard.start("n", {}, "parent"))
    assert view.error == "Sfn.StateMachineTypeNotSupportedException"


async def test_one_that_starts_itself_ends_at_some_depth(desk):
    await desk.publish(calls(START, StateMachineArn="d"))
    view = await desk.end((await desk.run()).id)
    for _ in range(DEPTH_MAX):
        view = await desk.end(view.output.value["ExecutionArn"])
    assert view.error == "Detent.NestedTooDeep"
