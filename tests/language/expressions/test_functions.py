"""The 18 intrinsic functions, on the values that were measured on AWS and at their limits."""

from __future__ import annotations

import pytest

from engine.language.expressions.functions import FUNCTIONS, InvalidArguments

A = [
    None, None, True, False, 1, 1, 1.0, 1.1, 0, "a", "a", [], [], [None], {"a": 1, "b": 2}, {"b": 2, "a": 1},
]  # fmt: skip

WORKING = [
    ("Format", ["{} and {}", "x", 1], "x and 1"),
    ("Format", ["no place"], "no place"),
    ("Format", [""], ""),
    ("Format", ["{}{}{}", None, True, 1.5], "nulltrue1.5"),
    ("Format", ["{}", {"Arg1": 1, "Arg2": []}], "{Arg1=1, Arg2=[]}"),
    ("Format", ["{}", ["a", {"b": None}, False]], "[a, {b=null}, false]"),
    ("Format", [r"\{\}{}\'\\", "x"], "{}x'\\"),
    ("Format", ["a\\b{}", "x"], "a\\bx"),
    ("StringToJson", [""], None),
    ("StringToJson", [" \n"], None),
    ("StringToJson", ["-0"], 0),
    ("StringToJson", ['{"a": [1, 2.5, null]}'], {"a": [1, 2.5, None]}),
    ("JsonToString", [{"Arg1": 1, "Arg2": []}], '{"Arg1":1,"Arg2":[]}'),
    ("JsonToString", ["é"], '"é"'),
    ("JsonToString", [None], "null"),
    ("Array", [], []),
    ("Array", [1, "a", None], [1, "a", None]),
    ("ArrayPartition", [[], 3], []),
    ("ArrayPartition", [[1, 2, 3], 2.6], [[1, 2], [3]]),
    ("ArrayPartition", [[1, 2, 3], 10**12], [[1, 2, 3]]),
    ("ArrayContains", [[1, {"a": [2]}], {"a": [2]}], True),
    ("ArrayContains", [[1, 2], 1.0], True),
    ("ArrayContains", [[1, 0], True], False),
    ("ArrayRange", [1, 9, 2], [1, 3, 5, 7, 9]),
    ("ArrayRange", [1.6, 1.4, 1], [1]),
    ("ArrayRange", [5.4, -0.6, -2.4], [5, 3, 1]),
    ("ArrayRange", [1, 5, -1], []),
    ("ArrayRange", [1, 1000, 1], list(range(1, 1001))),
    ("ArrayGetItem", [[1, 2, 3], 2.9], 3),
    ("ArrayGetItem", [[1, 2, 3], -0.5], 1),
    ("ArrayGetItem", [[], 7], None),
    ("ArrayLength", [[1, 2]], 2),
    ("ArrayUnique", [A], [None, True, False, 1, 1.1, 0, "a", [], [None], {"a": 1, "b": 2}]),
    ("Base64Encode", ["Data to encode"], "RGF0YSB0byBlbmNvZGU="),
    ("Base64Encode", ["é"], "w6k="),
    ("Base64Decode", ["RGF0YSB0byBlbmNvZGU="], "Data to encode"),
    ("Base64Decode", [" RG F0\nYSB0b*yBlbm=NvZGU"], "Data to encode"),
    ("Base64Decode", [""], ""),
    ("Base64Decode", ["A"], ""),
    ("Base64Encode", ["a" * 10_000], "YWFh" * 3333 + "YQ=="),
    ("Hash", ["input data", "MD5"], "812f45842bc6d66ee14572ce20db8e86"),
    ("Hash", ["input data", "SHA-1"], "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    ("Hash", [{"a": 1}, "MD5"], "bb6cb5c68df4652941caf652a366f2d8"),
    ("JsonMerge", [{"a": {"x": 1}, "b": 2}, {"a": {"y": 1}}, False], {"a": {"y": 1}, "b": 2}),
    ("JsonMerge", [{"a": 1}, {"b": 2}, "no"], {"a": 1, "b": 2}),
    ("MathAdd", [1.49, 1.5], 3),
    ("MathAdd", [-1.5, -1.51], -3),
    ("MathAdd", [-0.5, 0], 0),
    ("MathAdd", [2.5, 0], 3),
    ("MathAdd", [0.49999999999999994, 0], 0),
    ("MathAdd", [2**31 - 1, 0], 2**31 - 1),
    ("MathRandom", [1.6, 10.9], 9),
    ("MathRandom", [-5, -4], -5),
    ("StringSplit", ["1,2;3", ",;"], ["1", "2", "3"]),
    ("StringSplit", [",,,,", ","], []),
    ("StringSplit", ["a::b", "::"], ["a", "b"]),
    ("StringSplit", ["a]b^c-d\\e", "]^-\\"], ["a", "b", "c", "d", "e"]),
    ("StringSplit", ["abc", ""], ["abc"]),
    ("StringSplit", ["", ","], []),
    ("UUID", [], "00000000-0000-4000-8000-000000000000"),
]  # fmt: skip

FAILING = [
    ("Format", [1]),
    ("Format", ["{}"]),
    ("Format", ["{}", 1, 2]),
    ("Format", ["{{}}", 1]),
    ("Format", ["}"]),
    ("Format", ["{"]),
    ("StringToJson", ["{"]),
    ("StringToJson", ["NaN"]),
    ("StringToJson", [1]),
    ("ArrayPartition", [[1], 0.6]),
    ("ArrayPartition", [[1], -1]),
    ("ArrayPartition", [[1], "1"]),
    ("ArrayPartition", ["a", 1]),
    ("ArrayContains", ["a", "a"]),
    ("ArrayRange", [1, 5, 0.9]),
    ("ArrayRange", [0, 1000, 1]),
    ("ArrayRange", [0, 10**18, 1]),
    ("ArrayRange", ["1", 2, 3]),
    ("ArrayGetItem", [[1], 1]),
    ("ArrayGetItem", [[1], -1]),
    ("ArrayGetItem", [[1], "0"]),
    ("ArrayGetItem", [[1], True]),
    ("ArrayLength", ["abc"]),
    ("ArrayUnique", [{}]),
    ("Base64Encode", ["a" * 10_001]),
    ("Base64Encode", [1]),
    ("Base64Decode", ["a" * 10_001]),
    ("Base64Decode", [None]),
    ("Hash", ["a", "sha-1"]),
    ("Hash", ["a", None]),
    ("Hash", ["a" * 10_001, "MD5"]),
    ("JsonMerge", [{}, {}, True]),
    ("JsonMerge", [{}, [], False]),
    ("MathAdd", [2**31 - 1, 1]),
    ("MathAdd", [2**31, -1]),
    ("MathAdd", ["1", 1]),
    ("MathAdd", [True, 1]),
    ("MathAdd", [None, 1]),
    ("MathRandom", [1, 1]),
    ("MathRandom", [2, 1]),
    ("MathRandom", [1, "2"]),
    ("MathRandom", [1, 2, "x"]),
    ("MathRandom", [1, 2**31]),
    ("StringSplit", [1, ","]),
    ("StringSplit", ["a", 1]),
    ("UUID", [1]),
    ("ArrayLength", []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "expected"), WORKING)
def test_a_function_answers_as_measured(name, arguments, expected, scope):
    found = FUNCTIONS[f"States.{name}"](arguments, scope)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("name", "arguments"), FAILING)
def test_a_function_refuses_what_it_does_not_take(name, arguments, scope):
    with pytest.raises(InvalidArguments):
        FUNCTIONS[f"States.{name}"](arguments, scope)


def test_all_eighteen_functions_are_there():
    assert len(FUNCTIONS) == 18


@pytest.mark.parametrize("seed", [42, 0, -7, 3.9])
def test_a_seeded_random_number_is_always_the_same(seed, scope):
    random = FUNCTIONS["States.MathRandom"]
    answers = {random([-99_999, 99_999, seed], scope) for _ in range(3)}
    assert len(answers) == 1
    assert -99_999 <= answers.pop() < 99_999


def test_a_seeded_random_number_is_javas(scope):
    # java.util.Random(42).nextDouble() is 0.7275636800328681
    assert FUNCTIONS["States.MathRandom"]([0, 1_000_000_000, 42], scope) == 727_563_680


def test_nested_formats_cannot_grow_without_bound(scope):
    with pytest.raises(InvalidArguments):
        FUNCTIONS["States.Format"](["{}" * 3, *["x" * 4_000_000] * 3], scope)
