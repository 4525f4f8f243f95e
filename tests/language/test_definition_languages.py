"""Which fields and states go with which query language, and what variables may be called."""

from __future__ import annotations

import json

import pytest
from test_definition_structure import errors, machine

from engine.language import check


def test_a_jsonata_machine_takes_the_fields_of_jsonata():
    states = {
        "A": {
            "Type": "Task",
            "Resource": "activity:x",
            "Arguments": "{% $states.input %}",
            "TimeoutSeconds": "{% 2 %}",
            "Next": "B",
        },
        "B": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $x %}", "Next": "C"}],
            "Default": "C",
            "Assign": {"x": 1},
        },
        "C": {"Type": "Pass", "Output": {}, "End": True},
    }
    assert check(json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": states})) == ()


JSONPATH_ONLY = [
    ("Pass", "InputPath", "$.a"),
    ("Pass", "OutputPath", "$.a"),
    ("Pass", "ResultPath", "$.a"),
    ("Pass", "Parameters", {}),
    ("Pass", "Result", 1),
    ("Task", "ResultSelector", {}),
    ("Task", "TimeoutSecondsPath", "$.a"),
    ("Task", "HeartbeatSecondsPath", "$.a"),
    ("Fail", "ErrorPath", "$.a"),
    ("Fail", "CausePath", "$.a"),
    ("Map", "ItemsPath", "$.a"),
    ("Map", "MaxConcurrencyPath", "$.a"),
]


@pytest.mark.parametrize(("kind", "field", "value"), JSONPATH_ONLY)
def test_a_jsonata_state_takes_no_field_of_jsonpath(kind, field, value):
    text = machine(kind, QueryLanguage="JSONata", **{field: value})
    assert errors(text) == [("wrong_query_language", f"/States/S/{field}")]


def test_a_rule_and_a_catcher_keep_to_the_language_of_their_state():
    rules = [{"Variable": "$.a", "IsNull": True, "Next": "Z"}]
    found = errors(machine("Choice", QueryLanguage="JSONata", Choices=rules))
    assert found == [
        ("wrong_query_language", "/States/S/Choices/0/Variable"),
        ("wrong_query_language", "/States/S/Choices/0/IsNull"),
    ]
    catch = [{"ErrorEquals": ["a"], "Next": "Z", "ResultPath": "$.a"}]
    found = errors(machine("Task", QueryLanguage="JSONata", Catch=catch))
    assert found == [("wrong_query_language", "/States/S/Catch/0/ResultPath")]


def test_a_jsonata_machine_has_no_jsonpath_state_and_a_map_does_not_hand_its_language_down():
    state = {"Type": "Pass", "QueryLanguage": "JSONPath", "End": True}
    text = json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": state}})
    assert errors(text) == [("query_language_mixed", "/States/A/QueryLanguage")]
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "InputPath": "$.a", "End": True}}}
    assert errors(machine("Map", QueryLanguage="JSONata", ItemProcessor=inner)) == []


def test_an_inner_scope_sets_no_variable_of_an_outer_one():
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Assign": {"x": 1}, "End": True}}}
    own = {"StartAt": "J", "States": {"J": {"Type": "Pass", "Assign": {"y": 1}, "End": True}}}
    text = machine("Parallel", Branches=[inner, own], Assign={"x.$": "$[0]"})
    assert errors(text) == [("invalid_variable", "/States/S/Branches/0/States/I/Assign/x")]
