"""Paths that a definition will read and that the data of an execution cannot have: a warning before a migration.

The way forward is walked with what is known of the data. It is a warning only: conditions are not evaluated, so that a
state may never be reached, and nothing is said of a path that could be there.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from msgspec import Struct

from engine.language.comparing.knowledge import merged
from engine.language.comparing.readings import Reading
from engine.language.machine import Machine

VISITS_MAX = 2_000  # of states in one walk; ours
WIDENINGS_MAX = (
    4  # how often one state's data may become another before all of it counts as unknown; ours
)


class Missing(Struct, frozen=True, order=True):
    """A path that the data cannot have."""

    state: str
    field: str  # of the state: Parameters, Choices[0] ...
    path: str  # as written: $.order.id, or $states.input.order.id


def missing_paths(machine: Machine, state: str, data: Any, *, entered: bool) -> list[Missing]:
    """What the state and those reachable from it read in vain, in the order in which they are reached.

    `data` is the JSON value that the state has as its raw input. With `entered`, its work has begun, so that only what
    is evaluated after that counts: not what a further attempt would evaluate again. A path is missing only if it is on every way from here; one that a Choice tests with
    IsPresent never is. The walk ends with the scope of `state`, and a walk of more than VISITS_MAX visits tells nothing.
    KeyError for a state that is not in the machine.
    """
    first = Reading(machine.states[state], data, entered=entered)
    reached = _walk(machine, first)
    if reached is None:
        return []
    found = [Missing(state, *each) for each in first.missing]
    for name, reading in reached.items():
        found.extend(Missing(name, *each) for each in reading.missing)
    return list(dict.fromkeys(found))


def _walk(machine: Machine, first: Reading) -> dict[str, Reading] | None:
    """Each state reached, read with what its data may be whichever way led to it; None where that takes too long."""
    reached: dict[str, Reading] = {}
    known: dict[str, Any] = {}
    waiting: deque[str] = deque()
    reading = first
    for _ in range(VISITS_MAX):
        for target, value in reading.led:
            both = merged(known[target], value) if target in known else value
            if target not in known or both is not known[target]:
                known[target] = both
                waiting.append(target)
        if not waiting:
            return reached
        name = waiting.popleft()
        reading = reached[name] = Reading(machine.states[name], known[name])
    return None
