"""Payload templates: what they fill in, what they share, what they refuse."""

from __future__ import annotations

import pytest

from engine.language.expressions.faults import InvalidExpression
from engine.language.expressions.functions import FAIL_FUNCTIONS
from engine.language.expressions.scope import ExpressionError
from engine.language.expressions.templates import compile_template, compile_value

INPUT = {"a": {"b": [1, 2, 3]}, "name": "Rex"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ({"x.$": "$.name"}, {"x": "Rex"}),
        ({"x": "$.name"}, {"x": "$.name"}),
        ({"x.$": "$"}, {"x": INPUT}),
        ({"x.$": "$$.Execution.Name"}, {"x": "e-1"}),
        ({"x.$": "States.Format('{}!', $.name)"}, {"x": "Rex!"}),
        ({"x.$": "$.a.b[*]"}, {"x": [1, 2, 3]}),
        ({"x.$": "$.a.b[5:]"}, {"x": []}),
        ({"x": [[{"y.$": "$.name"}, 1], "$.z"]}, {"x": [[{"y": "Rex"}, 1], "$.z"]}),
        ([{"y.$": "$.name"}, {"z": None}], [{"y": "Rex"}, {"z": None}]),
        (
            {"m": 1, "n.$": "$.name", "o": {"p.$": "$.name"}},
            {"m": 1, "n": "Rex", "o": {"p": "Rex"}},
        ),
        ("$.name", "$.name"),
        ({}, {}),
        (None, None),
    ],
)
def test_keys_that_end_in_dollar_are_filled_in(template, expected, scope):
    assert compile_template(template, field="Parameters").evaluate(INPUT, scope) == expected


def test_members_keep_their_order(scope):
    template = compile_template({"c": 1, "a.$": "$.name", "b": 2}, field="Parameters")
    assert list(template.evaluate(INPUT, scope)) == ["c", "a", "b"]


def test_an_index_past_the_end_of_an_array_is_null(scope):
    template = compile_template({"x.$": "$.a.b[9]", "y.$": "$.a.b[9].c"}, field="Parameters")
    assert template.evaluate(INPUT, scope) == {"x": None, "y": None}


@pytest.mark.parametrize("path", ["$.nope", "$.nope.deep", "$.name.x", "$$.Execution.Nope"])
def test_a_missing_path_names_the_path_the_field_and_the_input(path, scope):
    template = compile_template({"k": {"x.$": path}}, field="Parameters")
    with pytest.raises(ExpressionError) as missing:
        template.evaluate({"name": "Rex"}, scope)
    assert missing.value.error == "States.Runtime"
    assert missing.value.cause == (
        f"The JSONPath '{path}' specified for the field 'x.$' could not be found "
        'in the input \'{"name":"Rex"}\''
    )


def test_a_backslash_in_a_bracket_name_stands_for_itself(scope):
    template = compile_template({"value.$": '$[\'Test\\""Name"\']'}, field="Parameters")
    assert template.evaluate({'Test\\""Name"': "V"}, scope) == {"value": "V"}


def test_what_holds_no_expression_is_shared_and_never_changed(scope):
    document = {"static": {"deep": [1]}, "x.$": "$.name"}
    template = compile_template(document, field="Parameters")
    first, second = template.evaluate(INPUT, scope), template.evaluate(INPUT, scope)
    assert first is not second
    assert first["static"] is second["static"] is document["static"]
    assert document == {"static": {"deep": [1]}, "x.$": "$.name"}


def test_a_template_without_expressions_is_static():
    assert compile_template({"a": [{"b": 1}]}, field="Parameters").is_static
    assert not compile_template({"a": [{"b.$": "$"}]}, field="Parameters").is_static


def test_every_path_inside_is_listed():
    template = compile_template(
        {"a.$": "$.x", "b": [{"c.$": "States.Array($$.Map.Item, States.Array($.y))"}]},
        field="Parameters",
    )
    assert [path.text for path in template.paths] == ["$.x", "$$.Map.Item", "$.y"]


def test_all_problems_are_reported_at_once_with_their_pointers():
    template = {
        "a.$": "nope",
        "b": [{"c/d.$": 5}, {"e.$": "$.x["}],
        "f": 1,
        "f.$": "$",
    }
    with pytest.raises(InvalidExpression) as refused:
        compile_template(template, field="Parameters")
    assert [(p.pointer, p.message) for p in refused.value.problems] == [
        (
            "/a.$",
            _not_an_expression("a.$")
            + "a path or an intrinsic function States.Name(...) was expected (at character 1 of 'nope')",
        ),
        ("/b/0/c~1d.$", _not_an_expression("c/d.$") + "it is not a string"),
        (
            "/b/1/e.$",
            _not_an_expression("e.$")
            + "'[' must be followed by ' or a number, a slice, '*' or a filter '?(...)', then ']'"
            " (at character 5 of '$.x[')",
        ),
        ("", "There should only be one of the following fields: [f, f.$]"),
    ]
    assert [p.at for p in refused.value.problems] == [0, None, 4, None]


def _not_an_expression(field: str) -> str:
    return (
        f"The value for the field '{field}' must be a valid JSONPath "
        "or a valid intrinsic function call: "
    )


def test_a_wrong_number_of_arguments_is_a_warning_that_knows_its_place():
    template = compile_template({"a": {"x.$": "States.UUID(1)"}}, field="Parameters")
    assert [(w.pointer, w.message) for w in template.warnings] == [
        ("/a/x.$", "States.UUID takes 0 argument(s), not 1, and will fail in the field 'x.$'")
    ]


def test_a_single_value_is_a_path_or_an_intrinsic(scope):
    assert compile_value("$.name", field="ErrorPath").evaluate(INPUT, scope) == "Rex"
    assert compile_value("States.Format('{}?', $.name)").evaluate(INPUT, scope) == "Rex?"


def test_a_single_value_that_is_missing_names_its_field(scope):
    with pytest.raises(ExpressionError, match="specified for the field 'CausePath' could not"):
        compile_value("$.nope", field="CausePath").evaluate(INPUT, scope)


def test_a_fail_state_can_call_seven_functions_only():
    compile_value("States.UUID()", field="ErrorPath", functions=FAIL_FUNCTIONS)
    with pytest.raises(InvalidExpression) as refused:
        compile_value("States.MathAdd(1, 2)", field="ErrorPath", functions=FAIL_FUNCTIONS)
    assert "States.MathAdd is not supported in this field" in refused.value.problems[0].message
