"""The published schema, and what is made of its errors."""

from __future__ import annotations

import json
import time

import jsonschema
import pytest
from language_cases import ROOT, places

from engine.language import check, examine
from engine.language.schema import validator

SCHEMA = json.loads((ROOT / "schemas" / "state-machine.schema.json").read_text(encoding="utf-8"))
TYPES = ("Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
INNER = {"StartAt": "I", "States": {"I": {"Type": "Succeed"}}}
REQUIRED = {
    "Pass": {},
    "Task": {"Resource": "activity:x"},
    "Choice": {"Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "Z"}]},
    "Wait": {"Seconds": 1},
    "Succeed": {},
    "Fail": {},
    "Parallel": {"Branches": [INNER]},
    "Map": {"ItemProcessor": INNER},
}
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]
RETRY = [{"ErrorEquals": ["States.ALL"]}]
# Field, a value for it, and the types that take it: the table of the language, JSONPath mode.
ALLOWED = [
    ("Comment", "c", TYPES),
    ("QueryLanguage", "JSONPath", TYPES),
    ("InputPath", "$.a", [t for t in TYPES if t != "Fail"]),
    ("InputPath", None, [t for t in TYPES if t != "Fail"]),
    ("OutputPath", None, [t for t in TYPES if t != "Fail"]),
    ("ResultPath", "$.a", ["Pass", "Task", "Parallel", "Map"]),
    ("ResultPath", None, ["Pass", "Task", "Parallel", "Map"]),
    ("Parameters", {"a.$": "$.a"}, ["Pass", "Task", "Parallel", "Map"]),
    ("Parameters", [{"a.$": "$.a"}], ["Pass", "Task", "Parallel", "Map"]),
    ("ResultSelector", {"a": 1}, ["Task", "Parallel", "Map"]),
    ("Result", [None], ["Pass"]),
    ("Retry", RETRY, ["Task", "Parallel", "Map"]),
    ("Catch", CATCH, ["Task", "Parallel", "Map"]),
    ("TimeoutSeconds", 5, ["Task"]),
    ("TimeoutSecondsPath", "$.a", ["Task"]),
    ("HeartbeatSeconds", 5, ["Task"]),
    ("HeartbeatSecondsPath", "$.a", ["Task"]),
    ("Credentials", {"RoleArn.$": "$.a"}, ["Task"]),
    ("Default", "Z", ["Choice"]),
    ("Error", "e", ["Fail"]),
    ("ErrorPath", "$.e", ["Fail"]),
    ("Cause", "e", ["Fail"]),
    ("CausePath", "States.UUID()", ["Fail"]),
    ("ItemsPath", "$.a", ["Map"]),
    ("ItemSelector", {}, ["Map"]),
    ("MaxConcurrency", 0, ["Map"]),
    ("MaxConcurrencyPath", "$.a", ["Map"]),
    ("Branches", [INNER], ["Parallel"]),
    ("Choices", REQUIRED["Choice"]["Choices"], ["Choice"]),
    ("Resource", "activity:x", ["Task"]),
    ("Seconds", 1, ["Wait"]),
    ("ItemProcessor", INNER, ["Map"]),
    ("Next", "Z", ["Pass", "Task", "Wait", "Parallel", "Map"]),
]


def machine(kind: str, **fields) -> str:
    state = {"Type": kind, **REQUIRED[kind], **fields}
    if kind not in {"Choice", "Succeed", "Fail"} and "Next" not in state and "End" not in state:
        state["Next"] = "Z"
    start = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.s", "IsNull": True, "Next": "S"}],
        "Default": "Z",
    }
    states = {"Start": start, "S": state, "Z": {"Type": "Succeed"}}
    return json.dumps({"StartAt": "Start", "States": states}, indent=1)


def errors(text: str) -> list[tuple[str, str]]:
    return [(p.code, p.pointer) for p in check(text) if p.severity == "error"]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("field", "value", "kinds"), ALLOWED)
def test_a_field_is_taken_by_its_types_and_refused_by_the_others(field, value, kinds, kind):
    expected = [] if kind in kinds else [("unknown_field", f"/States/S/{field}")]
    assert errors(machine(kind, **{field: value})) == expected


