"""Records as both faces show them: what was recorded, and what follows from how the execution was started.

The role, the version and alias, and the region are the same in every record of an execution, so they are kept with the
execution and not with its records. One that goes by no ARNs has none of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.arns import place_of
from engine.core.effects import Record
from engine.core.records import render
from engine.store.codec import Static

COMPLETED = frozenset({"ExecutionStarted", "TaskScheduled"})  # types that are told more of


def shown(records: Iterable[Record], static: Static | None) -> list[dict[str, Any]]:
    """The records in Step Functions' event shape, as `engine.core.records.render` makes it. `static` is their execution's."""
    place = None if static is None else place_of(static.names)
    if static is None or static.names is None or place is None:
        return [render(record) for record in records]
    machine = static.definition
    started: dict[str, Any] = {"roleArn": static.names.role} if static.names.role else {}
    if static.alias:
        started["stateMachineAliasArn"] = place.machine(machine, static.alias)
    if static.published:
        started["stateMachineVersionArn"] = place.machine(machine, static.published)
    more = {
        "ExecutionStarted": ("executionStartedEventDetails", started),
        "TaskScheduled": ("taskScheduledEventDetails", {"region": place.region}),
    }
    events = []
    for record in records:
        event = render(record)
        if record.type in more:
            key, details = more[record.type]
            event[key] |= details
        events.append(event)
    return events
