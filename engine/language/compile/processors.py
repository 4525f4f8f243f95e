"""Which states make up one machine, and the machines inside a definition.

The processor of a distributed Map is a machine of its own: its states are run by other executions than those of the
definition, see none of its variables, and count for nothing of it but for their names. What one execution runs, the
scopes inside one another without such a border between them, is a *territory* here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.language.document import Scope, is_distributed
from engine.language.machine import Distributed, Map, State
from engine.language.text.source import Path

LABEL_CHARACTERS_MAX = 40  # as AWS Step Functions
_DIGEST_CHARACTERS = 8


def territories(scopes: Iterable[Scope]) -> dict[Path, list[Scope]]:
    """The scopes of each territory, outermost first, by the path of the outermost; the definition's own first.

    `scopes` come outer before inner.
    """
    root_of: dict[Path, Path] = {}
    found: dict[Path, list[Scope]] = {}
    for scope in scopes:
        outer = scope.parent
        is_own = outer is None or is_distributed(outer)
        root = scope.path if outer is None or is_own else root_of[outer.scope.path]
        root_of[scope.path] = root
        found.setdefault(root, []).append(scope)
    return found


def labelled(states: dict[str, State]) -> dict[str, State]:
    """The same states, of the whole definition, in which every distributed Map has a label.

    One that is not the author's is made of the state's name alone, so that it stays the same from version to version:
    the name itself where that can be a label, else as much of it as can be, and a digest.
    """
    taken = {distributed.label for _, distributed in _distributed(states)} - {""}
    found = dict(states)
    for state, distributed in _distributed(states):
        if distributed.label:
            continue
        label = _plain(state.name)
        if label != state.name or label in taken:
            digest = hashlib.sha256(state.name.encode()).hexdigest()[:_DIGEST_CHARACTERS]
            kept = LABEL_CHARACTERS_MAX - _DIGEST_CHARACTERS - 1
            label = f"{label[:kept].rstrip('-')}-{digest}".lstrip("-")
        taken.add(label)
        found[state.name] = replace(state, distributed=replace(distributed, label=label))
    return found


def _distributed(states: dict[str, State]) -> Iterator[tuple[Map, Distributed]]:
    for state in states.values():
        if isinstance(state, Map) and state.distributed is not None:
            yield state, state.distributed


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:LABEL_CHARACTERS_MAX]
