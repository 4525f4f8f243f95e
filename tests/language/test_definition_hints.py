"""What a problem says to do about it, where it points, and that one mistake is not told as several."""

from __future__ import annotations

import json

import pytest
from language_cases import codes, found
from problem_examples import only

from engine.language.expressions.context import CONTEXT
from engine.language.problems import Problem, nearest


def problem(text: str, notation: str | None = None) -> Problem:
    """The only problem of the text."""
    (one,) = found(text, notation)
    return one


def task(resource: str) -> str:
    return only("Task", f"Resource: {resource}", "End: true")


# One mistake, one hint that fits


@pytest.mark.parametrize(
    ("value", "code", "hint"),
    [
        ("yes", "yaml_ambiguous", "Write true."),
        ("Off", "yaml_ambiguous", "Write false."),
        ("'yes'", "wrong_type", "Write true."),
        ("'true'", "wrong_type", "Write true, without quotes."),
        ("maybe", "wrong_type", "Write true or false."),
        ("1", "wrong_type", "Write true or false."),
    ],
)
def test_a_word_in_place_of_true_is_one_error_that_says_what_to_write(value, code, hint):
    one = problem(only("Pass", f"End: {value}"))
    assert (one.code, one.hint, one.severity) == (code, hint, "error")


@pytest.mark.parametrize(
    ("fields", "code", "hint"),
    [
        (("Seconds: '5'",), "wrong_type", "Write it without quotes."),
        (("Seconds: soon",), "wrong_type", "Write digits only, such as 60."),
        (("Seconds: 1_000",), "yaml_ambiguous", "Write digits only, such as 60."),
        (("Seconds: ${Delay}",), "wrong_type", "Fill in the placeholder."),
        (("Seconds: 1", "Comment: 010"), "yaml_ambiguous", "Put it in quotes."),
        (("Seconds: 1", "Comment: 7"), "wrong_type", "Put it in quotes."),
        (
            ("Timestamp: 2026-12-01T08:00:00Z",),
            "yaml_ambiguous",
            'Put dates and timestamps in quotes: "2026-12-01T08:00:00Z".',
        ),
    ],
)
def test_a_scalar_of_the_wrong_form_is_one_error_that_says_what_to_write(fields, code, hint):
    one = problem(only("Wait", *fields, "End: true"))
    assert (one.code, one.hint) == (code, hint)


@pytest.mark.parametrize(
    ("value", "notation", "hint"),
    [
        ("States.ALL", "yaml", "Write [States.ALL]."),
        ("My error: late", "json", 'Write ["My error: late"].'),
        ("10%", "yaml", 'Write ["10%"].'),
    ],
)
def test_one_error_name_without_a_list_is_shown_as_a_list(value, notation, hint):
    retry = [{"ErrorEquals": value}]
    state = {"Type": "Task", "Resource": "activity:a", "Retry": retry, "End": True}
    text = json.dumps({"StartAt": "A", "States": {"A": state}})
    assert problem(text, notation).hint == hint


def test_a_retrier_that_stands_alone_is_to_become_a_list():
    one = problem(
        only("Task", "Resource: activity:a", "Retry: {ErrorEquals: [x]}", "End: true"), "yaml"
    )
    assert one.hint == "Make it a list, even of one: put - before its first field."


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        (
            only("Pass"),
            "missing_field",
            "Add Next with the name of the state that follows, or End: true.",
        ),
        (
            "StartAt: A\nStates: {}\n",
            "empty",
            "Add the state that StartAt names, such as Hello: {Type: Succeed}.",
        ),
        (
            "- StartAt: A\n  States: {}\n",
            "not_an_object",
            "Take the object out of the list: remove the - or the [ ] around it.",
        ),
        ("- a\n- b\n", "not_an_object", "Begin with StartAt and States, such as StartAt: Hello."),
        ("hello", "not_an_object", "Begin with StartAt and States, such as StartAt: Hello."),
    ],
)
def test_what_is_missing_is_named(text, code, hint):
    one = problem(text)
    assert (one.code, one.hint) == (code, hint)


# Names nearly right


