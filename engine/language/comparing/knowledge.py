"""What is known of an execution's data somewhere on its way: a JSON value in which parts may be unknown.

What a known object has no member for cannot be there; in place of an unknown part there may be anything. Values are
never changed, only built anew, and share their parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.language.expressions.path_steps import Step
from engine.language.expressions.paths import Path, ReferencePath
from engine.language.machine import Discard


class Unknown:
    """Stands for a part that there may be anything in place of."""


UNKNOWN = Unknown()


def can_hold(value: Any, steps: Iterable[Step]) -> bool:
    """Whether a JSONPath may find something. What lies beyond the end of an array is not told: it can read as null."""
    for step in steps:
        if value is UNKNOWN:
            return True
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return False
            value = value[step]
        elif isinstance(step, int):
            if not isinstance(value, list):
                return False
            if not -len(value) <= step < len(value):
                return True
            value = value[step]
        else:
            return True
    return True


def can_have(value: Any, names: Iterable[str]) -> bool:
    """Whether names in JSONata may find something; they go through arrays, so that behind one there may be anything."""
    for name in names:
        if value is UNKNOWN or isinstance(value, list):
            return True
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


def selected(path: Path | Discard | None, value: Any) -> Any:
    """What InputPath or OutputPath leaves."""
    if path is None:
        return value
    if isinstance(path, Discard):
        return {}
    if path.root != "$":
        return UNKNOWN
    for step in path.steps:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step, UNKNOWN)
        elif isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return UNKNOWN
    return value


def placed(path: ReferencePath | Discard | None, raw: Any, result: Any = UNKNOWN) -> Any:
    """What ResultPath makes of a result."""
    if path is None:
        return result
    if isinstance(path, Discard):
        return raw
    return put(raw, path.steps)


def put(value: Any, steps: tuple[Step, ...]) -> Any:
    """The value with an unknown part at the end of these steps; all of what they do not fit is unknown."""
    if not steps or value is UNKNOWN:
        return UNKNOWN
    step, *rest = steps
    if isinstance(step, str) and isinstance(value, dict):
        return {**value, step: put(value.get(step, {}), tuple(rest))}
    if isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
        changed = [*value]
        changed[step] = put(value[step], tuple(rest))
        return changed
    return UNKNOWN


def merged(left: Any, right: Any) -> Any:
    """What is known where either may be: whatever can be in one of them can be there. `left` itself where that says all."""
    if left is right or left is UNKNOWN:
        return left
    if isinstance(left, dict) and isinstance(right, dict):
        return _merged_objects(left, right)
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        each = [merged(a, b) for a, b in zip(left, right, strict=True)]
        return left if all(a is b for a, b in zip(left, each, strict=True)) else each
    is_plain = not isinstance(left, dict | list) and not isinstance(right, dict | list | Unknown)
    return left if is_plain else UNKNOWN


def _merged_objects(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    more = {}
    for name, value in right.items():
        if name not in left:
            more[name] = value
        elif (both := merged(left[name], value)) is not left[name]:
            more[name] = both
    return {**left, **more} if more else left
