"""Map Runs over the Step Functions protocol, as boto3 sees them."""

from __future__ import annotations

import json
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conformance.served import served

ROLE = "arn:aws:iam::111122223333:role/r"
FAIL_ODD = {
    "C": {
        "Type": "Choice",
        "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "F"}],
        "Default": "P",
    },
    "F": {"Type": "Fail", "Error": "One"},
    "P": {"Type": "Pass", "End": True},
}
WAIT = {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}


@pytest.fixture(scope="module")
def sfn():
    with served() as url:
        yield boto3.client(
            "stepfunctions",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
        )


def start(sfn, states, items, **more):
    """Start a machine of one distributed Map over these items; (name of the machine, execution)."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": next(iter(states)),
        "States": states,
    }
    body = {"Type": "Map", "Label": "L", "ItemProcessor": processor, "End": True} | more
    name = f"m-{uuid.uuid4().hex[:8]}"
    machine = sfn.create_state_machine(
        name=name,
        definition=json.dumps({"StartAt": "M", "States": {"M": body}}),
        roleArn=ROLE,
    )["stateMachineArn"]
    started = sfn.start_execution(stateMachineArn=machine, input=json.dumps(items))
    return name, started["executionArn"]


def until(look, holds):
    while not holds(found := look()):
        pass
    return found


def run_of(sfn, execution):
    [run] = until(lambda: sfn.list_map_runs(executionArn=execution)["mapRuns"], bool)
    return run


def described(sfn, run, status):
    return until(
        lambda: sfn.describe_map_run(mapRunArn=run["mapRunArn"]), lambda r: r["status"] == status
    )


def code(error):
    return error.value.response["Error"]["Code"]


def test_a_run_is_listed_described_and_its_children_found(sfn):
    name, execution = start(sfn, FAIL_ODD, [0, 1, 2], ToleratedFailureCount=1)
    run = run_of(sfn, execution)
    prefix = "arn:aws:states:eu-west-1:000000000000"
    assert run["mapRunArn"].startswith(f"{prefix}:mapRun:{name}/L:")
    assert run["stateMachineArn"] == f"{prefix}:stateMachine:{name}/L"
    assert run["executionArn"] == execution
    shown = described(sfn, run, "SUCCEEDED")
    assert shown["toleratedFailureCount"] == 1
    for counts in (shown["itemCounts"], shown["executionCounts"]):
        assert (counts["succeeded"], counts["failed"], counts["total"]) == (2, 1, 3)
    children = sfn.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert {child["mapRunArn"] for child in children} == {run["mapRunArn"]}
    assert {child["itemCount"] for child in children} == {1}
    [failed] = sfn.list_executions(mapRunArn=run["mapRunArn"], statusFilter="FAILED")["executions"]
    waiting = sfn.list_executions(mapRunArn=run["mapRunArn"], statusFilter="PENDING_REDRIVE")
    assert waiting["executions"] == []
    child = sfn.describe_execution(executionArn=failed["executionArn"])
    assert (child["error"], child["input"], child["mapRunArn"]) == ("One", "1", run["mapRunArn"])
    assert child["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    events = sfn.get_execution_history(executionArn=failed["executionArn"])["events"]
    assert events[-1]["type"] == "ExecutionFailed"


def test_a_run_is_changed_while_it_runs_and_not_afterwards(sfn):
    _, execution = start(sfn, WAIT, [0, 1, 2], MaxConcurrency=1)
    run = run_of(sfn, execution)
    arn = run["mapRunArn"]
    sfn.update_map_run(mapRunArn=arn, maxConcurrency=3, toleratedFailurePercentage=50.0)
    shown = until(
        lambda: sfn.describe_map_run(mapRunArn=arn), lambda r: r["itemCounts"]["running"] == 3
    )
    assert (shown["maxConcurrency"], shown["toleratedFailurePercentage"]) == (3, 50.0)
    sfn.stop_execution(executionArn=execution)
    until(lambda: sfn.describe_map_run(mapRunArn=arn), lambda r: "stopDate" in r)
    assert described(sfn, run, "ABORTED")["itemCounts"]["aborted"] == 3
    with pytest.raises(ClientError) as refused:
        sfn.update_map_run(mapRunArn=arn, maxConcurrency=1)
    assert code(refused) == "ValidationException"
    assert refused.value.response["reason"] == "CANNOT_UPDATE_COMPLETED_MAP_RUN"


def test_what_is_no_map_run_is_told_so(sfn):
    arn = "arn:aws:states:eu-west-1:000000000000:mapRun:m/L:" + str(uuid.uuid4())
    with pytest.raises(ClientError) as unknown:
        sfn.describe_map_run(mapRunArn=arn)
    assert code(unknown) == "ResourceNotFound"
    with pytest.raises(ClientError) as other:
        sfn.describe_map_run(mapRunArn=arn.replace("mapRun", "execution"))
    assert code(other) == "InvalidArn"
    with pytest.raises(ClientError) as absent:
        sfn.list_map_runs(executionArn="arn:aws:states:eu-west-1:000000000000:execution:m:n")
    assert code(absent) == "ExecutionDoesNotExist"
