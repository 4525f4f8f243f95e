"""The Context Object, `$$`: what an expression can learn about the run it is in.

https://states-language.net/spec.html#context-object. Built only when an expression reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.core.execution import Execution, Frame
from engine.core.records import iso
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
    about: dict[str, Any] = {
        "Id": execution.id,
        "StartTime": iso(execution.started_ms),
        "Name": execution.name,
    }
    if execution.redrives is not None:
        about["RedriveCount"] = execution.redrives
    if execution.input is not None:
        about["Input"] = execution.input.value
    state: dict[str, Any] = {"Name": frame.state, "EnteredTime": iso(frame.entered_ms)}
    if machine.states[frame.state].type in RETRIED:
        state["RetryCount"] = frame.retry_count
    name = execution.definition
    context: dict[str, Any] = {
        "Execution": about,
        "StateMachine": {"Id": name, "Name": name},
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
