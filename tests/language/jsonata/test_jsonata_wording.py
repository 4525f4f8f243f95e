"""Run-time errors carry JSONata's code and jsonata-js's words, as AWS repeats them."""

from __future__ import annotations

import pytest
from jsonata_cases import failure_of


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("'a' - 1", 'T2001: The left side of the "-" operator must evaluate to a number'),
        ("1 + null", 'T2002: The right side of the "+" operator must evaluate to a number'),
        ("'32' < 42", 'T2009: The values "32" and 42 either side of operator "<" must be of the same data type'),
        ("$states.input.n < $x", 'T2009: The values 5 and "q" either side of operator "<" must be of the same data type'),
        ("3 >= true", 'T2010: The expressions either side of operator ">=" must evaluate to numeric or string values'),
        ("-'s'", 'D1002: Cannot negate a non-numeric value: "s"'),
        ("$abs('x')", 'T0410: Argument 1 of function "abs" does not match function signature'),
        ("$contains('a', 1)", 'T0410: Argument 2 of function "contains" does not match function signature'),
        ("$abs($string(1))", 'T0410: Argument 1 of function "abs" does not match function signature'),
        ("$sum(['a'])", 'T0412: Argument 1 of function "sum" must be an array of "numbers"'),
        ("$join([1])", 'T0412: Argument 1 of function "join" must be an array of "strings"'),
        ("$number('x')", 'D3030: Unable to cast value to a number: "x"'),
        ("$formatBase(1, 99)", "D3100: The radix of the formatBase function must be between 2 and 36.  It was given 99"),
        ("$error('boom')", "D3137: boom"),
        ("$assert(false, 'm')", "D3141: m"),
        ("$foo(1)", "T1006: Attempted to invoke a non-function"),
        ("'a' ~> 'b'", "T2006: The right side of the function application operator ~> must be a function"),
        ("[1..2.5]", "T2004: The right side of the range operator (..) must evaluate to an integer"),
        ("$string(1/0)", "D3001: Attempting to invoke string function on Infinity or NaN"),
        ("$single([1, 2])", "D3138: The $single() function expected exactly 1 matching result.  Instead it matched more."),
    ],
)  # fmt: skip
def test_a_coded_error(expression, text):
    assert failure_of(expression, {"n": 5}, x="q") == f"threw an error during evaluation. {text}"


def test_the_document_is_not_changed_by_asking_for_words():
    given = {"n": [1, [2], {"a": None}]}
    failure_of("$states.input.n[0] < 'x'", given)
    assert given == {"n": [1, [2], {"a": None}]}
