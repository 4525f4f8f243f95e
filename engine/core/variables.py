"""Variables of a run: where each is kept, how it is found, what it may weigh.

A variable belongs to a frame (one scope of the definition) and is kept as value "a:<frame>:<name>", so that a commit
writes only those that were set. Frames inside read it; they never set one of its name, which is checked at publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.core.context import parent_of
from engine.core.execution import Frame, FrameId
from engine.documents import Document


def key_of(frame: FrameId, name: str) -> str:
    return f"a:{frame}:{name}"


def keys_of(frame: Frame) -> Iterator[str]:
    """The values that the frame's own variables are."""
    return (key_of(frame.id, name) for name in frame.variables)


def owner_of(frames: Mapping[FrameId, Frame | None], frame: Frame, name: str) -> FrameId | None:
    """The innermost frame around `frame`, itself included, that has the variable."""
    inner: Frame | None = frame
    while inner is not None:
        if name in inner.variables:
            return inner.id
        inner = frames.get(parent_of(inner.id))
    return None


def needed(
    frames: Mapping[FrameId, Frame | None], frame: Frame, names: Iterable[str]
) -> Iterator[str]:
    """The values of those of the variables that the frame can read."""
    for name in names:
        owner = owner_of(frames, frame, name)
        if owner is not None:
            yield key_of(owner, name)


class Variables(Mapping[str, Any]):
    """The variables that a frame reads, as they stand now. Only those that `needs` has named are loaded."""

    __slots__ = ("_frame", "_frames", "_values")

    def __init__(
        self,
        frames: Mapping[FrameId, Frame | None],
        values: Mapping[str, Document | None],
        frame: Frame,
    ) -> None:
        self._frames = frames
        self._values = values
        self._frame = frame

    def __getitem__(self, name: str) -> Any:
        owner = owner_of(self._frames, self._frame, name)
        if owner is None:
            raise KeyError(name)
        value = self._values[key_of(owner, name)]
        assert value is not None, name
        return value.value

    def __iter__(self) -> Iterator[str]:
        inner: Frame | None = self._frame
        while inner is not None:
            yield from inner.variables
            inner = self._frames.get(parent_of(inner.id))

    def __len__(self) -> int:
        return sum(1 for _ in self)
