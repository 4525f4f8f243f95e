"""The grammar of intrinsic calls, and what a call that fails says."""

from __future__ import annotations

import pytest

from engine.language.expressions.intrinsics import compile_intrinsic
from engine.language.expressions.scope import ExpressionError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("States.Array()", []),
        ("States.Array( )", []),
        (" States.Array(1) \n", [1]),
        (
            "States.Array(1,-2, +3 ,1.5,-1e2,true,false,null)",
            [1, -2, 3, 1.5, -100.0, True, False, None],
        ),
        (r"States.Array('it\'s', '\{\}', 'a\\b', '')", ["it's", "{}", "a\\b", ""]),
        (
            "States.Array('a,b)c', '{\"k\": 1}', 'line\nbreak')",
            ["a,b)c", '{"k": 1}', "line\nbreak"],
        ),
        ("States.Array($.a, $['b c'], $.list[0] )", [1, 2, 3]),
        ("States.JsonToString($)", '{"a":1,"b c":2,"x-y":5,"list":[3,{"n":"a,)"}]}'),
        ("States.Array($$.Execution.Name)", ["e-1"]),
        ("States.Array($.x-y,$.list[?(@.n == 'a,)' )])", [5, [{"n": "a,)"}]]),
        ("States.Array($.list[*].n)", [["a,)"]]),
        ("States.ArrayLength(States.Array(1, States.Array(2, 3)))", 2),
    ],
)
def test_a_call_is_read_and_evaluated(text, expected, scope):
    value = {"a": 1, "b c": 2, "x-y": 5, "list": [3, {"n": "a,)"}]}
    assert compile_intrinsic(text).evaluate(value, scope) == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "a path or an intrinsic function States.Name(...) was expected"),
        ("States.Array", "was expected"),
        ("States.Array(1", "',' or ')' was expected"),
        ("States.Array(1 2)", "',' or ')' was expected"),
        ("States.Array(1,)", "was expected"),
        ("States.Array(,1)", "was expected"),
        ("States.Array(1)[0]", "nothing may follow the call"),
        ("States.Array(1).x", "nothing may follow the call"),
        ("States.Nope()", "there is no intrinsic function States.Nope"),
        ("states.Array()", "was expected"),
        ("Array()", "was expected"),
        ('States.Array("a")', "was expected"),
        ("States.Array(abc)", "was expected"),
        ("States.Array(truex)", "was expected"),
        ("States.Array(1.)", "was expected"),
        ("States.Array('a)", "the string is not closed"),
        (r"States.Array('a\n')", "an escape other than"),
        (r"States.Array('a\"')", "an escape other than"),
        ("States.Array('a\\')", "the string is not closed"),
        ("States.Array($.a[)", "'[' must be followed by"),
        ("States.Array(" * 11 + ")" * 11, "nest deeper than 10 levels"),
    ],
)
def test_a_bad_call_is_refused_with_the_fault(text, fault):
    with pytest.raises(ValueError) as refused:
        compile_intrinsic(text)
    assert fault in str(refused.value)


def test_calls_nest_ten_deep(scope):
    intrinsic = compile_intrinsic("States.Array(" * 10 + ")" * 10)
    assert intrinsic.evaluate({}, scope) == [[[[[[[[[[]]]]]]]]]]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("States.UUID(1)", "States.UUID takes 0 argument(s), not 1, and will fail"),
        ("States.ArrayRange(1, 2)", "States.ArrayRange takes 3 argument(s), not 2, and will fail"),
        (
            "States.MathRandom(1)",
            "States.MathRandom takes 2 to 3 argument(s), not 1, and will fail",
        ),
        ("States.Format()", "States.Format takes at least 1 argument(s), not 0, and will fail"),
    ],
)
def test_a_wrong_number_of_arguments_is_accepted_with_a_warning_and_fails_when_run(
    text, warning, scope
):
    intrinsic = compile_intrinsic(text)
    assert intrinsic.warnings == (warning,)
    with pytest.raises(ExpressionError, match="Invalid arguments in"):
        intrinsic.evaluate({}, scope)


def test_a_failure_quotes_the_innermost_call(scope):
    intrinsic = compile_intrinsic("States.Array(States.MathAdd('1',  $.a), 2)")
    with pytest.raises(ExpressionError) as failed:
        intrinsic.evaluate({"a": 1}, scope)
    assert failed.value.error == "States.Runtime"
    assert failed.value.cause == (
        "There was an error while evaluating the intrinsic function: "
        "States.MathAdd('1',  $.a). Invalid arguments in States.MathAdd"
    )


def test_a_bad_format_template_says_what_is_missing(scope):
    with pytest.raises(ExpressionError) as failed:
        compile_intrinsic("States.Format('a { b')").evaluate({}, scope)
    assert failed.value.cause == (
        "There was an error while evaluating the intrinsic function: States.Format('a { b'). "
        "Invalid template in States.Format: matching '}' not found for '{'."
    )


@pytest.mark.parametrize("path", ["$.nope", "$.list[3]"])
def test_an_argument_that_is_missing_fails_and_is_named(path, scope):
    with pytest.raises(ExpressionError) as failed:
        compile_intrinsic(f"States.Array({path})").evaluate({"list": []}, scope)
    assert failed.value.cause == (
        f"The function 'States.Array({path})' had the following error: The JsonPath argument "
        f"for the field '{path}' could not be found in the input '{{\"list\":[]}}'"
    )


def test_a_number_beyond_a_double_is_read_but_cannot_be_used(scope):
    intrinsic = compile_intrinsic("States.Array(1e309)")
    with pytest.raises(ExpressionError, match=r"Invalid arguments in States\.Array"):
        intrinsic.evaluate({}, scope)


def test_every_path_in_a_call_is_listed():
    intrinsic = compile_intrinsic("States.Format($.t, States.Array($$.Map, $.a[*]))")
    assert [path.text for path in intrinsic.paths] == ["$.t", "$$.Map", "$.a[*]"]
