"""What to do about a value of the wrong type, an empty list, a missing field: hints that know the field."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from engine.language.text.source import Format, Path

SCALARS = frozenset({"string", "integer", "number", "boolean", "null"})

# By the first of the fields that exclude one another.
ADD_ONE = {
    "Next": "Add Next with the name of the state that follows, or End: true.",
    "ItemProcessor": "Add ItemProcessor, with the StartAt and States that every item goes through.",
    "Seconds": "Add Seconds, for example.",
    "And": "Add Variable, and a comparison such as StringEquals.",
}
FILL = {
    "States": "Add the state that StartAt names, such as Hello: {Type: Succeed}.",
    "Choices": "Add a rule with Variable, a comparison and Next.",
    "Branches": "Add a branch with StartAt and States.",
    "ErrorEquals": "Write [States.ALL] to match every error.",
}

PLACEHOLDER = "Fill in the placeholder."

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*( [A-Za-z0-9_.-]+)*")
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})


def for_type(kinds: Sequence[str], value: Any, path: Path, notation: Format) -> str:
    """What to write in place of a value where one of the JSON types `kinds` is expected."""
    if isinstance(value, str) and "${" in value:
        return PLACEHOLDER
    if "array" in kinds:
        return _for_list(value, path, notation)
    if "boolean" in kinds:
        return _for_boolean(value)
    if "string" in kinds and isinstance(value, bool | int | float):
        return "Put it in quotes."
    if {"integer", "number"} & set(kinds):
        return _for_number(value, whole="number" not in kinds)
    return ""


def _for_boolean(value: Any) -> str:
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in _TRUE | _FALSE:
        meant = str(word in _TRUE).lower()
        # Without quotes true and false would not be text; yes and on are, quoted or not.
        return f"Write {meant}, without quotes." if word == meant else f"Write {meant}."
    return "Write true or false."


def _for_number(value: Any, *, whole: bool) -> str:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return "Write it without quotes."
    return "Write digits only, such as 60." if whole else "Write a number, such as 1.5."


def _for_list(value: Any, path: Path, notation: Format) -> str:
    """A list of one, where it is short enough to show."""
    if isinstance(value, dict):
        return (
            "Make it a list, even of one: put - before its first field."
            if notation == "yaml"
            else "Put it in [ ]."
        )
    if not isinstance(value, str) or path[-1:] != ("ErrorEquals",) or len(value) > 80:
        return "Write a list."
    is_plain = notation == "yaml" and _PLAIN.fullmatch(value)
    return f"Write [{value if is_plain else json.dumps(value, ensure_ascii=False)}]."
