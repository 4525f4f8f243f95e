"""Unquoted YAML scalars: what the YAML 1.2 core schema makes of them, and what YAML 1.1 would have made.

YAML 1.2.2, section 10.3.2; https://yaml.org/type/ for 1.1.
"""

from __future__ import annotations

import math
import re
from typing import Any

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_OLD_BOOLEANS = {
    form for word in ("yes", "no", "on", "off") for form in (word, word.capitalize(), word.upper())
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_OLD_OCTAL = re.compile(r"[-+]?0[0-9]+")
_OLD_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_OLD_GROUPED = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)")
_OLD_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OLD_TIME = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?)?)?"
)
_NUMBER_STARTS = frozenset("0123456789+-.")
_DIGITS_MAX = 400
_DOUBLE_END = 2**1024

_QUOTE = "Put it in quotes if it is text."


class Ambiguous(Exception):
    """The two YAML versions differ. `value` is what 1.2 makes of it; `new` and `old` tell the two readings."""

    def __init__(self, value: Any, new: str, old: str, hint: str = _QUOTE) -> None:
        self.value = value
        self.new = new
        self.old = old
        self.hint = hint
        super().__init__(new)


class NoJson(Exception):
    """The scalar is a number that JSON cannot hold."""


def plain_value(text: str) -> Any:
    """The value by the core schema. Raises Ambiguous or NoJson."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        if text in _OLD_BOOLEANS:
            truth = "true" if text.lower() in {"yes", "on"} else "false"
            raise Ambiguous(
                text, "text", truth, f"Put it in quotes if it is text, or write {truth}."
            )
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _BASED.fullmatch(text):
        return _based(text)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _NOT_FINITE.fullmatch(text):
        raise NoJson("has no JSON form")
    return _text(text)


def _integer(text: str) -> int:
    if len(text) > _DIGITS_MAX or abs(int(text)) >= _DOUBLE_END:
        raise NoJson("is beyond the range of a double")
    value = int(text)
    if _OLD_OCTAL.fullmatch(text):
        octal = not set(text) & {"8", "9"}
        old = f"the octal number {int(text, 8)}" if octal else "text"
        raise Ambiguous(
            value, f"the number {value}", old, f"Put it in quotes if it is text, or write {value}."
        )
    return value


def _based(text: str) -> int:
    value = int(text, 0) if len(text) <= _DIGITS_MAX else _DOUBLE_END
    if value >= _DOUBLE_END:
        raise NoJson("is beyond the range of a double")
    if text.startswith("0o"):
        raise Ambiguous(
            value,
            f"the number {value}",
            "text",
            f"Put it in quotes if it is text, or write {value}.",
        )
    return value


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise NoJson("is beyond the range of a double")
    if not _OLD_FLOAT.fullmatch(text):
        hint = f"Put it in quotes if it is text, or write {value!r}."
        raise Ambiguous(value, "a number", "text", hint if "e" not in repr(value) else _EXPONENT)
    return value


_EXPONENT = "Put it in quotes if it is text; as a number, write it with a point and a signed exponent: 1.0e+3."


def _text(text: str) -> str:
    """Text for 1.2 that begins like a number."""
    if _OLD_TIME.fullmatch(text):
        raise Ambiguous(text, "text", "a date", f'Put dates and timestamps in quotes: "{text}".')
    for pattern, old in ((_OLD_SIXTIES, "a number to base 60"), (_OLD_GROUPED, "a number")):
        if pattern.fullmatch(text):
            raise Ambiguous(text, "text", old)
    return text
