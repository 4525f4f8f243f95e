"""The 39 operators a Choice rule compares with: one table.

https://states-language.net/spec.html#choice-state. An operator makes both sides comparable, or answers false where one
has another type. Strings are ordered as Java orders them, by UTF-16 code units.
"""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.language.expressions.timestamps import parse_instant
from engine.language.expressions.values import is_number


@dataclass(frozen=True, slots=True)
class Comparison:
    """`key` makes a side comparable, None where the type is wrong; `compare` decides; `mistake` refuses a literal."""

    key: Callable[[Any], Any]
    compare: Callable[[Any, Any], bool]
    mistake: str


def _text(value: Any) -> bytes | None:
    return value.encode("utf-16-be", "surrogatepass") if isinstance(value, str) else None


def _number(value: Any) -> int | float | None:
    return value if is_number(value) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _instant(value: Any) -> int | None:
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except ValueError:
        return None


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operators.eq,
    "LessThan": operators.lt,
    "GreaterThan": operators.gt,
    "LessThanEquals": operators.le,
    "GreaterThanEquals": operators.ge,
}
_ORDERED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "String": (_text, "Expected value of type String"),
    "Numeric": (_number, "Expected value of type Number"),
    "Timestamp": (_instant, "String does not match RFC3339 timestamp"),
}

COMPARISONS: dict[str, Comparison] = {
    f"{family}{order}": Comparison(key, compare, mistake)
    for family, (key, mistake) in _ORDERED.items()
    for order, compare in _ORDERS.items()
}
COMPARISONS["BooleanEquals"] = Comparison(_boolean, operators.eq, "Expected value of type Boolean")
"""Each also exists with the suffix `Path`, its other side read from the input."""

TYPE_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsNumeric": is_number,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: _instant(value) is not None,
}

OPERATORS: tuple[str, ...] = (
    *(name + suffix for name in COMPARISONS for suffix in ("", "Path")),
    "StringMatches",
    *TYPE_TESTS,
    "IsPresent",
)

_TOKEN = re.compile(r"\\([*\\])|(\*)|(\\)|([^*\\]+)")


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    r"""The test of `StringMatches`: `*` is any run of characters, `\*` a star, `\\` a backslash.

    Takes time in proportion to text and pattern; no text makes it backtrack. Raises ValueError for another backslash.
    """
    pieces = [""]
    for escaped, star, dangling, plain in _TOKEN.findall(pattern):
        if dangling:
            raise ValueError(r"A backslash in StringMatches must be followed by '*' or '\'")
        if star:
            pieces.append("")
        else:
            pieces[-1] += escaped or plain
    first, *middle = pieces
    if not middle:
        return first.__eq__
    last = middle.pop()

    def matches(text: str) -> bool:
        if len(text) < len(first) + len(last) or not text.startswith(first):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return text.endswith(last)

    return matches
