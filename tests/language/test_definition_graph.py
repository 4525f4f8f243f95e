"""Where transitions lead, what lies on no way, and the rules about single states that a schema cannot tell."""

from __future__ import annotations

import pytest
from language_cases import codes, found, places

from engine.language import examine

LINEAR = "StartAt: A\nStates:\n  A: {Type: Pass, Next: B}\n  B: {Type: Succeed}\n"


def test_a_sound_machine_has_no_problem():
    assert places(LINEAR) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LINEAR.replace("StartAt: A", "StartAt: X"), [("unknown_target", "/StartAt", 1, 10)]),
        (LINEAR.replace("StartAt: A", "StartAt: a"), [("unknown_target", "/StartAt", 1, 10)]),
        (
            LINEAR.replace("Next: B", "Next: Missing"),
            [("unknown_target", "/States/A/Next", 3, 25), ("unreachable_state", "/States/B", 4, 3)],
        ),
        (
            """StartAt: A
States:
  A:
    Type: Choice
    Choices:
    - {Variable: $.a, IsNull: true, Next: X}
    Default: Y
""",
            [("unknown_target", "/States/A/Choices/0/Next", 6, 43), ("unknown_target", "/States/A/Default", 7, 14)],
        ),
        (
            """StartAt: A
States:
  A:
    Type: Task
    Resource: activity:a
    End: true
    Catch: [{ErrorEquals: [x], Next: Z}]
""",
            [("unknown_target", "/States/A/Catch/0/Next", 7, 38)],
        ),
    ],
)  # fmt: skip
def test_a_target_that_is_not_there_is_found_wherever_it_is_named(text, expected):
    assert places(text) == expected


def test_a_misspelt_target_does_not_make_the_meant_state_unreachable():
    text = LINEAR.replace("Next: B", "Next: Finsh").replace("  B:", "  Finish:")
    assert codes(text) == ["unknown_target"]


PARALLEL = """StartAt: P
States:
  P:
    Type: Parallel
    Branches:
    - StartAt: I
      States:
        I: {Type: Pass, Next: %s}
        J: {Type: Succeed}
    Catch: [{ErrorEquals: [States.ALL], Next: %s}]
    Next: Z
  Z: {Type: Succeed}
"""


def test_transitions_stay_in_their_scope():
    assert places(PARALLEL % ("J", "Z")) == []
    out = places(PARALLEL % ("Z", "Z"))
    assert out == [
        ("target_out_of_scope", "/States/P/Branches/0/States/I/Next", 8, 31),
        ("unreachable_state", "/States/P/Branches/0/States/J", 9, 9),
    ]
    assert places(PARALLEL % ("J", "I")) == [
        ("target_out_of_scope", "/States/P/Catch/0/Next", 10, 47)
    ]


def test_a_start_in_another_scope_is_out_of_scope():
    text = (PARALLEL % ("J", "Z")).replace("StartAt: P", "StartAt: I")
    assert places(text) == [("target_out_of_scope", "/StartAt", 1, 10)]


def test_states_reached_only_by_each_other_are_unreachable():
    text = LINEAR + "  X: {Type: Pass, Next: Y}\n  Y: {Type: Pass, Next: X}\n"
    assert places(text) == [
        ("unreachable_state", "/States/X", 5, 3),
        ("unreachable_state", "/States/Y", 6, 3),
    ]


def test_a_catch_makes_a_state_reachable():
    text = LINEAR.replace(
        "Pass, ", "Task, Resource: 'activity:a', Catch: [{ErrorEquals: [x], Next: C}], "
    )
    assert codes(text + "  C: {Type: Fail}\n") == []


def test_a_branch_without_an_end_is_doubted_but_not_refused():
    text = PARALLEL.replace("J: {Type: Succeed}", "J: {Type: Pass, Next: I}") % ("J", "Z")
    assert places(text) == [("endless_loop", "/States/P/Branches/0/States/I", 8, 9)]
    assert examine(text)[0] is not None