REFUSED = [
    ("Task", {"Resource": 5}, "wrong_type", "/Resource"),
    ("Task", {"TimeoutSeconds": 0}, "out_of_range", "/TimeoutSeconds"),
    ("Task", {"TimeoutSeconds": 100_000_000}, "out_of_range", "/TimeoutSeconds"),
    ("Task", {"TimeoutSeconds": 1.5}, "wrong_type", "/TimeoutSeconds"),
    ("Task", {"TimeoutSeconds": True}, "wrong_type", "/TimeoutSeconds"),
    ("Task", {"TimeoutSeconds": "{% $a %}"}, "wrong_query_language", "/TimeoutSeconds"),
    (
        "Task",
        {"TimeoutSeconds": 1, "TimeoutSecondsPath": "$.a"},
        "exclusive_fields",
        "/TimeoutSecondsPath",
    ),
    (
        "Task",
        {"HeartbeatSeconds": 1, "HeartbeatSecondsPath": "$.a"},
        "exclusive_fields",
        "/HeartbeatSecondsPath",
    ),
    ("Task", {"Credentials": {}}, "missing_field", "/Credentials"),
    ("Task", {"Retry": {}}, "wrong_type", "/Retry"),
    ("Task", {"Retry": [{}]}, "missing_field", "/Retry/0"),
    ("Task", {"Retry": [{"ErrorEquals": []}]}, "empty", "/Retry/0/ErrorEquals"),
    ("Task", {"Retry": [{"ErrorEquals": [1]}]}, "wrong_type", "/Retry/0/ErrorEquals/0"),
    (
        "Task",
        {"Retry": [{"ErrorEquals": ["a"], "BackoffRate": 0.5}]},
        "out_of_range",
        "/Retry/0/BackoffRate",
    ),
    (
        "Task",
        {"Retry": [{"ErrorEquals": ["a"], "MaxAttempts": -1}]},
        "out_of_range",
        "/Retry/0/MaxAttempts",
    ),
    (
        "Task",
        {"Retry": [{"ErrorEquals": ["a"], "IntervalSeconds": -1}]},
        "out_of_range",
        "/Retry/0/IntervalSeconds",
    ),
    (
        "Task",
        {"Retry": [{"ErrorEquals": ["a"], "MaxDelaySeconds": 31_622_401}]},
        "out_of_range",
        "/Retry/0/MaxDelaySeconds",
    ),
    ("Task", {"Retry": [{"ErrorEquals": ["a"], "Next": "Z"}]}, "unknown_field", "/Retry/0/Next"),
    ("Task", {"Catch": [{"ErrorEquals": ["a"]}]}, "missing_field", "/Catch/0"),
    (
        "Task",
        {"Catch": [{"ErrorEquals": ["a"], "Next": "Z", "Output": 1}]},
        "wrong_query_language",
        "/Catch/0/Output",
    ),
    (
        "Task",
        {"Catch": [{"ErrorEquals": ["a"], "Next": "Z", "Assign": {"states": 1}}]},
        "invalid_variable",
        "/Catch/0/Assign/states",
    ),
    ("Task", {"Next": "Z", "End": True}, "exclusive_fields", "/End"),
    ("Task", {"End": "yes"}, "wrong_type", "/End"),
    ("Task", {"Arguments": {}}, "wrong_query_language", "/Arguments"),
    ("Task", {"Comment": 5}, "wrong_type", "/Comment"),
    ("Pass", {"Output": "{% 1 %}"}, "wrong_query_language", "/Output"),
    ("Pass", {"Assign": {"$x": 1}}, "invalid_variable", "/Assign/$x"),
    ("Pass", {"Assign": {"x.y.$": "$.a"}}, "invalid_variable", "/Assign/x.y.$"),
    ("Pass", {"Assign": {"x" * 81: 1}}, "invalid_variable", "/Assign/" + "x" * 81),
    ("Pass", {"Assign": 5}, "wrong_type", "/Assign"),
    ("Pass", {"ResultPath": "$x"}, "invalid_path", "/ResultPath"),
    ("Succeed", {"Assign": {"x": 1}}, "unknown_field", "/Assign"),
    ("Wait", {"Arguments": 1}, "unknown_field", "/Arguments"),
    ("Pass", {"QueryLanguage": "XPath"}, "not_allowed", "/QueryLanguage"),
    ("Pass", {"Parameters": "x"}, "wrong_type", "/Parameters"),
    ("Pass", {"InputPath": 5}, "wrong_type", "/InputPath"),
    ("Wait", {"Seconds": -1}, "out_of_range", "/Seconds"),
    ("Wait", {"Timestamp": "2026-01-01T00:00:00Z"}, "exclusive_fields", "/Timestamp"),
    ("Choice", {"Choices": []}, "empty", "/Choices"),
    ("Choice", {"Choices": [{"Variable": "$.a", "Next": "Z"}]}, "missing_field", "/Choices/0"),
    ("Choice", {"Choices": [{"Variable": "$.a", "IsNull": True}]}, "missing_field", "/Choices/0"),
    ("Choice", {"Choices": [{"IsNull": True, "Next": "Z"}]}, "missing_field", "/Choices/0"),
    (
        "Choice",
        {"Choices": [{"Variable": "$.a", "IsNull": False, "IsString": True, "Next": "Z"}]},
        "exclusive_fields",
        "/Choices/0/IsString",
    ),
    (
        "Choice",
        {"Choices": [{"Variable": "$.a", "IsNull": 1, "Next": "Z"}]},
        "wrong_type",
        "/Choices/0/IsNull",
    ),
    (
        "Choice",
        {"Choices": [{"Variable": "$.a", "StringEqual": "", "Next": "Z"}]},
        "unknown_field",
        "/Choices/0/StringEqual",
    ),
    ("Choice", {"Choices": [{"And": [], "Next": "Z"}]}, "empty", "/Choices/0/And"),
    ("Choice", {"Choices": [{"Not": {"Or": []}, "Next": "Z"}]}, "empty", "/Choices/0/Not/Or"),
    (
        "Choice",
        {"Choices": [{"Not": {"Variable": "$.a", "IsNull": True, "Next": "Z"}, "Next": "Z"}]},
        "unknown_field",
        "/Choices/0/Not/Next",
    ),
    (
        "Choice",
        {"Choices": [{"Variable": "$.a", "Not": {"Variable": "$.a", "IsNull": True}, "Next": "Z"}]},
        "exclusive_fields",
        "/Choices/0/Variable",
    ),
    (
        "Choice",
        {"Choices": [{"Condition": "{% true %}", "Next": "Z"}]},
        "wrong_query_language",
        "/Choices/0/Condition",
    ),
    ("Fail", {"Error": "a", "ErrorPath": "$.a"}, "exclusive_fields", "/ErrorPath"),
    ("Fail", {"Cause": "a", "CausePath": "$.a"}, "exclusive_fields", "/CausePath"),
    ("Fail", {"Cause": "x" * 32769}, "too_long", "/Cause"),
    ("Parallel", {"Branches": []}, "empty", "/Branches"),
    ("Parallel", {"Branches": [{"StartAt": "I"}]}, "missing_field", "/Branches/0"),
    ("Parallel", {"Branches": [{"StartAt": "I", "States": {}}]}, "empty", "/Branches/0/States"),
    (
        "Parallel",
        {"Branches": [{**INNER, "QueryLanguage": "JSONPath"}]},
        "unknown_field",
        "/Branches/0/QueryLanguage",
    ),
    (
        "Map",
        {"Iterator": {"StartAt": "J", "States": {"J": {"Type": "Succeed"}}}},
        "exclusive_fields",
        "/Iterator",
    ),
    ("Map", {"ItemSelector": {}, "Parameters": {}}, "exclusive_fields", "/Parameters"),
    ("Map", {"MaxConcurrency": -1}, "out_of_range", "/MaxConcurrency"),
    (
        "Map",
        {"MaxConcurrency": 1, "MaxConcurrencyPath": "$.a"},
        "exclusive_fields",
        "/MaxConcurrencyPath",
    ),
    ("Map", {"Items": [1]}, "wrong_query_language", "/Items"),
    ("Map", {"ToleratedFailureCount": -1}, "out_of_range", "/ToleratedFailureCount"),
    ("Map", {"ToleratedFailurePercentage": 101}, "out_of_range", "/ToleratedFailurePercentage"),
    ("Map", {"Label": "x"}, "distributed_only", "/Label"),
    (
        "Map",
        {"ItemProcessor": {**INNER, "ProcessorConfig": {"ExecutionType": "EXPRESS"}}},
        "distributed_only",
        "/ItemProcessor/ProcessorConfig/ExecutionType",
    ),
    (
        "Map",
        {"ItemProcessor": {**INNER, "ProcessorConfig": {"Mode": "inline"}}},
        "not_allowed",
        "/ItemProcessor/ProcessorConfig/Mode",
    ),
]


