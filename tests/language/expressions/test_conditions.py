"""Choice rules: And, Or, Not, missing variables, and what is refused."""

from __future__ import annotations

import pytest

from engine.language.expressions.comparisons import OPERATORS
from engine.language.expressions.conditions import compile_condition
from engine.language.expressions.faults import InvalidExpression
from engine.language.expressions.scope import ExpressionError

LISTED = f"[{', '.join(OPERATORS)}]"
TRUE = {"Variable": "$.t", "BooleanEquals": True}
FALSE = {"Variable": "$.t", "BooleanEquals": False}
BROKEN = {"Variable": "$.nope", "BooleanEquals": True}
INPUT = {"t": True, "n": 5, "m": 5.0, "s": "a", "null": None, "list": [1]}


def holds(rule, value, scope) -> bool:
    return compile_condition(rule, outermost=False).holds(value, scope)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (TRUE, True),
        (FALSE, False),
        ({"Not": TRUE}, False),
        ({"Not": {"Variable": "$.s", "NumericEquals": 8}}, True),
        ({"And": [TRUE, FALSE]}, False),
        ({"And": [TRUE, {"Not": FALSE}]}, True),
        ({"Or": [FALSE, TRUE]}, True),
        ({"Or": [FALSE, FALSE]}, False),
        ({"Or": [TRUE, BROKEN]}, True),
        ({"And": [FALSE, BROKEN]}, False),
        ({"And": [{"Variable": "$.nope", "IsPresent": True}, BROKEN]}, False),
        ({"Variable": "$.n", "NumericEqualsPath": "$.m"}, True),
        ({"Variable": "$.n", "NumericEqualsPath": "$.s"}, False),
        ({"Variable": "$$.Execution.Name", "StringEquals": "e-1"}, True),
        ({"Variable": "$.list[0]", "NumericEquals": 1}, True),
        ({"Variable": "$.null", "IsPresent": True}, True),
        ({"Variable": "$.null", "IsPresent": False}, False),
        ({"Variable": "$.nope", "IsPresent": False}, True),
        ({"Variable": "$.list[1]", "IsPresent": True}, False),
        ({"Variable": "$.s.deeper", "IsPresent": True}, False),
    ],
)
def test_a_rule_is_true_or_false(rule, expected, scope):
    assert holds(rule, INPUT, scope) is expected


@pytest.mark.parametrize(
    "rule",
    [
        BROKEN,
        {"Variable": "$.nope", "IsNull": True},
        {"Variable": "$.nope", "IsString": False},
        {"Variable": "$.nope", "IsTimestamp": True},
        {"Variable": "$.nope", "StringMatches": "*"},
        {"Variable": "$.n", "NumericEqualsPath": "$.nope"},
        {"And": [TRUE, BROKEN]},
        {"Not": BROKEN},
    ],
)
def test_a_missing_variable_is_an_error_for_all_but_is_present(rule, scope):
    with pytest.raises(ExpressionError) as missing:
        holds(rule, INPUT, scope)
    assert missing.value.error == "States.Runtime"
    assert missing.value.cause == (
        "Invalid path '$.nope': The choice state's condition path references an invalid value."
    )


def test_every_path_inside_is_listed():
    rule = {
        "And": [
            {"Variable": "$.a", "StringEqualsPath": "$$.State.Name"},
            {"Not": {"Variable": "$.b", "IsPresent": True}},
        ]
    }
    paths = compile_condition(rule, outermost=False).paths
    assert [path.text for path in paths] == ["$.a", "$$.State.Name", "$.b"]


@pytest.mark.parametrize(
    ("rule", "problems"),
    [
        (
            {"Variable": "$.a", "Next": "N"},
            [("", f"This object should have only one of the following fields: {LISTED}")],
        ),
        (
            {"Variable": "$.a", "IsNull": True, "IsString": True, "Next": "N"},
            [("", f"There should only be one of the following fields: {LISTED}")],
        ),
        (
            {"And": [TRUE], "Or": [TRUE], "Next": "N"},
            [("", f"There should only be one of the following fields: {LISTED}")],
        ),
        (TRUE, [("", "These fields are required: [Next]")]),
        ({"IsNull": True, "Next": "N"}, [("", "These fields are required: [Variable]")]),
        (
            {"Variable": "a", "IsNull": True, "Next": "N"},
            [
                (
                    "/Variable",
                    "Value is not a Reference Path: Reference path didn't start with '$'",
                )
            ],
        ),
        ({"And": [], "Next": "N"}, [("/And", "Value cannot be empty")]),
        ({"Not": {"Or": []}, "Next": "N"}, [("/Not/Or", "Value cannot be empty")]),
        ({"And": {}, "Next": "N"}, [("/And", "Expected value of type Array")]),
        ({"Not": [TRUE], "Next": "N"}, [("/Not", "Expected value of type Object")]),
        (
            {"And": [{**TRUE, "Next": "N"}], "Next": "N"},
            [("/And/0/Next", "Field 'Next' is not supported")],
        ),
        (
            {"Variable": "$.a", "And": [TRUE], "Next": "N"},
            [("/Variable", "Field 'Variable' is not supported")],
        ),
        (
            {"Variable": "$.a", "StringEquals": 1, "Next": "N"},
            [("/StringEquals", "Expected value of type String")],
        ),
        (
            {"Variable": "$.a", "NumericEquals": True, "Next": "N"},
            [("/NumericEquals", "Expected value of type Number")],
        ),
        (
            {"Variable": "$.a", "BooleanEquals": 1, "Next": "N"},
            [("/BooleanEquals", "Expected value of type Boolean")],
        ),
        (
            {"Variable": "$.a", "IsPresent": "yes", "Next": "N"},
            [("/IsPresent", "Expected value of type Boolean")],
        ),
        (
            {"Variable": "$.a", "StringMatches": 1, "Next": "N"},
            [("/StringMatches", "Expected value of type String")],
        ),
        (
            {"Variable": "$.a", "StringMatches": "a\\", "Next": "N"},
            [
                (
                    "/StringMatches",
                    "A backslash in StringMatches must be followed by '*' or '\\'",
                )
            ],
        ),
        (
            {"Variable": "$.a", "TimestampEquals": "2020-01-01", "Next": "N"},
            [("/TimestampEquals", "String does not match RFC3339 timestamp")],
        ),
        (
            {"Variable": "$.a", "StringEqualsPath": 5, "Next": "N"},
            [("/StringEqualsPath", "Expected value of type String")],
        ),
    ],
)
def test_a_bad_rule_is_refused_in_the_words_of_aws(rule, problems):
    with pytest.raises(InvalidExpression) as refused:
        compile_condition(rule)
    assert [(p.pointer, p.message) for p in refused.value.problems] == problems


def test_all_problems_of_a_rule_are_reported_at_once():
    rule = {
        "Or": [{"Variable": "x", "IsNull": 1}, {"And": []}, {"Variable": "$.a", "IsNul": True}],
        "Next": "N",
    }
    with pytest.raises(InvalidExpression) as refused:
        compile_condition(rule)
    assert [p.pointer for p in refused.value.problems] == [
        "/Or/0/Variable",
        "/Or/0/IsNull",
        "/Or/1/And",
        "/Or/2",
    ]


def test_rules_do_not_nest_without_bound():
    rule = TRUE
    for _ in range(60):
        rule = {"Not": rule}
    with pytest.raises(InvalidExpression, match="Rules nest deeper than 50 levels"):
        compile_condition({**rule, "Next": "N"})
