"""What an expression can read besides its data: the Context Object, `$$`, and the variables.

The Context Object is built only when an expression reads it. https://states-language.net/spec.html#context-object

A variable belongs to a frame (one scope of the definition) and is kept as value "a:<frame>:<name>", so that a commit
writes only those that were set. Frames inside read it; they never set one of its name, which is checked at publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.core.execution import Execution, Frame, FrameId
from engine.core.records import iso
from engine.documents import Document
from engine.language.machine import Machine

RETRIED = frozenset({"Task", "Parallel", "Map"})  # state types whose context tells State.RetryCount


def build(
    machine: Machine,
    execution: Execution,
    frame: Frame,
    *,
    token: str | None = None,
    item: tuple[int, Any] | None = None,
) -> dict[str, Any]:
    """The Context Object of a frame.

    `token` is the task's, for callback tasks; `item` the (index, value) that an ItemSelector is being applied to.
    Inside an iteration Map.Item is the innermost Map's.
    """
    names = execution.names
    about: dict[str, Any] = {
        "Id": execution.id if names is None else names.execution,
        "StartTime": iso(execution.started_ms),
        "Name": execution.name,
    }
    if execution.redrives is not None:
        about["RedriveCount"] = execution.redrives
    if execution.input is not None:
        about["Input"] = execution.input.value
    if names is not None:
        about["RoleArn"] = names.role
    state: dict[str, Any] = {"Name": frame.state, "EnteredTime": iso(frame.entered_ms)}
    if machine.states[frame.state].type in RETRIED:
        state["RetryCount"] = frame.retry_count
    definition = execution.definition
    machine_id = definition if names is None else names.machine
    machine_name = definition if names is None else names.machine_name
    state_machine: dict[str, Any] = {"Id": machine_id, "Name": machine_name}
    if names is None:
        # The version the run is pinned to now, so another one after a migration. AWS's context has no such field.
        state_machine["DefinitionVersion"] = execution.version
    context: dict[str, Any] = {
        "Execution": about,
        "StateMachine": state_machine,
        "State": state,
    }
    if token is not None:
        context["Task"] = {"Token": token}
    current = item if item is not None else _iteration(execution.frames, frame)
    if current is not None:
        context["Map"] = {"Item": {"Index": current[0], "Value": current[1]}}
    return context


def _iteration(frames: Mapping[str, Frame | None], frame: Frame) -> tuple[int, Any] | None:
    """Index and item of the innermost iteration that a frame lies in, where the machine keeps it."""
    inner: Frame | None = frame
    while inner is not None:
        if inner.item is not None:
            return inner.index, inner.item.value
        inner = frames.get(parent_of(inner.id))
    return None


def parent_of(frame: str) -> str:
    """The id of the frame that a frame is a child of; "" for the root."""
    return frame.rpartition("/")[0]


# Variables


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
