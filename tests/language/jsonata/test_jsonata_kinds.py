"""Fields that take one kind of value, checked when they are evaluated."""

from __future__ import annotations

import pytest
from jsonata_cases import EVERYWHERE, scope_with

from engine.language.expressions.faults import InvalidExpression
from engine.language.expressions.jsonata import compile_typed
from engine.language.expressions.scope import ExpressionError


def typed(value, kind, field="Items", given=None):
    template = compile_typed(value, field=field, available=EVERYWHERE, kind=kind)
    return template.evaluate({"input": given}, scope_with())


@pytest.mark.parametrize(
    ("kind", "expression", "found"),
    [
        ("boolean", "1 = 1", True),
        ("integer", "2 + 3", 5),
        ("integer", "$states.input", 7),
        ("number", "1.5", 1.5),
        ("string", "'a'", "a"),
        ("array", "[]", []),
        ("array or object", "{}", {}),
        ("array or object", "[1]", [1]),
        ("timestamp", "'2016-03-05T21:29:29.243167252Z'", "2016-03-05T21:29:29.243167252Z"),
        ("timestamp", "'2016-03-05T21:29:29+01:00'", "2016-03-05T21:29:29+01:00"),
    ],
)
def test_a_value_of_the_kind_passes(kind, expression, found):
    result = typed("{% " + expression + " %}", kind, given=7.0)
    assert result == found
    assert type(result) is type(found)


@pytest.mark.parametrize(
    ("kind", "expression", "expected", "actual", "shown"),
    [
        ("array", "1", "array", "number", "1"),
        ("array", "'string'", "array", "string", '"string"'),
        ("array", "{'foo': 'bar'}", "array", "object", '{"foo":"bar"}'),
        ("array", "true", "array", "boolean", "true"),
        ("array", "null", "array", "null", "null"),
        ("boolean", "[1]", "boolean", "array", "[1]"),
        ("integer", "'1'", "number", "string", '"1"'),
        ("integer", "true", "number", "boolean", "true"),
        ("timestamp", "1", "string", "number", "1"),
        ("string", "null", "string", "null", "null"),
        ("array or object", "1", "array or object", "number", "1"),
    ],
)
def test_a_value_of_another_kind_fails_in_aws_s_words(kind, expression, expected, actual, shown):
    with pytest.raises(ExpressionError) as caught:
        typed("{% " + expression + " %}", kind)
    assert caught.value.cause == (
        f"The JSONata expression '{expression}' specified for the field 'Items' returned an unexpected result type. "
        f"Expected '{expected}', but was '{actual}' for value: {shown}"
    )
    assert (caught.value.error, caught.value.location) == ("States.QueryEvaluationError", "Items")


@pytest.mark.parametrize(
    ("kind", "field", "expression", "cause"),
    [
        ("integer", "TimeoutSeconds", "1.6", "The TimeoutSeconds field cannot be parsed as an integer: 1.6"),
        ("integer", "ItemBatcher/MaxItemsPerBatch", "0.5", "The MaxItemsPerBatch field cannot be parsed as an integer: 0.5"),
        (
            "timestamp", "Timestamp", "'2016-13-05T21:29:29Z'",
            "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: 2016-13-05T21:29:29Z",
        ),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_read_fails_in_aws_s_words(kind, field, expression, cause):
    with pytest.raises(ExpressionError) as caught:
        typed("{% " + expression + " %}", kind, field)
    assert (caught.value.cause, caught.value.location) == (cause, field)


def test_infinity_is_no_number():
    with pytest.raises(ExpressionError, match="was 'string' for value: \"Infinity\""):
        typed("{% 1/0 %}", "integer", "Seconds")


def test_expressions_inside_a_plain_array_are_evaluated():
    assert typed([1, "{% $number('2') %}", 3], "array") == [1, 2, 3]


def test_what_is_no_expression_is_not_checked_here():
    assert typed(5, "array") == 5


def test_a_typed_field_is_refused_like_any_other():
    with pytest.raises(InvalidExpression, match="Unexpected end of expression"):
        typed("{% 1 + %}", "boolean")
