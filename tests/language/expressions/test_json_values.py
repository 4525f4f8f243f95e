"""JSON values: equality and identity agree, and true is not one."""

from __future__ import annotations

import itertools

import pytest

from engine.language.expressions.values import equal, identity, is_number, json_text

CLASSES = [
    [None],
    [True],
    [False],
    [0, 0.0, -0.0],
    [1, 1.0],
    [1.5],
    ["1"],
    [""],
    [[]],
    [[1], [1.0]],
    [[True]],
    [[1, 2]],
    [{}],
    [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}],
    [{"a": True, "b": [2]}],
    [{"a": 1}],
]


def test_values_are_equal_within_their_class_and_only_there():
    labelled = [(at, value) for at, values in enumerate(CLASSES) for value in values]
    for (first, left), (second, right) in itertools.product(labelled, repeat=2):
        assert equal(left, right) is (first == second)
        assert (identity(left) == identity(right)) is (first == second)


@pytest.mark.parametrize(
    ("value", "answer"), [(1, True), (1.5, True), (True, False), ("1", False), (None, False)]
)
def test_a_boolean_is_no_number(value, answer):
    assert is_number(value) is answer


def test_text_is_compact_and_keeps_the_order_of_members():
    assert json_text({"b": [1, "é"], "a": None}) == '{"b":[1,"é"],"a":null}'
