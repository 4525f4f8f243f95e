"""What changed between two versions of a definition, state by state and field by field.

Values are compared as written, so that YAML or JSON, comments and the order of keys make no difference. Where a state
was renamed, what leads to it has not changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from engine.language.comparing.scopes import scope_of, whole
from engine.language.document import Node, scopes_of
from engine.language.machine import Machine
from engine.language.text import read_source
from engine.language.text.source import Format, Path, pointer_of
from engine.language.version import canonical


class FieldChange(Struct, frozen=True):
    """A value that was changed, added (no `before`) or removed (no `after`)."""

    pointer: str  # JSON pointer inside the state, or inside the definition
    before: Any | UnsetType = UNSET
    after: Any | UnsetType = UNSET


class StateChange(Struct, frozen=True):
    """A state that both versions have, and what changed in it."""

    name: str  # in the new version
    was: str  # in the old version
    fields: tuple[FieldChange, ...]
    moved: bool = False  # to another scope


class Changes(Struct, frozen=True):
    """The difference between two versions; states in the order of the version that has them."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: dict[str, str]  # old name -> new name
    changed: tuple[StateChange, ...]  # renamed ones among them, if anything else changed in them
    unchanged: int  # states that kept name and content
    top: tuple[FieldChange, ...]  # fields of the definition itself, such as StartAt


def document_of(text: str | bytes, form: Format | None = None) -> dict[str, Any]:
    """The JSON value of a definition that is known to have no errors."""
    document: dict[str, Any] = read_source(text, form).value
    return document


def compare(
    old: Machine,
    new: Machine,
    old_document: dict[str, Any],
    new_document: dict[str, Any],
    renamed: Mapping[str, str],
) -> Changes:
    """What changed. The documents are what the machines were compiled from; `renamed` names new states by old ones, as
    `propose` does. The states of a distributed Map's processor are compared like all others.
    """
    old, new = whole(old), whole(new)
    before, after = _nodes(old_document), _nodes(new_document)
    became = {name: renamed.get(name, name) for name in before}
    kept = {name: target for name, target in became.items() if target in after}
    known = frozenset(kept.values())
    changed = []
    for was, name in kept.items():
        here = _own(before[was], became)
        fields = tuple(differences(here, _own(after[name], {})))
        moved = _translated(old, was, became) != scope_of(new, name)
        if fields or moved:
            changed.append(StateChange(name, was, fields, moved))
    touched = {each.was for each in changed}
    return Changes(
        added=tuple(name for name in after if name not in known),
        removed=tuple(name for name in before if name not in kept),
        renamed={was: name for was, name in kept.items() if was != name},
        changed=tuple(changed),
        unchanged=sum(was == name and was not in touched for was, name in kept.items()),
        top=tuple(differences(_scope(old_document, became), _scope(new_document, {}))),
    )


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[FieldChange]:
    """Where two JSON values differ, as deep as they have the same shape; lists of different lengths differ as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            here = (*path, key)
            if key not in after:
                yield FieldChange(pointer_of(here), before=before[key])
            elif key not in before:
                yield FieldChange(pointer_of(here), after=after[key])
            else:
                yield from differences(before[key], after[key], here)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (left, right) in enumerate(zip(before, after, strict=True)):
            yield from differences(left, right, (*path, at))
    elif canonical(before) != canonical(after):
        yield FieldChange(pointer_of(path), before, after)


def _nodes(document: dict[str, Any]) -> dict[str, Node]:
    return {name: node for scope in scopes_of(document) for name, node in scope.states.items()}


def _translated(old: Machine, name: str, became: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    return tuple((became[outer], branch) for outer, branch in scope_of(old, name))


def _own(node: Node, became: Mapping[str, str]) -> dict[str, Any]:
    """The state's own fields, without the states inside; targets by their new names."""
    own = _led(node.fields, became)
    for field in ("Choices", "Catch"):
        if isinstance(own.get(field), list):
            own[field] = [_led(entry, became) for entry in own[field]]
    if isinstance(own.get("Branches"), list):
        own["Branches"] = [_scope(branch, became) for branch in own["Branches"]]
    for field in ("ItemProcessor", "Iterator"):
        if isinstance(own.get(field), dict):
            own[field] = _scope(own[field], became)
    return own


def _scope(fields: dict[str, Any], became: Mapping[str, str]) -> dict[str, Any]:
    return {key: value for key, value in _led(fields, became).items() if key != "States"}


def _led(fields: dict[str, Any], became: Mapping[str, str]) -> dict[str, Any]:
    """A copy in which whatever leads to a state names it as the new version does."""
    targets = {key: became.get(fields[key], fields[key]) for key in _LEADING & fields.keys()}
    return {**fields, **targets}


_LEADING = frozenset({"Next", "Default", "StartAt"})
