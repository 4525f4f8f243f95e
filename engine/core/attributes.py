"""Search attributes: values in an execution's data by which it is found, as its definition declares them.

They are read from the data of the root strand: the input at the start, what each state is handed, the output at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.core.execution import ROOT, Attribute, Execution, Frame, FrameId
from engine.documents import Document
from engine.language.expressions.paths import NoMatch, Path

TEXT_MAX = 128  # characters of a text that count; ours: an index holds keys, not documents
_INTEGERS = range(-(2**63), 2**64)  # what MessagePack has integers for


def new_data(
    before: Execution, changed: Mapping[FrameId, Frame | None], output: Document | None
) -> Document | None:
    """The root strand's data after a transition; None where it is the same as before, or gone."""
    if output is not before.output:
        return output
    if before.revision == 0:
        return before.input
    root, known = changed.get(ROOT), before.frames.get(ROOT)
    if root is None or (known is not None and known.input is root.input):
        return None
    return root.input


def updated(
    declared: Mapping[str, Path], data: Document, before: Mapping[str, Attribute]
) -> Mapping[str, Attribute]:
    """The attributes with what is found in the data; `before` itself where nothing is new.

    A path that finds nothing, or neither text, number nor boolean, leaves its attribute as it was.
    """
    found = {}
    for name, path in declared.items():
        value = _found(path, data.value)
        if value is not None and not _same(value, before.get(name)):
            found[name] = value
    return {**before, **found} if found else before


def _found(path: Path, data: Any) -> Attribute | None:
    try:
        value = path.find(data, _NOTHING)
    except NoMatch:
        return None
    if isinstance(value, str):
        return value[:TEXT_MAX]
    if isinstance(value, bool | float):
        return value
    return _number(value) if isinstance(value, int) else None


_NOTHING: Any = None  # a reference path into the data reads nothing else


def _number(value: int) -> int | float | None:
    """The integer, or the double nearest to one that is too large to be stored; None where there is none."""
    if value in _INTEGERS:
        return value
    try:
        return float(value)
    except OverflowError:
        return None


def _same(one: Attribute, other: Attribute | None) -> bool:
    """Equal, and of one type: `true` is not 1."""
    return one == other and type(one) is type(other)
