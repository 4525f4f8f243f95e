"""Every problem code: it has an example, the example has exactly that problem at exactly that place, and the page shows it."""

from __future__ import annotations

import pytest
from language_cases import ROOT
from problem_examples import EXAMPLES, page

from engine.errors import InvalidDefinition
from engine.language import check, examine, read
from engine.language.limits import PROBLEMS_MAX
from engine.language.problems import CODES, nearest


def test_every_code_has_an_example():
    assert set(EXAMPLES) == set(CODES)


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_example_has_the_problem_at_its_place(code):
    example = EXAMPLES[code]
    problem = example.problem(code)
    assert (problem.pointer, problem.line, problem.column) == (
        example.pointer,
        example.line,
        example.column,
    )
    assert problem.severity == CODES[code][0]


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_example_has_no_other_error(code):
    example = EXAMPLES[code]
    others = {p.code for p in check(example.text, example.notation) if p.severity == "error"} - {
        code
    }
    # These texts hold no definition beside the mistake.
    expected = {
        "too_many_values": set(),
        "target_out_of_scope": {"unreachable_state"},
    }
    assert others == expected.get(code, set())


@pytest.mark.parametrize(
    "code", [code for code, (severity, _) in CODES.items() if severity == "warning"]
)
def test_a_definition_with_warnings_is_accepted(code):
    machine, problems = examine(EXAMPLES[code].text)
    assert machine is not None
    assert [problem.code for problem in problems] == [code]


def test_the_reference_page_shows_every_example():
    written = ROOT.joinpath("docs/reference/problems.md").read_text(encoding="utf-8")
    assert written == page(), "run: python tests/language/problem_examples.py"


def test_read_raises_all_problems_at_once_in_the_order_of_the_text():
    text = "StartAt: B\nStates:\n  A: {Type: Pas, End: true}\n  C: {Type: Wait, Seconds: -1, Next: D}\n"
    with pytest.raises(InvalidDefinition) as caught:
        read(text)
    assert [(p.code, p.line, p.column) for p in caught.value.problems] == [
        ("unknown_target", 1, 10),
        ("unknown_state_type", 3, 13),
        ("out_of_range", 4, 28),
        ("unknown_target", 4, 38),
    ]


def test_no_more_than_the_limit_is_reported_and_errors_go_before_warnings():
    warnings = ", ".join(f"w{n}: $.x" for n in range(PROBLEMS_MAX + 100))
    text = f"StartAt: A\nStates:\n  A: {{Type: Pass, Parameters: {{{warnings}}}, Next: B}}\n"
    problems = check(text)
    assert len(problems) == PROBLEMS_MAX
    assert {p.code for p in problems if p.severity == "error"} == {"unknown_target"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Timeoutseconds", "TimeoutSeconds"),
        ("Resourse", "Resource"),
        ("done ", "Done"),
        ("qqq", None),
        ("", None),
    ],
)
def test_the_name_that_is_probably_meant(name, meant):
    assert nearest(name, ["TimeoutSeconds", "Resource", "Done"]) == meant


def test_did_you_mean_stands_in_the_hint():
    hints = {
        p.code: p.hint
        for code in ("unknown_field", "unknown_target", "unknown_state_type")
        for p in check(EXAMPLES[code].text)
    }
    assert hints["unknown_field"] == "Did you mean TimeoutSeconds?"
    assert hints["unknown_target"] == "Did you mean done?"
    assert hints["unknown_state_type"] == "Did you mean Pass?"