@pytest.mark.parametrize(
    ("name", "meant"),
    [("Og", "Go"), ("GO", "Go"), ("Aplha", "Alpha"), ("og ", "Go"), ("X", None), ("oG1", None)],
)
def test_swapped_neighbours_and_other_case_are_the_same_name(name, meant):
    assert nearest(name, ["Go", "Alpha", "B"]) == meant


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        (only("Succeed").replace("StartAt: Go", "StartAt: Og"), "unknown_target", "Go"),
        (only("Sucess"), "unknown_state_type", "Succeed"),
        (task("activty:x"), "unsupported_resource", "activity:x"),
        (task("Activity:x"), "unsupported_resource", "activity:x"),
        (task("htttps://a.example/b"), "unsupported_resource", "https://a.example/b"),
        (task("https:/a.example/b"), "unsupported_resource", "https://a.example/b"),
        (task("singal:go"), "unsupported_resource", "signal:go"),
        (task("anr:aws:states:::lambda:invoke"), "unsupported_resource", "arn:aws:states:::lambda:invoke"),
        (
            task("arn:aws:states:::lambda:invoke.waitForToken"),
            "unsupported_resource",
            "arn:aws:states:::lambda:invoke.waitForTaskToken",
        ),
        (task("activity:x.waitfortasktoken"), "malformed_resource", "activity:x.waitForTaskToken"),
        (
            task("activity:x.waitForTaskToken.waitForTaskToken"),
            "malformed_resource",
            "activity:x.waitForTaskToken",
        ),
        (task("activity:x.waitForToken"), "looks_like_callback", "activity:x.waitForTaskToken"),
        (
            task("https://a.example/b.waitForTaskTokn"),
            "looks_like_callback",
            "https://a.example/b.waitForTaskToken",
        ),
    ],
)  # fmt: skip
def test_a_name_nearly_right_is_put_right(text, code, hint):
    one = problem(text)
    assert (one.code, one.hint) == (code, f"Did you mean {hint}?")


@pytest.mark.parametrize(
    "resource", ["activity:x.v2", "https://a.example/tokens.json", "activity:token", "activity:x"]
)
def test_a_resource_that_only_has_a_dot_is_not_doubted(resource):
    assert codes(task(resource)) == []


@pytest.mark.parametrize("call", ["States.Fromat('{}', 1)", "states.format('{}', 1)", "Format(1)"])
def test_a_misspelt_function_is_put_right(call):
    one = problem(only("Pass", f'Parameters: {{a.$: "{call}"}}', "End: true"))
    assert (one.code, one.hint) == ("invalid_template", "Did you mean States.Format?")


def test_a_bare_name_in_place_of_a_path_is_shown_as_a_path():
    template = only("Pass", "Parameters: {id.$: order.id}", "End: true")
    choice = only("Choice", "Choices: [{Variable: a, IsNull: true, Next: B}]", "Default: B")
    hints = [problem(text).hint for text in (template, choice + "  B: {Type: Succeed}\n")]
    assert hints == ["Write $.order.id", "Write $.a"]


def test_a_constant_under_a_key_for_expressions_is_told_where_it_goes():
    one = problem(only("Pass", "Parameters: {limit.$: 5}", "End: true"))
    assert (one.hint, one.column) == ("For a constant, name the key limit.", 27)


# The Context Object


@pytest.mark.parametrize(
    ("path", "told", "hint", "column"),
    [
        ("$$.Execution.Nme", "$$.Execution.Nme", "Did you mean Name?", 28),
        ("$$.Exection.Id", "$$.Exection", "Did you mean Execution?", 18),
        ("$$.Execution.Id.x", "$$.Execution.Id.x", "", 31),
        ("$$['State']['Nam']", "$$.State.Nam", "Did you mean Name?", 28),
        (
            "States.Array($$.Task.token)",
            "$$.Task.token",
            "Did you mean Token?",
            36,
        ),
        ("$$.Map.Item.Foo", "$$.Map.Item.Foo", "$$.Map.Item has Index, Key, Source, Value.", 27),
    ],
)
def test_a_context_field_that_does_not_exist_is_a_warning_at_its_name(path, told, hint, column):
    text = only("Pass", f'Parameters: {{a.$: "{path}"}}', "End: true")
    one = problem(text)
    assert (one.code, one.severity, one.hint) == ("unknown_context_field", "warning", hint)
    assert one.message == f"The Context Object has no {told}."
    assert text.splitlines()[4][one.column - 1 :].startswith(told.rpartition(".")[2])


