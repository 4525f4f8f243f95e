"""JSON values on their way into JSONata and back: its numbers are doubles, and it has infinities."""

from __future__ import annotations

import math
from typing import Any

_WHOLE_MAX = 2**63 - 1


def fitting(value: Any) -> Any:
    """The value with integers that need more than 64 bits made doubles; itself where there are none.

    One beyond the range of a double becomes an infinity.
    """
    if value.__class__ is int:
        return _double(value) if abs(value) > _WHOLE_MAX else value
    if value.__class__ is dict:
        return _changed_object(value, fitting)
    if value.__class__ is list:
        return _changed_array(value, fitting)
    return value


def finite(value: Any) -> Any:
    """The value with what JSON cannot hold as text, as AWS has it: "Infinity", "-Infinity", "NaN"; also inside containers."""
    if value.__class__ is float:
        return value if math.isfinite(value) else _NAMES.get(value, "NaN")
    if value.__class__ is dict:
        return _changed_object(value, finite)
    if value.__class__ is list:
        return _changed_array(value, finite)
    return value


_NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _changed_object(value: dict[str, Any], change: Any) -> dict[str, Any]:
    changed = {key: change(member) for key, member in value.items()}
    same = all(changed[key] is member for key, member in value.items())
    return value if same else changed


def _changed_array(value: list[Any], change: Any) -> list[Any]:
    changed = [change(element) for element in value]
    same = all(new is old for new, old in zip(changed, value, strict=True))
    return value if same else changed
