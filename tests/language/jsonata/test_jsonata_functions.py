"""The functions that AWS adds, chance and time from the scope, and built-ins that are bound anew."""

from __future__ import annotations

import pytest
from jsonata_cases import compiled, failure_of, scope_with, value_of

from engine.language.expressions.jsonata.functions import java_random


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("$partition([0], 1)", [[0]]),
        ("$partition([0, 1, 2], 2)", [[0, 1], [2]]),
        ("$partition([0, 1, 2], 2.9)", [[0, 1], [2]]),
        ("$partition([0, 1], 9)", [[0, 1]]),
        ("$partition([[1], [2]], 1)", [[[1]], [[2]]]),
        ("$range(1, 9, 9)", 1),
        ("$range(0, 3, 1)", [0, 1, 2, 3]),
        ("$range(0, 5, 2)", [0, 2, 4]),
        ("$range(3, 0, -1)", [3, 2, 1, 0]),
        ("$range(0.9, 2.9, 1.5)", [0, 1, 2]),
        ("$hash('input', 'SHA-1')", "140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"),
        ("$hash('', 'MD5')", "d41d8cd98f00b204e9800998ecf8427e"),
        ("$hash('é', 'SHA-256')", "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"),
        ("$random(42)", 0.7275636800328681),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$parse('[1]')", [1]),
        ("$parse('null')", None),
        ("$parse('123456789012345678901234567890')", 1.2345678901234568e29),
        ("$map(['a', 'b'], function($v) { $hash($v, 'MD5') })[0]", "0cc175b9c0f1b6a831c399e269772661"),
        ("$partition($states.input.items, 2)[0][0].p", 1),
    ],
)  # fmt: skip
def test_aws_functions(expression, found):
    assert value_of(expression, {"items": [{"p": 1}]}) == found


@pytest.mark.parametrize(
    ("expression", "function", "argument"),
    [
        ("$partition([1], 0)", "partition", 2),
        ("$partition([1], 0.5)", "partition", 2),
        ("$partition($no, 1)", "partition", 1),
        ("$partition([1])", "partition", 2),
        ("$range(1, 2, 0)", "range", 3),
        ("$range('a', 2, 1)", "range", 1),
        ("$hash(1, 'MD5')", "hash", 1),
        ("$hash('a', 'md5')", "hash", 2),
        ("$hash('a', [])", "hash", 2),
        ("$random('x')", "random", 1),
        ("$uuid(1)", "uuid", 1),
        ("$parse(1)", "parse", 1),
    ],
)
def test_what_aws_functions_do_not_take(expression, function, argument):
    assert failure_of(expression) == (
        "threw an error during evaluation. "
        f'T0410: Argument {argument} of function "{function}" does not match function signature'
    )


def test_an_empty_range_is_undefined():
    assert failure_of("$range(1, 0, 1)") == "returned nothing (undefined)."


def test_text_that_is_not_json_cannot_be_parsed():
    assert failure_of("$parse('{')").startswith("threw an error during evaluation. D3137:")


@pytest.mark.parametrize(
    ("seed", "number"), [(0, 0.730967787376657), (1, 0.7308781907032909), (10, 0.7304302967434272), (42, 0.7275636800328681)]
)  # fmt: skip
def test_seeded_chance_is_java_s(seed, number):
    assert java_random(seed) == number


def test_chance_comes_from_the_scope_and_can_be_repeated():
    template = compiled("{% [$uuid(), $uuid(), $random(), $shuffle([1..9])] %}")
    once, again = (template.evaluate({"input": None}, scope_with()) for _ in range(2))
    assert once == again
    assert once[0] != once[1]
    assert sorted(once[3:][0] if isinstance(once[3], list) else once[3:]) == list(range(1, 10))


def test_chance_goes_on_in_a_scope():
    scope = scope_with()
    template = compiled("{% $uuid() %}")
    assert template.evaluate({"input": None}, scope) != template.evaluate({"input": None}, scope)


def test_time_is_the_state_s_or_what_the_scope_was_given():
    both = compiled("{% [$now(), $millis(), $now('[Y]-[M01]'), $now() = $now()] %}")
    assert both.evaluate({"input": None}, scope_with()) == [
        "2026-11-24T10:00:00.123Z", 1_795_514_400_123, "2026-11", True,
    ]  # fmt: skip
    assert both.evaluate({"input": None}, scope_with(now_ms=1_000))[:2] == [
        "1970-01-01T00:00:01.000Z",
        1_000,
    ]


@pytest.mark.parametrize(
    "expression", ["$eval('1')", "$randomSeeded(1)", "($x := $eval; $x('1'))", "$states.input()"]
)
def test_what_is_no_function_cannot_be_called(expression):
    found = failure_of(expression)
    assert found == "threw an error during evaluation. T1006: Attempted to invoke a non-function"


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("$pad('a', 3)", "a  "),
        ("$pad('a', -3, '#')", "##a"),
        ("$states.input.words.$pad(2, '-')", ["a-", "b-"]),
        ("$exists($pad($no, 3))", False),
        ("$distinct([1, 1, 2])", [1, 2]),
        ("[1, 1] ~> $distinct", [1]),
        ("$join(['a', 'b'])", "ab"),
        ("$join(['a', 'b'], '-')", "a-b"),
        ("$join('a')", "a"),
        ("$replace('abab', 'a', 'x', 1)", "xbab"),
        ("$replace('ab', /b/, function($m) { $uppercase($m.match) })", "aB"),
        ("$replace('ab', /(b)/, '[$1]')", "a[b]"),
        ("$states.input.words.$replace('a', 'x')", ["x", "b"]),
        ("$match('ab', /b/).index", 1),
        ("$split('a, b', /, */)", ["a", "b"]),
        ("$split('a b c', ' ', 2)", ["a", "b"]),
        ("$contains('abc', /B/i)", True),
        ("$contains('abc', 'b')", True),
        ("$formatInteger(14, 'I')", "XIV"),
        ("$formatInteger(2789, 'w')", "two thousand, seven hundred and eighty-nine"),
        ("$parseInteger('twelve', 'w')", 12),
        ("$formatNumber(12345.6, '#,###.00')", "12,345.60"),
        ("$fromMillis(0)", "1970-01-01T00:00:00.000Z"),
        ("$fromMillis(0, '[Y0001]-[M01]-[D01]')", "1970-01-01"),
        ("$fromMillis(0, $no, '+0100')", "1970-01-01T01:00:00.000+01:00"),
        ("$toMillis('1970-01-01T00:00:01Z')", 1000),
        ("$toMillis('2/1/1970', '[D]/[M]/[Y]')", 86_400_000),
        ("$map(['b'], $pad(?, 2, '!'))", "b!"),
        ("($pad := function($x) { $x & '!' }; $pad('a'))", "a!"),
        ("($_pad := 1; $_pad + $length($pad('a', 5)))", 6),
    ],
)  # fmt: skip
def test_a_guarded_function_still_does_what_it_did(expression, found):
    assert value_of(expression, {"words": ["a", "b"]}) == found
