"""Parts of a request that do not go together are refused before the state is asked anything."""

from __future__ import annotations

import pytest

from engine.errors import InvalidDefinition, StateTestRefused
from engine.rehearsal.onestate import Mock, MockedError
from tests.core.onestate.asked import DONE, ask, failing, made, mocked

TASK = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": True}
CALLBACK = TASK | {"Resource": "arn:aws:states:::sns:publish.waitForTaskToken"}
PASS = {"Type": "Pass", "End": True}
PARALLEL = {
    "Type": "Parallel",
    "Branches": [DONE, DONE | {"StartAt": "B", "States": {"B": PASS}}],
    "End": True,
}
MAP = {"Type": "Map", "ItemProcessor": DONE, "End": True}
CONTEXT = "Invalid Context object provided: "


@pytest.mark.parametrize(
    ("state", "parts", "told"),
    [
        (PASS, {"mock": mocked(1)}, "State type 'Pass' is not supported when a mock is specified"),
        (MAP, {}, "State type 'Map' is not supported when a mock is not specified"),
        (TASK, {}, "RoleArn must be specified when testing a Task state"),
        (
            TASK,
            {"mock": Mock(result="1", error=MockedError())},
            "A test mock should have only one of the following fields: [result, errorOutput].",
        ),
        (
            TASK,
            {"mock": failing("E"), "reveals_secrets": True},
            "TestState does not support RevealSecrets when a mock is specified.",
        ),
        (
            MAP,
            {"failed_iterations": 0},
            "TestState does not support MapIterationFailureCount when a mock is not specified.",
        ),
        (TASK, {"mock": Mock(result="nope")}, "Mocked result must be valid JSON"),
        (MAP, {"mock": mocked({})}, "Mocked result must be an array."),
        (
            PARALLEL,
            {"mock": mocked([1])},
            "Mocked result must contain the same number of items as number of Parallel branches.",
        ),
        (
            TASK,
            {"mock": mocked({}), "context": {"Task": {"Token": "t"}}},
            CONTEXT + "Context object contains 'Task' when state is not a Task state with a '.sync' "
            "or '.waitForTaskToken' service integration pattern",
        ),
        (PASS, {"context": {"Map": {}}}, CONTEXT + "Context object contains unknown field 'Map'"),
        (PASS, {"context": {"State": {"RetryCount": "1"}}}, CONTEXT + "'State.RetryCount' must be an integer"),
        (PASS, {"context": {"Execution": []}}, CONTEXT + "'Execution' must be an object"),
        (PASS, {"name": "Lost"}, "State not found in definition"),
    ],
)  # fmt: skip
async def test_what_does_not_go_together_is_refused(state, parts, told):
    definition = {"StartAt": "S", "States": {"S": state}} if "name" in parts else state
    with pytest.raises(StateTestRefused) as caught:
        await ask(definition, **parts)
    assert caught.value.detail == told


@pytest.mark.parametrize("resource", ["activity:pack", "signal:go", CALLBACK["Resource"]])
async def test_a_task_that_waits_for_somebody_needs_a_mock(resource):
    with pytest.raises(StateTestRefused, match="when a mock is not specified"):
        await ask(TASK | {"Resource": resource}, role="arn:aws:iam::1:role/r")


async def test_a_task_of_workers_needs_a_mock():
    with pytest.raises(StateTestRefused, match="performed by workers"):
        await ask(TASK, role="arn:aws:iam::1:role/r")


async def test_a_definition_with_mistakes_is_refused():
    with pytest.raises(InvalidDefinition):
        await ask({"Type": "Parallel", "Branches": [], "End": True}, mock=mocked([]))


KMS = "arn:aws:states:::aws-sdk:kms:encrypt"
SFN = "arn:aws:states:::states:startExecution"
SFN_INPUT = {"Parameters": {"StateMachineArn": "arn:aws:states:eu-north-1:1:stateMachine:m"}}


@pytest.mark.parametrize(
    ("resource", "result", "told"),
    [
        (KMS, {"CiphertextBlob": 1}, "Field 'CiphertextBlob' must be a string"),
        (KMS, {"CiphertextBlob": ""}, "Field 'CiphertextBlob' is smaller than the minimum length"),
        (KMS, {"KeyId": "k" * 3000}, "Field 'KeyId' exceeds the maximum length"),
        (SFN, {"StartDate": "d"}, "Required field 'ExecutionArn' is missing"),
        (SFN, {"ExecutionArn": "a", "StartDate": 5}, "Field 'StartDate' must be a string"),
        ("arn:aws:states:::lambda:invoke", {"StatusCode": "200"}, "Field 'StatusCode' must be a number"),
        (
            "arn:aws:states:::events:putEvents",
            {"Entries": [{"EventId": "e"}, {"EventId": {}}]},
            "Field 'EventId' must be a string",
        ),
        ("arn:aws:states:::events:putEvents", {"Entries": {}}, "Field 'Entries' must be an array"),
        (
            "arn:aws:states:::aws-sdk:lambda:getFunction",
            {"Configuration": {"MemorySize": 12_000}},
            "Field 'MemorySize' exceeds the maximum value",
        ),
        (
            "arn:aws:states:::aws-sdk:cognitoidentityprovider:adminGetUser",
            {"Enabled": "yes", "Username": "u"},
            "Field 'Enabled' must be a boolean",
        ),
    ],
)  # fmt: skip
async def test_a_result_that_the_service_would_not_give_is_refused(resource, result, told):
    state = TASK | {"Resource": resource, "Parameters": {"FunctionName": "f"}}
    if resource == SFN:
        state |= SFN_INPUT
    with pytest.raises(StateTestRefused) as caught:
        await ask(state, mock=mocked(result))
    assert caught.value.detail == f"Mock result schema validation error: {told}"
    assert made(await ask(state, mock=mocked(result, validation="NONE"))) == result


async def test_present_asks_for_no_member_but_checks_those_that_are_there():
    state = TASK | {"Resource": SFN} | SFN_INPUT
    assert made(await ask(state, mock=mocked({}, validation="PRESENT"))) == {}
    with pytest.raises(StateTestRefused):
        await ask(state, mock=mocked({"ExecutionArn": 1}, validation="PRESENT"))


@pytest.mark.parametrize(
    ("resource", "result"),
    [
        ("arn:aws:states:::lambda:invoke", {"Payload": {"any": [1]}}),
        ("arn:aws:states:::sns:publish.waitForTaskToken", [1]),
        ("arn:aws:states:::apigateway:invoke", 1),
        ("arn:aws:lambda:eu-north-1:210987654321:function:f", "text"),
        ("arn:aws:states:::events:putEvents", {"NotOfTheApi": 1}),
    ],
)
async def test_a_result_of_no_known_shape_passes(resource, result):
    state = TASK | {"Resource": resource, "Parameters": {"FunctionName": "f"}}
    assert made(await ask(state, mock=mocked(result))) == result
