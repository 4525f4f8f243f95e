"""A definition's document to the machine the core executes: every expression is parsed here, once.

Compiling goes on past problems, so that all of them are reported; the machine is built only when there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from engine.language.compile_states import compile_state
from engine.language.document import Scope
from engine.language.fields import Fields
from engine.language.fields_jsonata import JsonataFields
from engine.language.machine import Machine, Map, State, listening_of, reading_of
from engine.language.report import Report
from engine.language.schema.keeping import compile_keeping
from engine.language.version import content_hash


def compile_machine(
    document: dict[str, Any], scopes: list[Scope], report: Report
) -> Machine | None:
    """The machine, or None when the definition has errors, in `report` before or found here."""
    states: dict[str, State] = {}
    for scope in scopes:
        for node in scope.states.values():
            fields = (JsonataFields if node.jsonata else Fields)(node, report)
            state = compile_state(node, fields)
            if state is not None:
                states.setdefault(node.name, state)
    keeping = compile_keeping(document, report)
    if report.has_errors:
        return None
    parents = _parents(scopes)
    states = _with_item_readers(states, parents)
    return Machine(
        start_at=document["StartAt"],
        states=states,
        reading=reading_of(states),
        listening=listening_of(states),
        comment=document.get("Comment"),
        timeout_seconds=_whole(document.get("TimeoutSeconds")),
        query_language="JSONata" if document.get("QueryLanguage") == "JSONata" else "JSONPath",
        content_hash=content_hash(document),
        parents=parents,
        keeping=keeping,
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _parents(scopes: Iterable[Scope]) -> dict[str, str]:
    """The Parallel or Map that each inner state lies in directly."""
    return {
        name: scope.parent.name
        for scope in scopes
        if scope.parent is not None
        for name in scope.states
    }


def _with_item_readers(states: dict[str, State], parents: dict[str, str]) -> dict[str, State]:
    """Tell every Map around a state that reads `$$.Map` that its items have to be at hand."""
    readers: set[str] = set()
    for name, state in states.items():
        outer = parents.get(name) if state.uses_map_item else None
        while outer is not None and outer not in readers:
            readers.add(outer)
            outer = parents.get(outer)
    return {
        name: _marked(state) if isinstance(state, Map) and name in readers else state
        for name, state in states.items()
    }


def _marked(state: Map) -> Map:
    return replace(state, processor_uses_map_item=True)
