"""TestState over boto3, against a real server."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conformance.served import served

ROLE = "arn:aws:iam::123456789012:role/any"
PASS = {"Type": "Pass", "Parameters": {"first.$": "$.list[0]"}, "ResultPath": "$.p", "End": True}
TASK = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": True}


@pytest.fixture(scope="module")
def sfn() -> Any:
    config = Config(inject_host_prefix=False, retries={"total_max_attempts": 1})
    with served() as url:
        client = boto3.client(
            "stepfunctions",
            endpoint_url=url,
            region_name="eu-north-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=config,
        )
        yield client
        client.close()


def answered(sfn: Any, state: Any, **members: Any) -> dict[str, Any]:
    answer: dict[str, Any] = sfn.test_state(definition=json.dumps(state), **members)
    answer.pop("ResponseMetadata")
    return answer


def refusal(sfn: Any, state: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        answered(sfn, state, **members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_info_tells_the_output_alone(sfn):
    assert answered(sfn, PASS, input='{"list":[1]}') == {
        "status": "SUCCEEDED",
        "output": '{"list": [1], "p": {"first": 1}}',
    }


def test_trace_tells_each_step_and_gives_back_the_callers_own_text(sfn):
    answer = answered(sfn, PASS, input='{"list":[1]}', inspectionLevel="TRACE")
    assert answer["inspectionData"] == {
        "input": '{"list":[1]}',
        "afterInputPath": '{"list":[1]}',
        "afterParameters": '{"first": 1}',
        "afterResultSelector": '{"first": 1}',
        "afterResultPath": '{"list": [1], "p": {"first": 1}}',
    }


def test_a_retriable_error_tells_when_it_is_tried_again(sfn):
    answer = answered(
        sfn,
        TASK | {"Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 5}]},
        mock={"errorOutput": {"error": "Busy", "cause": "full"}},
        stateConfiguration={"retrierRetryCount": 1},
        inspectionLevel="DEBUG",
    )
    assert answer == {
        "status": "RETRIABLE",
        "error": "Busy",
        "cause": "full",
        "inspectionData": {
            "input": "{}",
            "afterInputPath": "{}",
            "afterParameters": "{}",
            "errorDetails": {"retryIndex": 0, "retryBackoffIntervalSeconds": 10},
        },
    }


def test_a_start_is_performed_and_its_refusal_is_the_states_error(sfn):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": "arn:aws:states:eu-north-1:1:stateMachine:lost"},
        "End": True,
    }
    answer = answered(sfn, state, roleArn=ROLE)
    assert answer["status"] == "FAILED"
    assert answer["error"] == "StepFunctions.StateMachineDoesNotExistException"


def test_a_start_is_answered_with_the_arn_of_what_it_started(sfn):
    whole = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}
    machine = sfn.create_state_machine(name="started", definition=json.dumps(whole), roleArn=ROLE)[
        "stateMachineArn"
    ]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": machine, "Name": "one"},
        "ResultSelector": {"arn.$": "$.ExecutionArn"},
        "OutputPath": "$.arn",
        "End": True,
    }
    started = json.loads(answered(sfn, state, roleArn=ROLE)["output"])
    assert started == machine.replace(":stateMachine:", ":execution:") + ":one"
    assert sfn.describe_execution(executionArn=started)["name"] == "one"


@pytest.mark.parametrize(
    ("state", "members", "code", "told"),
    [
        (TASK, {}, "ValidationException", "RoleArn must be specified when testing a Task state"),
        (
            {"Type": "Parallel", "Branches": [], "End": True},
            {"mock": {"result": "[]"}},
            "InvalidDefinition",
            (
                "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Value cannot be empty "
                "at /States/StateName/Branches'"
            ),
        ),
        (
            PASS,
            {"input": "no"},
            "InvalidExecutionInput",
            (
                "Invalid State Machine Execution Input: 'Unrecognized token 'no': was expecting (JSON "
                "String, Number, Array, Object or token 'null', 'true' or 'false')'"
            ),
        ),
    ],
)
def test_refusals_have_awss_codes_and_words(sfn, state, members, code, told):
    assert refusal(sfn, state, **members) == (code, told)


def test_variables_and_a_context_that_are_no_objects_are_refused(sfn):
    for members in ({"variables": "[]"}, {"variables": "{"}, {"context": "[]"}, {"context": "{"}):
        assert refusal(sfn, PASS, **members)[0] == "ValidationException"
