"""What a compiled state says, as it was written: its fields in a form that can be compared."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from engine.documents import Document
from engine.language.expressions.conditions import Condition
from engine.language.expressions.paths import Path
from engine.language.expressions.templates import Template
from engine.language.machine import (
    Catcher,
    Discard,
    Distributed,
    ItemBatcher,
    ItemReader,
    Resource,
    ResultWriter,
    Retrier,
    Rule,
    State,
    Task,
)
from engine.language.version import canonical

# Where a state leads and what its fields read is told by its ways and by the fields themselves.
_LEFT_OUT = frozenset(
    {
        "name", "type", "pointer", "next", "default", "branches", "processor",
        "variables", "uses_execution_input", "uses_map_item", "processor_uses_map_item",
    }
)  # fmt: skip
_OF_A_RULE = frozenset({"Next", "Assign", "Output", "Comment"})  # beside its condition


def fields_of(state: State) -> dict[str, Any]:
    """The state's fields that are given, by their names in `machine`, without its name and where it leads.

    Equal values mean that the same was written.
    """
    values = {
        field.name: getattr(state, field.name)
        for field in fields(state)
        if field.name not in _LEFT_OUT
    }
    return {name: _plain(value) for name, value in values.items() if value not in (None, ())}


def addresses_of(task: Task) -> tuple[str, ...]:
    """What the task's parameters name as called, where its Resource is the same for all: a function, a definition, a URL."""
    parameters = None if task.parameters is None else task.parameters.written
    if not isinstance(parameters, dict):
        return ()
    return tuple(canonical(parameters[name]).decode() for name in _ADDRESSES if name in parameters)


_ADDRESSES = tuple(
    name + suffix
    for name in ("FunctionName", "StateMachineArn", "ApiEndpoint")
    for suffix in ("", ".$")
)


def condition_text(condition: Condition) -> str:
    """The condition of a rule of Choices, without what the rule has beside it."""
    written = condition.written
    if isinstance(written, dict):
        written = {key: written[key] for key in written if key not in _OF_A_RULE}
    return canonical(written).decode()


def _plain(value: Any) -> Any:
    """A value of the machine as one that can be compared; targets are left out."""
    match value:
        case tuple():
            return tuple(map(_plain, value))
        case Path():
            return value.text
        case Discard():
            return "null"
        case Template():
            return canonical(value.written)
        case Document():
            return canonical(value.value)
        case Rule():
            return condition_text(value.condition), _plain(value.output), _plain(value.assign)
        case Catcher():
            paths = (value.result_path, value.output, value.assign)
            return value.error_equals, *map(_plain, paths)
        case Resource():
            return value.uri
        case Distributed() | ItemReader() | ItemBatcher() | ResultWriter():
            # A label is a name, too.
            parts = (part.name for part in fields(value) if part.name != "label")
            return tuple(_plain(getattr(value, part)) for part in parts)
        case Retrier():
            return value  # a frozen dataclass of plain values
        case _:
            return value
