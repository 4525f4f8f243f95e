"""The shape of a definition that later checks walk: its scopes and the states in them, whatever else is wrong.

A scope is the top level, a Parallel branch or a Map processor: names lead only to states of the same scope.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.language.text.source import Path


@dataclass(slots=True, eq=False)
class Node:
    """One state as written."""

    name: str
    path: Path
    fields: dict[str, Any]
    scope: Scope
    jsonata: bool  # the state's own QueryLanguage, else the machine's

    @property
    def type(self) -> str:
        """The Type as written; "" when it is not text."""
        written = self.fields.get("Type")
        return written if isinstance(written, str) else ""

    def strings(self, *names: str) -> Iterator[tuple[Path, str]]:
        """The path and text of those of the fields that hold text."""
        for name in names:
            value = self.fields.get(name)
            if isinstance(value, str):
                yield (*self.path, name), value

    def entries(self, name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The path and content of the objects in a list field, such as Retry."""
        value = self.fields.get(name)
        for index, entry in enumerate(value if isinstance(value, list) else ()):
            if isinstance(entry, dict):
                yield (*self.path, name, index), entry


@dataclass(slots=True, eq=False)
class Scope:
    """States that can lead to one another."""

    path: Path
    fields: dict[str, Any]
    parent: Node | None
    states: dict[str, Node] = field(default_factory=dict)

    @property
    def start(self) -> str | None:
        """StartAt, where it is text."""
        written = self.fields.get("StartAt")
        return written if isinstance(written, str) else None


def scopes_of(document: dict[str, Any]) -> list[Scope]:
    """All scopes, outer before inner, in the order of the text. Ill-shaped parts are left out."""
    default = is_jsonata(document.get("QueryLanguage"))
    found: list[Scope] = []
    waiting = [Scope((), document, None)]
    while waiting:
        scope = waiting.pop()
        found.append(scope)
        states = scope.fields.get("States")
        inner: list[Scope] = []
        for name, fields in states.items() if isinstance(states, dict) else ():
            if not isinstance(fields, dict):
                continue
            jsonata = is_jsonata(fields["QueryLanguage"]) if "QueryLanguage" in fields else default
            node = Node(name, (*scope.path, "States", name), fields, scope, jsonata)
            scope.states[name] = node
            inner.extend(_inner_scopes(node))
        waiting.extend(reversed(inner))
    return found


def is_jsonata(language: Any) -> bool:
    """Whether JSONata is meant; in any case of letters, though only one is right."""
    return isinstance(language, str) and language.casefold() == "jsonata"


def _inner_scopes(node: Node) -> Iterator[Scope]:
    """Branches of a Parallel, the processor of a Map."""
    if node.type == "Parallel":
        for path, fields in node.entries("Branches"):
            yield Scope(path, fields, node)
    if node.type == "Map":
        for name in ("ItemProcessor", "Iterator"):
            processor = node.fields.get(name)
            if isinstance(processor, dict):
                yield Scope((*node.path, name), processor, node)


def is_distributed(node: Node) -> bool:
    """Whether a Map runs its processor in executions of their own."""
    for name in ("ItemProcessor", "Iterator") if node.type == "Map" else ():
        processor = node.fields.get(name)
        config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
        if isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED":
            return True
    return False


def transitions_of(node: Node) -> Iterator[tuple[Path, str]]:
    """Where a state can lead: the path of each target, and its name."""
    if node.type in {"Succeed", "Fail"}:
        return
    yield from node.strings("Next") if node.type != "Choice" else node.strings("Default")
    for name in ("Choices", "Catch"):
        for path, entry in node.entries(name):
            if isinstance(entry.get("Next"), str):
                yield (*path, "Next"), entry["Next"]
