"""What goes into an expression and comes out: JSON stays as it is, undefined is an error, infinity is a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonata_cases import CONTEXT, compiled, failure_of, scope_with, value_of

from engine.language.expressions.scope import ExpressionError

ODD_KEYS = {"a b": 1, "$x": 2, "`q`": 3, '"': 4, "": 5, "é": 6, "a.b": 7, "states": 8}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"))
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_any_json_passes_unchanged_as_input_member_variable_and_element(value):
    assert value_of("$states.input", value) == value
    assert value_of("$states.input.member", {"member": value}) == value
    assert value_of("$x", x=value) == value
    assert value_of("{'k': $x}", x=value) == {"k": value}


@pytest.mark.parametrize("value", [[], [1], [[1]], [[]], [[[]]], [None], {}, {"k": []}, ODD_KEYS])
def test_containers_are_neither_unwrapped_nor_flattened(value):
    assert value_of("$states.input", value) == value
    assert value_of("$states.input.x", {"x": value}) == value
    assert value_of("$x", x=value) == value


def test_a_document_is_handed_on_not_copied():
    order = {"items": [1, 2]}
    assert value_of("$states.input.order", {"order": order}) is order


@pytest.mark.parametrize("number", [2**64, 2**70, -(2**70), 10**25])
def test_a_number_beyond_64_bits_is_the_nearest_double(number):
    assert value_of("$states.input.n", {"n": number}) == float(number)
    assert value_of("$states.input.n + 1", {"n": number}) == float(number) + 1
    assert value_of("$n", n=number) == float(number)


def test_a_number_beyond_a_double_cannot_be_computed_with():
    found = failure_of("$states.input.n * 1", {"n": 10**400})
    assert found == "threw an error during evaluation. D1001: Number out of range"


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("1/0", "Infinity"),
        ("-1/0", "-Infinity"),
        ("[1/0]", ["Infinity"]),
        ("{'a': [{'b': 1/0}]}", {"a": [{"b": "Infinity"}]}),
        ("1e308 * 10", "Infinity"),
        ("0/0", "NaN"),
        ("$string(1e20)", "100000000000000000000"),
        ("$string(1e21)", "1e+21"),
        ("$count(null)", 1),
        ("null", None),
        ("[null]", [None]),
        ("{'a': null, 'b': $nothing}", {"a": None}),
        ("[1, $nothing]", [1]),
        ("$states.input.items.p", 1),
        ("$states.input.items.p[]", [1]),
        ("$variable := 1", 1),
        ("[]", []),
        ("$x & 'b'", "ab"),
        ("$states.input.items[0].p = 1", True),
    ],
)
def test_values_are_those_of_aws(expression, found):
    assert value_of(expression, {"items": [{"p": 1}]}, x="a") == found


@pytest.mark.parametrize(
    "expression",
    ["$nothing", "$states.input.no", "$states.input.items[p = 2]", "$states.context.No", "()"],
)
def test_undefined_is_an_error(expression):
    assert failure_of(expression, {"items": [{"p": 1}]}) == "returned nothing (undefined)."


@pytest.mark.parametrize(
    "expression", ["function($x) { $x }", "$sum", "/a/", "$substring(?, 1)", "($f := $sum; $f)"]
)
def test_a_function_is_no_result(expression):
    assert failure_of(expression) == "returned an unsupported result type."


def test_a_function_bound_to_a_name_can_be_called():
    assert value_of("($f := function($x) { $x * 2 }; $f(4))") == 8


def test_the_context_object_is_read_only_where_it_is_named():
    def unread():
        raise AssertionError

    from engine.language.expressions.scope import Scope

    template = compiled({"a": "{% $states.input.x %}"})
    assert template.evaluate({"input": {"x": 1}}, Scope(unread, None)) == {"a": 1}
    assert value_of("$states.context.Execution.Name") == "e-1"
    assert value_of("$states") == {"input": None, "context": CONTEXT}


def test_states_has_what_it_is_given():
    template = compiled("{% [$states.result.r, $states.errorOutput.Error] %}")
    given = {"input": 1, "result": {"r": 2}, "errorOutput": {"Error": "E"}}
    assert template.evaluate(given, scope_with()) == [2, "E"]


def test_the_evaluator_s_own_document_cannot_be_seen():
    assert failure_of("(function() { v0 })()", x=1) == "returned nothing (undefined)."


def test_a_failure_names_its_field_down_to_the_element():
    template = compiled({"a": [1, {"b c": "{% $no %}"}]}, field="Choices[1]/Output")
    with pytest.raises(ExpressionError) as caught:
        template.evaluate({"input": None}, scope_with())
    assert caught.value.location == "Choices[1]/Output/a[1]/b c"
    assert caught.value.cause == (
        "The JSONata expression '$no' specified for the field 'Choices[1]/Output/a[1]/b c' "
        "returned nothing (undefined)."
    )


def test_results_are_paid_for():
    scope = scope_with()
    compiled("{% $states.input %}").evaluate({"input": "x" * 16_000}, scope)
    assert scope.effort >= 1_000


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("$count + 1", 8),
        ("{'type': $type}", {"type": "order"}),
        ("$sum([$count, 1])", 8),
        ("$count($states.input.items)", 1),
        ("$map($states.input.items.p, $string)", "1"),
        ("$now", "a moment"),
    ],
)
def test_a_variable_may_have_the_name_of_a_function(expression, found):
    given = {"items": [{"p": 1}]}
    assert value_of(expression, given, count=7, type="order", now="a moment") == found
    (template,) = compiled("{% $count + $sum([1]) + $map([1], $string) %}").paths
    assert template.variables == {"count"}
