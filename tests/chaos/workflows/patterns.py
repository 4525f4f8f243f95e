"""Values as a generator expects them: plain JSON, with places where one of several may stand, or anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class _Any:
    def __repr__(self) -> str:
        return "ANY"


ANY = _Any()


@dataclass(frozen=True)
class OneOf:
    """A race was deliberate here: any of these is right."""

    options: tuple[Any, ...]


def fits(pattern: Any, value: Any) -> bool:
    """Whether a value is what the pattern says, exactly but for its open places."""
    if pattern is ANY:
        return True
    if isinstance(pattern, OneOf):
        return any(fits(option, value) for option in pattern.options)
    if isinstance(pattern, dict):
        return (
            isinstance(value, dict)
            and pattern.keys() == value.keys()
            and all(fits(each, value[key]) for key, each in pattern.items())
        )
    if isinstance(pattern, list):
        return (
            isinstance(value, list)
            and len(pattern) == len(value)
            and all(fits(*pair) for pair in zip(pattern, value, strict=True))
        )
    return type(pattern) is type(value) and bool(pattern == value)
