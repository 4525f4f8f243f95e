"""Fields that take one kind of value: what an expression yielded, checked with AWS's texts."""

from __future__ import annotations

from typing import Any, Literal

from engine.language.expressions.jsonata.evaluate import QUERY_EVALUATION_ERROR, fail
from engine.language.expressions.jsonata.expression import Expression
from engine.language.expressions.scope import ExpressionError
from engine.language.expressions.timestamps import is_timestamp
from engine.language.expressions.values import json_text

Kind = Literal["boolean", "integer", "string", "array", "timestamp", "number", "array or object"]

_TAKES = {"integer": "number", "timestamp": "string"}
_NAMES = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


def check(value: Any, kind: Kind, expression: Expression, place: str) -> Any:
    """The value where it is of the kind, an integer as int; else raises ExpressionError."""
    expected, actual = _TAKES.get(kind, kind), _NAMES[value.__class__]
    if actual not in expected.split(" or "):
        fail(
            expression,
            place,
            f"returned an unexpected result type. Expected '{expected}', "
            f"but was '{actual}' for value: {json_text(value)}",
        )
    if kind == "integer" and value.__class__ is float:
        if not value.is_integer():
            _unreadable(place, "an integer", value)
        return int(value)
    if kind == "timestamp" and not is_timestamp(value):
        _unreadable(place, "an ISO-8601 extended offset date-time format string", value)
    return value


def _unreadable(place: str, form: str, value: Any) -> None:
    name = place.rpartition("/")[2]
    text = f"The {name} field cannot be parsed as {form}: {value}"
    raise ExpressionError(text, QUERY_EVALUATION_ERROR, place)