def test_a_loop_with_a_way_out_is_fine_and_one_without_is_told_once():
    loop = "  C: {Type: Choice, Choices: [{Variable: $.a, IsNull: true, Next: %s}], Default: W}\n  W: {Type: Wait, Seconds: 1, Next: C}\n"
    start = LINEAR.replace("Next: B", "Next: C")
    assert codes(start + loop % "B") == []
    trapped = LINEAR.replace(
        "{Type: Pass, Next: B}",
        "{Type: Choice, Choices: [{Variable: $.b, IsNull: true, Next: C}], Default: B}",
    )
    assert places(trapped + loop % "W") == [("endless_loop", "/States/C", 5, 3)]


def test_names_are_unique_at_all_depths():
    text = (PARALLEL % ("J", "Z")).replace("J", "P")
    (problem,) = found(text)
    assert (problem.code, problem.line, problem.column) == ("duplicate_state_name", 9, 9)
    assert "line 3" in problem.message


@pytest.mark.parametrize(
    ("name", "accepted"),
    [("x" * 80, True), ("x" * 81, False), ("é😀" * 40, True), ("a b/c~d", True)],
)
def test_state_names_have_at_most_80_characters(name, accepted):
    text = f'StartAt: "{name}"\nStates:\n  "{name}": {{Type: Succeed}}\n'
    assert codes(text) == ([] if accepted else ["invalid_state_name"])


def test_a_state_name_may_not_be_empty_or_hide_characters():
    assert codes('StartAt: ""\nStates:\n  "": {Type: Succeed}\n') == ["invalid_state_name"]
    assert codes('StartAt: "a\\u202eb"\nStates:\n  "a\\u202eb": {Type: Succeed}\n') == [
        "invalid_state_name"
    ]


def task(lines: str) -> str:
    return f"StartAt: A\nStates:\n  A:\n    Type: Task\n    Resource: activity:a\n    End: true\n{lines}"


@pytest.mark.parametrize("field", ["Retry", "Catch"])
@pytest.mark.parametrize(
    ("lists", "wrong"),
    [
        (["[States.ALL]"], None),
        (["[a, b]", "[States.ALL]"], None),
        (["[a, States.ALL]"], (0, 1)),
        (["[States.ALL]", "[a]"], (0, 0)),
        (["[States.ALL]", "[States.ALL]"], (0, 0)),
    ],
)
def test_states_all_stands_alone_and_last(field, lists, wrong):
    more = ", Next: A" if field == "Catch" else ""
    text = task(
        f"    {field}:\n" + "".join(f"    - {{ErrorEquals: {names}{more}}}\n" for names in lists)
    )
    expected = (
        []
        if wrong is None
        else [("states_all_placement", f"/States/A/{field}/{wrong[0]}/ErrorEquals/{wrong[1]}")]
    )
    assert [(code, pointer) for code, pointer, *_ in places(text)] == expected


@pytest.mark.parametrize(
    ("heartbeat", "timeout", "accepted"), [(5, 10, True), (10, 10, False), (11, 10, False)]
)
def test_a_heartbeat_comes_before_the_timeout(heartbeat, timeout, accepted):
    text = task(f"    HeartbeatSeconds: {heartbeat}\n    TimeoutSeconds: {timeout}\n")
    assert codes(text) == ([] if accepted else ["heartbeat_not_below_timeout"])