def test_context_paths_are_looked_at_wherever_they_may_stand():
    rule = {"Variable": "$$.State.Nme", "IsPresent": True, "Next": "A"}
    states = {
        "A": {"Type": "Pass", "InputPath": "$$.Execution.Inputs", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [rule], "Default": "C"},
        "C": {"Type": "Fail", "ErrorPath": "$$.Execution.Error"},
    }
    text = json.dumps({"StartAt": "A", "States": states})
    assert [(p.code, p.pointer) for p in found(text)] == [
        ("unknown_context_field", "/States/A/InputPath"),
        ("unknown_context_field", "/States/B/Choices/0/Variable"),
        ("unknown_context_field", "/States/C/ErrorPath"),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "$$",
        "$$.Execution.Input.anything[0].at.all",
        "$$.Map.Item.Value.price",
        "$$..Nme",
        "$$.*",
        *(f"$$.{part}" for part in CONTEXT),
    ],
)
def test_what_the_context_may_hold_is_not_doubted(path):
    assert codes(only("Pass", f'Parameters: {{a.$: "{path}"}}', "End: true")) == []


# Where it points


@pytest.mark.parametrize(
    ("written", "column"),
    [
        ("$.a[", 22),
        ("'$.a['", 23),
        ('"$.a["', 23),
        ('"$\\x2ea["', 18),  # written with an escape: the start
        ("&x $.a[", 18),
    ],
)
def test_the_column_is_that_of_the_offending_character_where_it_can_be_told(written, column):
    one = problem(only("Pass", "Parameters:", f"      order.$: {written}", "End: true"))
    assert (one.code, one.line, one.column) == ("invalid_template", 6, column + 2)
    assert "'[' must be followed by" in one.message
    assert "(at character 5 of '$.a[')" in one.message


@pytest.mark.parametrize("field", ["InputPath", "OutputPath", "ResultPath"])
def test_a_broken_path_points_at_the_character_too(field):
    one = problem(only("Pass", f"{field}: $.a b", "End: true"))
    assert (one.code, one.column) == ("invalid_path", 5 + len(field) + 2 + 3)


def test_a_text_over_several_lines_is_shown_at_its_start():
    one = problem(only("Pass", "Parameters:", "  a.$: >-", "    $.a", "    [", "End: true"))
    assert (one.line, one.column) == (6, 12)
    assert "\n" not in one.message


def test_a_broken_path_in_json_points_at_the_character():
    text = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": "$.a]", "End": true}}}'
    assert problem(text).column == text.index("]") + 1


def test_a_long_expression_is_not_repeated_in_full():
    one = problem(only("Pass", f"InputPath: $.{'x' * 5000}]", "End: true"))
    assert one.column == 16 + 5002
    assert len(one.message) < 300


# A key that stands twice


CHAIN = "  A: {Type: Pass, Next: B}\n  B: {Type: Pass, Next: C}\n  C: {Type: Succeed}\n"


@pytest.mark.parametrize(
    "text",
    [
        f"StartAt: A\nStates:\n{CHAIN}  A: {{Type: Pass, Next: A}}\n",
        f"StartAt: A\nStates:\n{CHAIN}".replace("Next: B", "Next: B, Next: A"),
        f"StartAt: A\nStartAt: C\nStates:\n{CHAIN}",
        f"StartAt: A\nStates:\n{CHAIN}States:\n  D: {{Type: Succeed}}\n",
    ],
)
def test_a_duplicate_key_is_the_only_problem_it_causes(text):
    assert codes(text) == ["duplicate_key"]


def test_a_duplicate_key_elsewhere_hides_nothing():
    text = only("Pass", "Parameters: {a: 1, a: 2}", "End: true") + "  Lost:\n    Type: Succeed\n"
    assert codes(text) == ["duplicate_key", "unreachable_state"]
