"""ValidateStateMachineDefinition over the wire, and how refused definitions are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.aws.refusals import diagnostics, invalid_definition
from engine.errors import InvalidDefinition
from engine.language import check
from tests.api.scripted_engine import client

LOST = 'State "L{}" is not reachable.'
ONE = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:sign"
DOUBTED = {
    "StartAt": "S",
    "States": {
        "S": {"Type": "Pass", "Parameters": {"id": "$.id"}, "End": True},
        "L": {"Type": "Succeed"},
    },
}


def machine(lost: int) -> dict[str, Any]:
    """A machine with so many states that nothing leads to."""
    return {
        **ONE,
        "States": ONE["States"] | {f"L{number}": {"Type": "Succeed"} for number in range(lost)},
    }


async def validated(definition: Any, **members: Any) -> dict[str, Any]:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    headers = {"X-Amz-Target": "AWSStepFunctions.ValidateStateMachineDefinition"}
    async with client(**headers) as caller:
        answer = await caller.post("/", content=json.dumps({"definition": text, **members}))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_definition_without_faults_is_ok():
    assert await validated(ONE) == {"result": "OK", "diagnostics": [], "truncated": False}


async def test_a_fault_has_its_place_apart_from_its_message():
    assert await validated(machine(1)) == {
        "result": "FAIL",
        "truncated": False,
        "diagnostics": [
            {
                "severity": "ERROR",
                "code": "MISSING_TRANSITION_TARGET",
                "message": LOST.format(0),
                "location": "/States/L0",
            }
        ],
    }


@pytest.mark.parametrize("text", [" ", "[]", "not JSON", "StartAt: S", "\x00"])
async def test_no_text_is_an_error_of_the_call(text):
    assert (await validated(text))["result"] == "FAIL"


async def test_what_concerns_the_whole_definition_has_no_location():
    (found,) = (await validated(" "))["diagnostics"]
    assert "location" not in found


async def test_warnings_are_told_on_request_and_make_nothing_fail():
    doubted = {**DOUBTED, "States": {"S": DOUBTED["States"]["S"]}}
    assert await validated(doubted) == await validated(ONE)
    found = await validated(doubted, severity="WARNING")
    assert found["result"] == "OK"
    assert [(each["severity"], each["code"]) for each in found["diagnostics"]] == [
        ("WARNING", "NO_DOLLAR")
    ]


async def test_at_most_as_many_are_told_as_asked_for():
    found = await validated(machine(3), maxResults=2)
    assert (len(found["diagnostics"]), found["truncated"]) == (2, True)
    found = await validated(machine(3), maxResults=3)
    assert (len(found["diagnostics"]), found["truncated"]) == (3, False)


@pytest.mark.parametrize("members", [{}, {"maxResults": 0}])
async def test_at_most_100_are_told_where_nobody_asks_for_fewer(members):
    found = await validated(machine(101), **members)
    assert (len(found["diagnostics"]), found["truncated"]) == (100, True)


async def test_a_machine_is_standard_unless_the_caller_says_express():
    task = {"Type": "Task", "Resource": ACTIVITY, "End": True}
    definition = {"StartAt": "S", "States": {"S": task}}
    assert (await validated(definition))["result"] == "OK"
    (found,) = (await validated(definition, type="EXPRESS"))["diagnostics"]
    assert found["message"] == "Express state machine does not support Activity ARN"


@pytest.mark.parametrize(
    "resource", ["activity:pack", "https://example.com/x", "signal:approved", "workflow:child"]
)
async def test_what_only_detent_has_is_accepted(resource):
    task = {"Type": "Task", "Resource": resource, "End": True}
    definition = {"StartAt": "S", "States": {"S": task}, "Detent": {"HistoryRecords": 100}}
    assert (await validated(definition))["result"] == "OK"


def test_a_refusal_tells_the_errors_and_no_warning():
    problems = check(json.dumps(DOUBTED), "json")
    refusal = invalid_definition(InvalidDefinition(problems))
    assert (refusal.code, refusal.status, refusal.members) == ("InvalidDefinition", 400, {})
    assert refusal.message == (
        "Invalid State Machine Definition: "
        "'MISSING_TRANSITION_TARGET: State \"L\" is not reachable. at /States/L'"
    )
    assert [each["severity"] for each in diagnostics(problems)] == ["WARNING", "ERROR"]
