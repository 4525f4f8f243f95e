"""Why a text is no input for an execution, in the words of Step Functions."""

from __future__ import annotations

import pytest

from engine.language.diagnostics.input_faults import UNSPECIFIC, input_fault

VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tru", f"Unrecognized token 'tru': was expecting {VALUES}"),
        (
            "{a: 1}",
            "Unexpected character ('a' (code 97)): was expecting double-quote to start field name",
        ),
        (
            '{"a"; 1}',
            "Unexpected character (';' (code 59)): was expecting a colon to separate field name and value",
        ),
        (
            '{"a": 1 "b"}',
            "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries",
        ),
        (
            "[1;2]",
            "Unexpected character (';' (code 59)): was expecting comma to separate Array entries",
        ),
        ("", UNSPECIFIC),
        ("  ", UNSPECIFIC),
        ('"half a string', UNSPECIFIC),
        (
            '{"a": [1, {"b": 2}',
            (
                "Unexpected end-of-input: expected close marker for Array "
                """(start marker at [Source: (String)"{"a": [1, {"b": 2}"; line: 1, column: 7])"""
            ),
        ),
        ('{"a":', "Unexpected end-of-input within/between Object entries"),
    ],
)
def test_a_text_that_is_no_json_is_refused_with_the_reason_and_without_the_place(text, said):
    assert input_fault(text) == said
