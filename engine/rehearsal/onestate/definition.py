"""The state that is tested, compiled: on its own, or in the definition that it is a part of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from engine.documents import Document
from engine.errors import InvalidDocument, StateTestRefused
from engine.language import Machine, read
from engine.language.document import scopes_of, transitions_of
from engine.language.machine import State

TESTED = "StateName"  # what a state is called that is given without its name (measured)


def tested(text: str, name: str | None) -> tuple[Machine, State]:
    """The machine and the state in it. Without a `name` the text is that of a state alone.

    A state alone may lead to states that are not there. Raises InvalidDefinition, and StateTestRefused for a name that
    no state of the definition has.
    """
    if name is None:
        machine = read(_around(text), format="json")
        return machine, machine.states[TESTED]
    machine = read(text, format="json")
    for each in machines_in(machine):
        if name in each.states:
            return each, each.states[name]
    raise StateTestRefused("State not found in definition")


def machines_in(machine: Machine) -> Iterator[Machine]:
    """The machine and those of the children of its distributed Maps, however deep."""
    yield machine
    for each in machine.processors.values():
        yield from machines_in(each)


def _around(text: str) -> str:
    """A definition that the state is all of, but for the ends that it leads to; the text as it is where it is no object."""
    try:
        state = Document.parse(text).value
    except InvalidDocument:
        return text
    if not isinstance(state, dict):
        return text
    ends = "".join(f', {json.dumps(end)}: {{"Type": "Succeed"}}' for end in _targets(state))
    return f'{{"StartAt": "{TESTED}", "States": {{"{TESTED}": {text}{ends}}}}}'


def _targets(state: dict[str, Any]) -> list[str]:
    scopes = scopes_of({"StartAt": TESTED, "States": {TESTED: state}})
    taken = {name for scope in scopes for name in scope.states}
    found = dict.fromkeys(target for _, target in transitions_of(scopes[0].states[TESTED]))
    return [target for target in found if target not in taken]
