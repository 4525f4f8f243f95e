"""The table of Choice operators: each one, on values of every type."""

from __future__ import annotations

import pytest

from engine.language.expressions.comparisons import (
    COMPARISONS,
    OPERATORS,
    TYPE_TESTS,
    compile_pattern,
)
from engine.language.expressions.conditions import compile_condition

NOON = "2024-02-29T12:00:00Z"
VALUES = [None, True, False, 0, 1, 1.5, "", "a", NOON, [], [1], {}, {"a": 1}]

SMALLER_AND_LARGER = {
    "String": [
        ("a", "b"),
        ("", "a"),
        ("A", "a"),
        ("A", "A "),
        ("10", "9"),
        ("\U0001f600", "\uff5e"),
    ],
    "Numeric": [(1, 2), (-1, 0.5), (1.0, 1.1), (2**63, 2**63 + 1)],
    "Timestamp": [
        (NOON, "2024-02-29T12:00:00.001Z"),
        ("2024-02-29T12:00:00+02:00", NOON),
        ("2024-02-29T13:00:00+02:00", "2024-02-29T10:00:00-01:30"),
    ],
}
EQUAL = {
    "String": [("a", "a"), ("", "")],
    "Numeric": [(0, 0.0), (2.22, 2.22)],
    "Timestamp": [(NOON, "2024-02-29T14:00:00.000+02:00")],
}


def test_there_are_39_operators():
    assert len(OPERATORS) == len(set(OPERATORS)) == 39


def compare(name: str, left: object, right: object, scope) -> bool:
    """By the literal form and by the path form, which must agree."""
    value = {"left": left, "right": right}
    literal = compile_condition({"Variable": "$.left", name: right}, outermost=False)
    path = compile_condition({"Variable": "$.left", f"{name}Path": "$.right"}, outermost=False)
    assert literal.holds(value, scope) is path.holds(value, scope)
    return literal.holds(value, scope)


@pytest.mark.parametrize(
    ("family", "small", "large"),
    [(family, *pair) for family, pairs in SMALLER_AND_LARGER.items() for pair in pairs],
)
def test_values_are_ordered(family, small, large, scope):
    answers = {
        order: (
            compare(family + order, small, large, scope),
            compare(family + order, large, small, scope),
        )
        for order in ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
    }
    assert answers == {
        "Equals": (False, False),
        "LessThan": (True, False),
        "GreaterThan": (False, True),
        "LessThanEquals": (True, False),
        "GreaterThanEquals": (False, True),
    }


@pytest.mark.parametrize(
    ("family", "left", "right"),
    [(family, *pair) for family, pairs in EQUAL.items() for pair in pairs],
)
def test_equal_values_are_equal_and_in_order(family, left, right, scope):
    for order in ("Equals", "LessThanEquals", "GreaterThanEquals"):
        assert compare(family + order, left, right, scope)
    for order in ("LessThan", "GreaterThan"):
        assert not compare(family + order, left, right, scope)


@pytest.mark.parametrize("name", COMPARISONS)
def test_another_type_compares_false(name, scope):
    literal = {"S": "a", "N": 1, "B": True, "T": NOON}[name[0]]
    fits = {
        "S": lambda v: isinstance(v, str),
        "N": lambda v: type(v) in (int, float),
        "B": lambda v: isinstance(v, bool),
        "T": lambda v: v == NOON,
    }[name[0]]
    for value in VALUES:
        if not fits(value):
            assert not compare(name, value, literal, scope)


@pytest.mark.parametrize(("left", "right"), [(True, True), (False, False), (True, False)])
def test_booleans_are_compared(left, right, scope):
    assert compare("BooleanEquals", left, right, scope) is (left is right)


@pytest.mark.parametrize(
    ("name", "true_of"),
    [
        ("IsNull", [None]),
        ("IsBoolean", [True, False]),
        ("IsNumeric", [0, 1, 1.5]),
        ("IsString", ["", "a", NOON]),
        ("IsTimestamp", [NOON]),
    ],
)
def test_a_type_test_is_true_of_its_type_and_false_inverts_it(name, true_of, scope):
    positive = compile_condition({"Variable": "$", name: True}, outermost=False)
    negative = compile_condition({"Variable": "$", name: False}, outermost=False)
    for value in VALUES:
        expected = any(type(value) is type(each) and value == each for each in true_of)
        assert positive.holds(value, scope) is expected
        assert negative.holds(value, scope) is not expected
    assert name in TYPE_TESTS


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", [""], ["a"]),
        ("a", ["a"], ["", "aa", "b"]),
        ("*", ["", "a", "any\nthing"], []),
        ("foo*", ["foo", "foobar"], ["fo", "xfoo"]),
        ("*.zip", [".zip", "a.zip"], ["a.zip2", "zip"]),
        ("a*b*c", ["abc", "a__b__c", "abbcc"], ["acb", "ab", "bc"]),
        ("ab*ba", ["abba", "abxba"], ["aba"]),
        ("*a*a*", ["aa", "xaxax"], ["a"]),
        (r"a\*b", ["a*b"], ["axb", r"a\*b"]),
        (r"a\\*", ["a\\", "a\\b"], ["a*"]),
        ("[a]?.", ["[a]?."], ["a"]),
    ],
)
def test_a_star_is_any_run_of_characters(pattern, matching, other, scope):
    rule = compile_condition({"Variable": "$", "StringMatches": pattern}, outermost=False)
    assert all(rule.holds(text, scope) for text in matching)
    assert not any(rule.holds(text, scope) for text in other)


def test_a_pattern_matches_text_only(scope):
    rule = compile_condition({"Variable": "$", "StringMatches": "*"}, outermost=False)
    assert [rule.holds(v, scope) for v in (None, 1, True, [], {}, ["a"])] == [False] * 6


@pytest.mark.parametrize("pattern", ["\\", "a\\", r"\n", "*\\"])
def test_a_backslash_escapes_a_star_or_itself_only(pattern):
    with pytest.raises(ValueError, match="backslash"):
        compile_pattern(pattern)


def test_no_pattern_takes_longer_than_the_text_allows():
    matches = compile_pattern("*a" * 50_000 + "b")
    assert not matches("a" * 100_000)
