"""Compiling JSONata: what is an expression, what is refused and where, what an expression is known to read."""

from __future__ import annotations

import pytest
from jsonata_cases import compiled

from engine.language.expressions.faults import InvalidExpression
from engine.language.expressions.jsonata import is_expression


def problems_of(document, **options):
    with pytest.raises(InvalidExpression) as caught:
        compiled(document, **options)
    return caught.value.problems


@pytest.mark.parametrize("text", ["{%%}", "{% 1 %}", "{%1%}", "{% '%}' %}"])
def test_a_text_between_the_marks_is_an_expression(text):
    assert is_expression(text)


@pytest.mark.parametrize(
    "value", ["{%}", " {% 1 %}", "{% 1 %} ", "{ % 1 % }", "x", "", None, 1, ["{% 1 %}"]]
)
def test_anything_else_is_none(value):
    assert not is_expression(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", "Unexpected end of expression"),
        ("", "Unexpected end of expression"),
        ("$x :=", "Unexpected end of expression"),
        ("$x[1,2)", 'Expected "]", got ","'),
        ('"open', "String literal must be terminated by a matching quote"),
        ('{"a":}', 'The symbol "}" cannot be used as a unary operator'),
        ('$match("a", /abc', "No terminating / in regular expression"),
        ("[1!2]", 'Unknown operator: "!"'),
        ("$states.input /* open", "Comment has no closing tag"),
        (
            "function(x){1}",
            'Parameter "x" of function definition must be a variable name (start with $)',
        ),
        ("1 2", "Syntax error: 2"),
        ("1) , (2", 'Syntax error: ")"'),
    ],
)
def test_what_does_not_parse_is_refused_in_jsonata_s_words(text, message):
    (problem,) = problems_of("{% " + text + " %}")
    assert (problem.code, problem.message) == ("invalid_jsonata", message)


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "1" + ")" * 5000, "1" + "+1" * 20_000, "-" * 30_000 + "1", "[" * 5000]
)
def test_an_expression_that_nests_without_end_is_refused_and_nothing_else_happens(text):
    (problem,) = problems_of("{% " + text + " %}")
    assert problem.code == "invalid_jsonata"


def test_a_problem_tells_its_pointer_and_its_character():
    found = problems_of({"a": ["x", "{% $states.input.n + %}"], "b": "{%  phone %}"})
    assert [(p.pointer, p.code, p.at) for p in found] == [
        ("/a/1", "invalid_jsonata", 19),
        ("/b", "unsupported_jsonata", 4),
    ]


def test_every_name_at_the_top_level_is_refused_once():
    found = problems_of("{% phone & $uppercase(name) & phone & $ & $$ & {'k': *} %}")
    assert [p.message for p in found] == [
        f"Reference to '{name}' at the top level is not supported."
        for name in ("phone", "name", "$", "$$", "*")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "$states.input.items[price > 5]",
        "$states.input.items[$ > 5].(name & $)",
        "$map($states.input.items, function($v) { $v.name & $ })",
        "$states.input.items^(>price).{name: *}",
        "$states.input{kind: $sum(price)}",
        "$states.input.items.%.name",
        "$states.input ~> |items|{'n': price}|",
        "$states.input.items@$i.name",
    ],
)
def test_a_name_that_something_supplies_an_item_for_is_fine(text):
    compiled("{% " + text + " %}")


def test_the_root_is_refused_wherever_it_is_read():
    (problem,) = problems_of("{% $states.input.items[$$ = 1] %}")
    assert problem.message == "Reference to '$$' at the top level is not supported."


def test_a_field_that_states_has_not_here_is_refused():
    found = problems_of(
        "{% $states.result.a & $states.input & $states.no %}", available=("input", "context")
    )
    assert [(p.code, p.message, p.at) for p in found] == [
        ("unknown_states_field", "Field '$states.result' does not exist.", 3),
        ("unknown_states_field", "Field '$states.no' does not exist.", 38),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("$x + $y.z", {"x", "y"}),
        ("($a := $b; $a + $c)", {"b", "c"}),
        ("$sum($items)", {"items"}),
        ("$map($items, function($v, $i) { $v + $i + $w })", {"items", "w"}),
        ("($f := function($n) { $n = 0 ? 0 : $f($n - 1) }; $f($n))", {"n"}),
        ("($a := 1; ($b := 2); $b)", {"b"}),
        ("$states.input.items@$i.$i.name", set()),
        ("$states.input.items#$at.($at & $other)", {"other"}),
        ("$uuid() & $partition([1], 1)", set()),
        ("$unknown()", {"unknown"}),
    ],
)
def test_the_variables_that_an_expression_reads_are_known(text, names):
    (expression,) = compiled("{% " + text + " %}").paths
    assert expression.variables == names


@pytest.mark.parametrize(
    ("text", "prefix", "reads"),
    [
        ("$states.context.Task.Token", ("Task", "Token"), True),
        ("$states.context.Task", ("Task", "Token"), True),
        ("$states.context.Task.Token", ("Task",), True),
        ("$states.context", ("Map",), True),
        ("$states.context.Task.Token", ("Map",), False),
        ("$states", ("Map",), True),
        ("$states.*", ("Map",), True),
        ("$lookup($states, 'context')", (), True),
        ("$states.context[0].Map", ("Task",), True),
        ("$states.input.context.Task", (), False),
        ("$x", (), False),
        ("($states := 1; $states)", (), False),
    ],
)
def test_whether_the_context_object_can_be_read_is_known(text, prefix, reads):
    (expression,) = compiled("{% " + text + " %}").paths
    assert expression.reads_context(*prefix) is reads


def test_a_template_lists_its_expressions_as_written():
    template = compiled({"a": "{% $x %}", "b": [1, "{%2%}"], "c": "plain"})
    assert [expression.text for expression in template.paths] == ["$x", "2"]
    assert not template.is_static


def test_a_document_without_expressions_is_static_and_not_copied():
    document = {"{% 1 %}": "a", "b.$": "$.x", "c": [None, {"d": 1.0}]}
    template = compiled(document)
    assert template.is_static
    assert template.paths == ()
    assert template.evaluate({}, None) is document


def test_static_parts_of_a_template_are_shared():
    document = {"a": "{% 1 %}", "b": {"c": [1]}}
    from jsonata_cases import scope_with

    found = compiled(document).evaluate({"input": None}, scope_with())
    assert found == {"a": 1, "b": {"c": [1]}}
    assert list(found) == ["a", "b"]
    assert found["b"] is document["b"]
