"""Problems in a compiler's form."""

from __future__ import annotations

import pytest

from cli.authoring.problems import count, render

TEXT = "StartAt: A\nStates:\n  A:\n    Type: Pass\n    Next: Nowhere\n"


def problem(**facts):
    return {
        "code": "unknown_target",
        "pointer": "/States/A/Next",
        "line": 5,
        "column": 11,
        "message": "There is no state Nowhere.",
        "hint": "Did you mean A?",
        "severity": "error",
    } | facts


def test_a_problem_shows_place_line_caret_and_hint():
    assert render("x.yaml", TEXT, problem()).splitlines() == [
        "x.yaml:5:11: \x1b[31m\x1b[1merror[unknown_target]\x1b[0m: There is no state Nowhere.",
        "  5 |     Next: Nowhere",
        "    |           \x1b[1m^\x1b[0m",
        "  hint: Did you mean A?",
    ]


def test_a_problem_shows_on_request_what_aws_says_of_it():
    lost = {"code": "MISSING_TRANSITION_TARGET", "message": 'State "B" is not reachable.'}
    aws = {"code": "MISSING_END_STATE", "message": "Workflow has\n no terminal state"}
    known = problem(aws=aws | {"location": None}, aws_also=[lost | {"location": "/States/B"}])
    assert render("x.yaml", TEXT, known, aws=True).splitlines()[-2:] == [
        "  aws: MISSING_END_STATE: Workflow has no terminal state at null",
        '  aws: MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B',
    ]
    assert render("x.yaml", TEXT, problem(), aws=True).endswith("\n  aws: has no words for it")
    assert "aws" not in render("x.yaml", TEXT, known)


def test_a_problem_without_a_place_shows_none():
    assert render("x.yaml", TEXT, problem(line=0, column=0, hint="")).startswith("x.yaml: ")


def test_a_line_beyond_the_text_is_left_out():
    assert len(render("x.yaml", TEXT, problem(line=99)).splitlines()) == 2


def test_tabs_stay_tabs_below_the_line():
    shown = render("x.json", '{\n\t"a": 1}', problem(line=2, column=2)).splitlines()
    assert shown[2].startswith("    | \t")


@pytest.mark.parametrize(
    ("severities", "files", "expected"),
    [
        ([], 1, "no errors in 1 file"),
        (["error"], 1, "1 error in 1 file"),
        (["error", "error", "warning"], 3, "2 errors, 1 warning in 3 files"),
        (["warning"], 1, "no errors, 1 warning in 1 file"),
    ],
)
def test_the_count_at_the_end(severities, files, expected):
    assert count([problem(severity=severity) for severity in severities], files) == expected