def test_a_heartbeat_needs_no_timeout_and_a_task_needs_neither():
    assert codes(task("    HeartbeatSeconds: 99\n")) == codes(task("")) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("States.Runtime", ["uncatchable_error"]),
        ("States.Timout", ["unknown_error_name"]),
        ("Detent.Canceled", ["unknown_error_name"]),
        ("Detent.Cancelled", []),
        ("States.QuorumMet", []),
        ("States.Http.StatusCode.404", []),
        ("Lambda.TooManyRequestsException", []),
        ("Timeout", []),
    ],
)
def test_error_names_that_never_match_are_told(name, expected):
    assert codes(task(f"    Retry: [{{ErrorEquals: [{name}]}}]\n")) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{a: $.x}", ["looks_like_path"]),
        ("{a: [{b: $$.Execution.Id}]}", ["looks_like_path"]),
        ("{a: '$[0]'}", ["looks_like_path"]),
        ("{a: [$.x]}", ["looks_like_path"]),
        ("{a: States.UUID()}", ["looks_like_path"]),
        ("{a: '{% $x %}'}", ["jsonata_is_text"]),
        ("{a: $5 and more, b: States.ALL, c: '$', d: $x}", []),
        ("{a.$: $.x}", []),
    ],
)
def test_text_that_is_probably_meant_as_an_expression_is_told(value, expected):
    assert codes(task(f"    Parameters: {value}\n")) == expected
    assert codes(task(f"    ResultSelector: {value}\n")) == expected


@pytest.mark.parametrize(
    ("field", "value", "code", "pointer"),
    [
        ("InputPath", "order", "invalid_path", "InputPath"),
        ("InputPath", "$.a[", "invalid_path", "InputPath"),
        ("OutputPath", "$variable.", "invalid_path", "OutputPath"),
        ("ResultPath", "$.a[*]", "invalid_path", "ResultPath"),
        ("ResultPath", "$$.Task", "invalid_path", "ResultPath"),
        ("TimeoutSecondsPath", "$..a", "invalid_path", "TimeoutSecondsPath"),
        ("Parameters", "{a.$: 5}", "invalid_template", "Parameters/a.$"),
        ("Parameters", "{x: [{a.$: '$['}]}", "invalid_template", "Parameters/x/0/a.$"),
        ("Parameters", "{a.$: States.Nope()}", "invalid_template", "Parameters/a.$"),
        ("ResultSelector", "{a: 1, a.$: $.b}", "invalid_template", "ResultSelector"),
        (
            "Catch",
            "[{ErrorEquals: [x], Next: A, ResultPath: x}]",
            "invalid_path",
            "Catch/0/ResultPath",
        ),
    ],
)
def test_expressions_that_do_not_parse_are_refused_at_their_place(field, value, code, pointer):
    assert [(c, p) for c, p, *_ in places(task(f"    {field}: {value}\n"))] == [
        (code, f"/States/A/{pointer}")
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$.a", []),
        ("States.UUID()", []),
        ("States.Array(1)", ["invalid_template"]),
        ("plain", ["invalid_template"]),
    ],
)
def test_error_and_cause_paths_take_a_path_or_one_of_seven_functions(expression, expected):
    text = f"StartAt: A\nStates:\n  A: {{Type: Fail, ErrorPath: {expression}, CausePath: {expression}}}\n"
    assert codes(text) == expected * 2


@pytest.mark.parametrize(
    ("moment", "accepted"),
    [
        ("2026-11-22T10:00:00Z", True),
        ("2026-11-22T10:00:00.123+02:00", True),
        ("2026-11-22t10:00:00Z", False),
        ("2026-11-22T10:00:00", False),
        ("2026-02-30T10:00:00Z", False),
        ("2026-11-22", False),
    ],
)
def test_timestamps_are_checked_at_publish(moment, accepted):
    text = f"StartAt: A\nStates:\n  A: {{Type: Wait, Timestamp: '{moment}', End: true}}\n"
    assert codes(text) == ([] if accepted else ["invalid_timestamp"])


def test_both_operands_of_a_rule_are_reported_in_place():
    text = (
        "StartAt: A\nStates:\n  A:\n    Type: Choice\n    Default: B\n    Choices:\n"
        "    - Next: B\n      And:\n      - {Variable: a, StringEqualsPath: b}\n"
        "      - {Variable: $.t, TimestampEquals: noon}\n  B: {Type: Succeed}\n"
    )
    assert places(text) == [
        ("invalid_condition", "/States/A/Choices/0/And/0/Variable", 9, 20),
        ("invalid_condition", "/States/A/Choices/0/And/0/StringEqualsPath", 9, 41),
        ("invalid_condition", "/States/A/Choices/0/And/1/TimestampEquals", 10, 42),
    ]
