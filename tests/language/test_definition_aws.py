"""Problems as AWS words them: each refusal of the table exactly, what it accepts, what is ours alone, and how texts that are no JSON read."""

from __future__ import annotations

import json

import pytest

from engine.language import check, examine
from engine.language.diagnostics import Diagnostic, diagnostics, invalid_definition_text
from engine.language.limits import CONSEQUENCES_MAX
from engine.language.problems import Problem
from engine.language.resources.express import examine_as
from tests.language.refusals.general import (
    ACTIVITY,
    DONE,
    LAMBDA,
    PROCESSOR,
    REFUSALS,
    choice,
    failed,
    jsonata,
    one,
    states,
    task,
    to,
)

VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


def problems(definition) -> tuple[Problem, ...]:
    return check(definition if isinstance(definition, str) else json.dumps(definition), "json")


def lines(definition) -> list[str]:
    return [
        f"{d.code}: {d.message} at {'null' if d.location is None else d.location}"
        for d in diagnostics(problems(definition))
        if d.severity == "ERROR"
    ]


@pytest.mark.parametrize(
    ("definition", "expected"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_refusals_read_as_on_aws(definition, expected):
    assert lines(definition) == expected


@pytest.mark.parametrize("definition", [r[1] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_every_refusal_of_aws_has_its_rendering_on_a_problem(definition):
    errors = [p for p in problems(definition) if p.severity == "error"]
    assert errors
    assert all(isinstance(p.aws, Diagnostic) for p in errors)


def test_several_refusals_are_joined_in_one_message():
    text = invalid_definition_text(problems(states("S", S=to("X"), D=DONE)))
    assert text == (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/S/Next, "
        'MISSING_TRANSITION_TARGET: State "D" is not reachable. at /States/D\''
    )


ACCEPTED = {
    "a user's error name that begins with States.": task(Retry=[{"ErrorEquals": ["States.QuorumMet"]}]),
    "a Choice without Default": states(
        "S", S={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "D"}]}, D=DONE
    ),
    "End: false": states("S", S=to("D") | {"End": False}, D=DONE),
    "the same error twice": task(Retry=[{"ErrorEquals": ["A"]}, {"ErrorEquals": ["A"]}]),
    "a wrong number of arguments": task(Parameters={"n.$": "States.MathAdd(1)"}),
    "a loop without an end inside a Map": one(
        "Map", ItemProcessor=states("A", A=to("B"), B=to("A"))
    ),
    "a retry without delay": task(Retry=[{"ErrorEquals": ["A"], "IntervalSeconds": 0}]),
    "JSONata in a JSONPath machine": one("Pass", QueryLanguage="JSONata", Output="{% 1 %}"),
    "credentials by an expression": jsonata("Task", Resource=LAMBDA, Credentials={"RoleArn": "{% 'r' %}"}),
}  # fmt: skip


@pytest.mark.parametrize("definition", ACCEPTED.values(), ids=[*ACCEPTED])
def test_what_aws_accepts_is_accepted(definition):
    machine, found = examine(json.dumps(definition), "json")
    assert machine is not None
    assert invalid_definition_text(found) == "Invalid State Machine Definition: ''"


WARNED = {
    "NO_DOLLAR": (task(Parameters={"id": "$.id"}), "/States/S/Parameters/id"),
    "NO_PATH": (one("Fail", Error="$.error"), "/States/S/Error"),
    "PASS_RESULT_IS_STATIC": (one("Pass", Result={"id": ["$.id"]}), "/States/S/Result/id[0]"),
}


@pytest.mark.parametrize("code", WARNED)
def test_warnings_have_aws_codes_and_refuse_nothing(code):
    definition, location = WARNED[code]
    (found,) = diagnostics(problems(definition))
    assert (found.code, found.location, found.severity) == (code, location, "WARNING")
    assert examine(json.dumps(definition), "json")[0] is not None


def test_an_error_that_aws_does_not_know_is_listed_in_our_words_and_has_no_rendering():
    text = '{"StartAt": "S", "States": {"S": {"Type": "Succeed"}, "S": {"Type": "Succeed"}}}'
    (problem,) = check(text, "json")
    assert not problem.aws
    (found,) = diagnostics([problem])
    assert found.location == "/States/S"
    assert found.message == problem.message.removesuffix(".")


def test_a_place_in_a_list_and_a_name_of_digits_are_told_apart():
    rule = {"Variable": "$.a", "StringMatches": "a\\b", "Next": "D"}
    machine = {"StartAt": "7", "States": {"7": choice(rule)["States"]["S"], "D": DONE}}
    assert [d.location for d in diagnostics(problems(machine))] == [
        "/States/7/Choices[0]/StringMatches"
    ]


def test_a_warning_that_aws_does_not_know_is_left_out():
    assert diagnostics(problems(task(Retry=[{"ErrorEquals": ["States.Runtime"]}]))) == []


def test_consequences_of_one_mistake_are_told_with_it_and_bounded():
    many = {f"n{n}": DONE for n in range(CONSEQUENCES_MAX + 10)}
    (problem,) = [p for p in problems(states("X", **many)) if p.code == "unknown_target"]
    assert len(problem.aws_also) == CONSEQUENCES_MAX


def test_consequences_are_told_with_their_cause_and_not_with_what_stands_before_it():
    pay = {"Type": "Task", "Resource": LAMBDA, "TimeoutSeconds": 0, "Next": "Don"}
    found = {p.code: p for p in problems(states("Pay", Pay=pay, Done=DONE))}
    assert not found["out_of_range"].aws_also
    assert [said.location for said in found["unknown_target"].aws_also] == ["/States/Done"]


def test_a_name_as_long_as_the_text_is_not_repeated_whole():
    name = "n" * 100_000
    machine = one("Parallel", Branches=[states("X", **{name: DONE})])
    told = invalid_definition_text(problems(machine))
    assert len(told) < 10_000
    assert "/Branches[0]/States/nnn" in told


def test_a_missing_field_is_listed_once_however_many_lack():
    found = problems({"Comment": "nothing"})
    assert [p.code for p in found] == ["missing_field", "missing_field"]
    assert len(diagnostics(found)) == 1


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("nope", f"Unrecognized token 'nope': was expecting {VALUES}", 5),
        ('{"a": yes}', f"Unrecognized token 'yes': was expecting {VALUES}", 10),
        ('{"a": }', f"Unexpected character ('}}' (code 125)): expected a valid value {VALUES}", 8),
        ("{a: 1}", "Unexpected character ('a' (code 97)): was expecting double-quote to start field name", 3),
        ('{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value", 7),
        ('{"a": 1 "b": 2}', "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries", 10),
        ("[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries", 5),
        ("{", 'Unexpected end-of-input: expected close marker for Object (start marker at [Source: (String)"{"; line: 1, column: 1])', 2),
        ('{"a": 1', 'Unexpected end-of-input: expected close marker for Object (start marker at [Source: (String)"{"a": 1"; line: 1, column: 1])', 8),
        ('{"a": 1,', "Unexpected end-of-input within/between Object entries", 9),
        ('{"a"', "Unexpected end-of-input within/between Object entries", 5),
        ("[1,", "Unexpected end-of-input within/between Array entries", 4),
        ('{"a": "x', "Unexpected end-of-input: was expecting closing quote for a string value", 9),
    ],
)  # fmt: skip
def test_a_text_that_is_no_json_is_placed_behind_what_was_read_last(text, message, column):
    (found,) = diagnostics(check(text, "json"))
    assert found.code == "INVALID_JSON_DESCRIPTION"
    assert found.location == f'[Source: (String)"{text}; line: 1, column: {column}]'.replace(
        text, text + '"'
    )
    assert found.message == f"{message}\n at {found.location}"


def test_a_long_text_is_cut_in_its_location():
    (found,) = diagnostics(check(" " * 600 + "x", "json"))
    assert '"[truncated 101 chars]; line: 1, column: 602]' in found.location


@pytest.mark.parametrize(
    ("resource", "what"),
    [
        (ACTIVITY, "Activity ARN"),
        ("arn:aws:states:::ecs:runTask.sync", "'.sync' service integration"),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "'.waitForTaskToken' service integration"),
    ],
)  # fmt: skip
def test_what_an_express_definition_may_not_hold_reads_as_on_aws(resource, what):
    text = json.dumps(task(Resource=resource))
    machine, found = examine_as("EXPRESS", text, "json")
    assert machine is None
    assert (
        f": '{failed(f'Express state machine does not support {what}', '/States/S/Resource')}'"
        in (invalid_definition_text(found))
    )
    assert examine_as("STANDARD", text, "json")[0] is not None


def test_yaml_is_not_worded_as_json():
    (problem,) = check("Comment: first: this", "yaml")
    assert not problem.aws
    assert diagnostics([problem])[0].code == "INVALID_JSON_DESCRIPTION"


def test_the_map_of_a_processor_is_accepted_by_either_name():
    assert lines(one("Map", Iterator=PROCESSOR)) == []
    assert lines(one("Map")) == [
        failed(
            "This object should have only one of the following fields: [ItemProcessor, Iterator]"
        )
    ]