@pytest.mark.parametrize(("kind", "fields", "code", "pointer"), REFUSED)
def test_one_mistake_is_one_problem(kind, fields, code, pointer):
    assert errors(machine(kind, **fields)) == [(code, "/States/S" + pointer)]


def test_neither_next_nor_end_is_one_problem_at_the_state():
    text = "StartAt: A\nStates:\n  A:\n    Type: Pass\n    End: false\n"
    assert places(text) == [("missing_field", "/States/A", 3, 3)]


def test_next_beside_end_false_is_accepted():
    assert errors(machine("Pass", Next="Z", End=False)) == []


def test_a_map_without_processor_and_a_wait_without_time_miss_one_of_several():
    text = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Map", "End": True}}})
    (problem,) = check(text)
    assert (problem.code, problem.message) == (
        "missing_field",
        "One field is required here: ItemProcessor or Iterator.",
    )


def test_an_empty_object_misses_start_and_states():
    assert [p.message for p in check("{}")] == [
        "The field StartAt is required here.",
        "The field States is required here.",
    ]


def test_top_level_fields_are_checked():
    text = "StartAt: A\nVersion: '2.0'\nTimeoutSeconds: 0\nStates: {A: {Type: Succeed}}\nExtra: 1\n"
    assert places(text) == [
        ("not_allowed", "/Version", 2, 10),
        ("out_of_range", "/TimeoutSeconds", 3, 17),
        ("unknown_field", "/Extra", 5, 1),
    ]


