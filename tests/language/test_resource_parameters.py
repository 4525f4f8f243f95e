"""What Lambda and HTTP invocations ask of their Parameters: at publish, and of the values before a call."""

from __future__ import annotations

import json

import pytest

from engine.language import check
from engine.language.resources.parameters import METHODS, call_fault

URL = "https://a.example/b"
GOOD = {"ApiEndpoint": URL, "Method": "GET"}


def problems(action, **fields):
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{action}", "End": True, **fields}
    found = check(json.dumps({"StartAt": "A", "States": {"A": state}}))
    return [(problem.code, problem.pointer, problem.message) for problem in found]


@pytest.mark.parametrize(
    ("action", "parameters", "missing"),
    [
        ("lambda:invoke", {}, ["FunctionName"]),
        ("lambda:invoke.waitForTaskToken", {"Payload": {}}, ["FunctionName"]),
        ("http:invoke", {}, ["ApiEndpoint", "Method"]),
        ("http:invoke", {"ApiEndpoint.$": "$.url"}, ["Method"]),
        ("states:startExecution", {"Input": {}}, ["StateMachineArn"]),
        ("states:startExecution.sync:2", {}, ["StateMachineArn"]),
    ],
)
def test_a_required_parameter_is_missed_at_publish(action, parameters, missing):
    found = problems(action, Parameters=parameters)
    assert [(code, pointer) for code, pointer, _ in found] == [
        ("missing_field", "/States/A/Parameters")
    ] * len(missing)
    assert [message.split()[2] for _, _, message in found] == missing


def test_parameters_as_a_whole_are_missed_at_publish():
    assert [found[:2] for found in problems("http:invoke")] == [("missing_field", "/States/A")]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_taken(method):
    assert problems("http:invoke", Parameters=GOOD | {"Method": method}) == []
    assert call_fault(GOOD | {"Method": method}) == ""


@pytest.mark.parametrize("method", ["TRACE", "get"])
def test_another_method_is_refused_at_publish(method):
    [(code, pointer, _)] = problems("http:invoke", Parameters=GOOD | {"Method": method})
    assert (code, pointer) == ("not_allowed", "/States/A/Parameters/Method")


def test_parameters_of_the_sdk_and_of_urls_are_nobodys_business():
    assert problems("aws-sdk:lambda:invoke")[0][0] == "performed_by_workers"
    state = {"Type": "Task", "Resource": URL, "Parameters": {"Method": "TRACE"}, "End": True}
    assert check(json.dumps({"StartAt": "A", "States": {"A": state}})) == ()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"ApiEndpoint": None}, "The field 'ApiEndpoint' is required but was missing"),
        ({"Method": ""}, "The field 'Method' is required but was missing"),
        ({"Method": "TRACE"}, "The field 'Method' should have one of these values"),
        ({"ApiEndpoint": ["x"]}, "'ApiEndpoint' has the wrong type"),
        ({"Headers": "x"}, "'Headers' has the wrong type"),
        ({"Authentication": "shop"}, "'Authentication' has the wrong type"),
        ({"ApiEndpoint": "ftp://a.example"}, "must be a valid URL"),
        ({"ApiEndpoint": "https://u:p@a.example"}, "a user name or password"),
        ({"Headers": {"HOST": "x"}}, "The header 'HOST' is reserved"),
        ({"Headers": {"X-Amzn-Trace-Id": "x"}}, "reserved"),
        ({"Headers": {"X-Forwarded-For": "x"}}, "reserved"),
        ({"Headers": {"X": {}}}, "must be a string, a number or a boolean"),
        ({"Headers": {"X": [None]}}, "must be a string, a number or a boolean"),
        ({"Headers": {"X": "a\r\nY: b"}}, "a control character"),
        ({"Headers": {"X Y": "a"}}, "no name of a header"),
        ({"Transform": {"RequestBodyEncoding": "XML"}}, "'RequestBodyEncoding' should have"),
        ({"Transform": {"RequestEncodingOptions": {"ArrayFormat": "X"}}}, "'ArrayFormat' should"),
        ({"Transform": {"RequestEncodingOptions": "INDICES"}}, "'ArrayFormat' should"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_before_it_is(changed, fault):
    assert fault in call_fault(GOOD | changed)


def test_parameters_that_are_no_object_make_no_call():
    assert call_fault([GOOD]) == "The Parameters must be an object"


def test_a_call_with_everything_can_be_made():
    given = {
        "Headers": {"X-A": ["1", 2, True], "Authorization": "Bearer x"},
        "QueryParameters": {"a": 1},
        "RequestBody": {},
        "InvocationConfig": {"ConnectionArn": "shop"},
        "Transform": {
            "RequestBodyEncoding": "URL_ENCODED",
            "RequestEncodingOptions": {"ArrayFormat": "COMMAS"},
        },
    }
    assert call_fault(GOOD | given) == ""
