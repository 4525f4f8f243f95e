"""JSON values: what they are, when they are equal, how they are written.

Python takes True for 1; JSON does not. Everything that compares or classifies JSON values goes through here.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeGuard

import msgspec

_encode = msgspec.json.Encoder().encode


def json_text(value: Any) -> str:
    """Compact JSON, key order kept."""
    return _encode(value).decode()


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether it is a JSON number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """Deep equality: 1 equals 1.0, true does not equal 1, members in any order."""
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(equal(value, right[key]) for key, value in left.items())
        )
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def identity(value: Any) -> Hashable:
    """A hashable that is the same for `equal` values and differs otherwise."""
    if isinstance(value, dict):
        return ("object", frozenset((key, identity(member)) for key, member in value.items()))
    if isinstance(value, list):
        return ("array", tuple(identity(element) for element in value))
    if isinstance(value, bool):
        return ("boolean", value)
    return ("scalar", value)