def test_a_misspelt_required_field_is_not_missing_too():
    text = "StartAt: A\nStates:\n  A: {Type: Task, Resourse: 'activity:x', End: true}\n"
    assert places(text) == [("unknown_field", "/States/A/Resourse", 3, 19)]


def test_whole_numbers_may_be_written_with_a_point():
    made, _ = examine(machine("Wait", Seconds=5.0))
    assert made is not None
    assert repr(made.states["S"].seconds) == "5"


def test_the_quick_validator_agrees_with_jsonschema():
    plain = jsonschema.Draft7Validator(SCHEMA)
    texts = [machine(kind, **fields) for kind, fields, *_ in REFUSED]
    texts += [machine(kind, **{field: value}) for field, value, _ in ALLOWED for kind in TYPES]
    for state in (
        None,
        5,
        [],
        "x",
        {},
        {"Type": None},
        {"Type": ["Pass"]},
        {"Type": "Pass", "End": False},
    ):
        texts.append(json.dumps({"StartAt": "A", "States": {"A": state}}))
    answers = [(validator().is_valid(json.loads(t)), plain.is_valid(json.loads(t))) for t in texts]
    assert all(quick == slow for quick, slow in answers)
    assert {quick for quick, _ in answers} == {True, False}


@pytest.mark.parametrize(
    "states",
    [
        {f"S{n}": 0 for n in range(70_000)},
        {f"S{n}": {"Type": "Choice"} for n in range(25_000)},
        {"S0": {"Type": "Choice", "Choices": [{}] * 100_000}},
        {f"State {n}": {"Type": "Pass", "Nxt": f"Stat {n + 1}"} for n in range(15_000)},
        {f"State {n}": {"Type": "Pass", "Next": f"Stat {n + 1}"} for n in range(15_000)},
    ],
)
def test_a_megabyte_of_mistakes_costs_seconds_of_work_not_minutes(states):
    begun = time.process_time()  # this process's own work: a busy machine does not count
    assert 1 <= len(check(json.dumps({"StartAt": "S0", "States": states}))) <= 1000
    assert time.process_time() - begun < 60
