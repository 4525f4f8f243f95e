"""Values to JSON text: exactly what JSON can hold, or a refusal that says where.

Refused: NaN and infinities, bytes, Decimal, datetime and every other class, object names that are not strings (which
the standard encoder would quietly turn into strings), lone surrogates, circular and too deeply nested values.
"""

from __future__ import annotations

import json
import math
from typing import Any

from detent.errors import NotJson

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

_CONTAINERS = (dict, list, tuple)


def to_json(value: Any) -> bytes:
    """UTF-8 JSON text of `value`; a tuple is an array. Raises NotJson, naming the place and the class."""
    try:
        if isinstance(value, _CONTAINERS):
            _check_names(value)
        return _encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise NotJson(_explain(value, error)) from None


def _check_names(value: Any) -> None:
    members: Any = value
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                raise TypeError
        members = value.values()
    for member in members:
        if isinstance(member, _CONTAINERS):
            _check_names(member)


def _explain(value: Any, error: Exception) -> str:
    """Where the first thing is that JSON cannot hold; the encoder's own words where the search finds nothing."""
    try:
        return _fault(value, "$") or f"the value is not JSON: {error}"
    except RecursionError:
        return "the value refers to itself or is nested too deeply for JSON"


def _fault(value: Any, place: str) -> str | None:
    if value is None or isinstance(value, int):
        return None
    if isinstance(value, str):
        return None if _is_unicode(value) else f"{place} has a lone surrogate, which is not text"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{place} is {value}, which JSON cannot hold"
    if isinstance(value, dict):
        return _fault_in_object(value, place)
    if isinstance(value, (list, tuple)):
        faults = (_fault(item, f"{place}[{index}]") for index, item in enumerate(value))
        return next(filter(None, faults), None)
    return f"{place} is a {type(value).__name__}, which JSON cannot hold"


def _fault_in_object(value: dict[Any, Any], place: str) -> str | None:
    for name, member in value.items():
        if not isinstance(name, str):
            return f"{place} has the name {name!r}, a {type(name).__name__}; JSON names are strings"
        if not _is_unicode(name):
            return f"{place} has a name with a lone surrogate, which is not text"
        if fault := _fault(member, f"{place}.{name}"):
            return fault
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
