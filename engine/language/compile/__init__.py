"""A definition's document to the machine the core executes: every expression is parsed here, once.

Compiling goes on past problems, so that all of them are reported; the machine is built only when there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from engine.language.compile.processors import labelled, territories
from engine.language.compile.states import compile_state
from engine.language.document import Scope
from engine.language.fields import Fields
from engine.language.fields_jsonata import JsonataFields
from engine.language.machine import (
    Keeping,
    Machine,
    Map,
    QueryLanguage,
    State,
    listening_of,
    reading_of,
)
from engine.language.report import Report
from engine.language.schema.keeping import compile_keeping
from engine.language.text.source import Path
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
    return _Builder(document, scopes, labelled(states), keeping).machine()


class _Builder:
    """Puts compiled states together to machines: the definition's, and those of its distributed Maps' children."""

    def __init__(
        self,
        document: dict[str, Any],
        scopes: list[Scope],
        states: dict[str, State],
        keeping: Keeping,
    ) -> None:
        self._document = document
        self._states = states
        self._territories = territories(scopes)
        self._keeping = keeping
        self._language: QueryLanguage = (
            "JSONata" if document.get("QueryLanguage") == "JSONata" else "JSONPath"
        )

    def machine(self) -> Machine:
        """The definition's own."""
        document = self._document
        return replace(
            self._built(()),
            comment=document.get("Comment"),
            timeout_seconds=_whole(document.get("TimeoutSeconds")),
            content_hash=content_hash(document),
            keeping=self._keeping,
        )

    def _processor(self, root: Path) -> Machine:
        """That of a distributed Map's children. They are found by no search attribute and have no time-out of their own."""
        fields = self._territories[root][0].fields
        kept = replace(self._keeping, search_attributes={})
        # What its expressions mean hangs on the language of the machine, which is not written in it.
        content = {"QueryLanguage": self._language, "Processor": fields}
        return replace(
            self._built(root),
            comment=fields.get("Comment"),
            content_hash=content_hash(content),
            keeping=kept,
        )

    def _built(self, root: Path) -> Machine:
        """A machine of the scopes that one execution runs."""
        scopes = self._territories[root]
        parents = _parents(scopes)
        names = [name for scope in scopes for name in scope.states]
        states = _with_item_readers({name: self._states[name] for name in names}, parents)
        return Machine(
            start_at=scopes[0].fields["StartAt"],
            states=states,
            reading=reading_of(states),
            listening=listening_of(states),
            query_language=self._language,
            parents=parents,
            processors=dict(self._processors(scopes)),
        )

    def _processors(self, scopes: list[Scope]) -> Iterable[tuple[str, Machine]]:
        """The machines of the distributed Maps that lie directly in these scopes, by label."""
        within = {scope.path for scope in scopes}
        for root, inner in self._territories.items():
            around = inner[0].parent
            if around is None or around.scope.path not in within:
                continue
            state = self._states[around.name]
            if isinstance(state, Map) and state.distributed is not None:
                yield state.distributed.label, self._processor(root)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _parents(scopes: Iterable[Scope]) -> dict[str, str]:
    """The Parallel or Map that each inner state lies in directly."""
    _, *inner = scopes
    return {
        name: scope.parent.name
        for scope in inner
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
