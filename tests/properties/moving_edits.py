"""What people do to a definition between two versions, at random: rename, insert, remove, retype, reorder."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from test_transition_properties import definitions

from engine.language import InvalidDefinition, read

State = dict[str, Any]
Scope = dict[str, Any]  # {"StartAt": ..., "States": {...}}

KINDS: dict[str, State] = {
    "Pass": {"Type": "Pass"},
    "Wait": {"Type": "Wait", "Seconds": 3},
    "Task": {"Type": "Task", "Resource": "activity:other", "TimeoutSeconds": 40},
    "Signal": {"Type": "Task", "Resource": "signal:stop", "TimeoutSeconds": 45},
    "Map": {
        "Type": "Map",
        "ItemsPath": "$$.Execution.Input.few",
        "ItemProcessor": {"StartAt": "?in", "States": {"?in": {"Type": "Pass", "End": True}}},
    },
}
EDITS = (
    "rename", "rename", "insert", "remove", "retype", "readdress",
    "reorder", "branch", "handle", "widen", "deadline",
)  # fmt: skip


def inner(state: State) -> list[Scope]:
    """The scopes in a state."""
    return [
        *state.get("Branches", ()),
        *([state["ItemProcessor"]] if "ItemProcessor" in state else ()),
    ]


def scopes(scope: Scope) -> Iterator[Scope]:
    yield scope
    for state in scope["States"].values():
        for below in inner(state):
            yield from scopes(below)


def names_of(definition: Scope) -> list[str]:
    return [name for scope in scopes(definition) for name in scope["States"]]


def leads(scope: Scope, old: str, new: str) -> None:
    """Have everything in the scope that leads to one state lead to another."""
    if scope["StartAt"] == old:
        scope["StartAt"] = new
    for state in scope["States"].values():
        for holder in (state, *state.get("Catch", ()), *state.get("Choices", ())):
            for field in ("Next", "Default"):
                if holder.get(field) == old:
                    holder[field] = new


WRAP = "{'was': $states.input}"


class Editor:
    """Edits a definition. `renamed` leads from old names to new ones."""

    def __init__(self, draw: Any, definition: Scope) -> None:
        self.draw = draw
        self.definition = copy.deepcopy(definition)
        self.renamed: dict[str, str] = {}
        self.count = 0

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def fresh(self) -> str:
        self.count += 1
        return f"N{self.count}"

    def edit(self, kind: str) -> None:
        """One edit; an edit that the language does not accept is not made."""
        before, renamed = copy.deepcopy(self.definition), dict(self.renamed)
        scope = self.pick(list(scopes(self.definition)))
        name = self.pick(scope["States"])
        getattr(self, kind)(scope, name)
        try:
            read(json.dumps(self.definition))
        except InvalidDefinition:
            self.definition, self.renamed = before, renamed

    def rename(self, scope: Scope, name: str) -> None:
        new = self.fresh()
        leads(scope, name, new)
        scope["States"] = {
            new if each == name else each: state for each, state in scope["States"].items()
        }
        origin = next((old for old, now in self.renamed.items() if now == name), name)
        self.renamed[origin] = new

    def insert(self, scope: Scope, name: str) -> None:
        new = self.fresh()
        leads(scope, name, new)
        scope["States"][new] = {**self.made(), "Next": name}

    def remove(self, scope: Scope, name: str) -> None:
        state = scope["States"].pop(name)
        following = state.get("Next", state.get("Default"))
        if following is not None:
            leads(scope, name, following)

    def retype(self, scope: Scope, name: str) -> None:
        state = scope["States"][name]
        following = state.get("Next", state.get("Default"))
        on = {"End": True} if following is None else {"Next": following}
        scope["States"][name] = {**self.made(), **on}

    def readdress(self, scope: Scope, name: str) -> None:
        state = scope["States"][name]
        if "Resource" in state:
            kind = state["Resource"].partition(":")[0]
            state["Resource"] = {"signal": "signal:stop", "activity": "activity:other"}.get(
                kind, state["Resource"]
            )

    def reorder(self, scope: Scope, _: str) -> None:
        for state in scope["States"].values():
            state.get("Branches", []).reverse()

    def branch(self, scope: Scope, name: str) -> None:
        for state in scope["States"].values():
            if len(state.get("Branches", ())) > 1 and self.draw(st.booleans()):
                state["Branches"].pop()
            elif "Branches" in state:
                new = self.fresh()
                state["Branches"].append(
                    {"StartAt": new, "States": {new: {**self.made(), "End": True}}}
                )

    def handle(self, scope: Scope, name: str) -> None:
        state = scope["States"][name]
        if state["Type"] in {"Task", "Parallel", "Map"}:
            state.pop("Catch", None)
            state["Retry"] = [
                {"ErrorEquals": ["Busy"], "MaxAttempts": 1},
                {"ErrorEquals": ["States.ALL"]},
            ]

    def widen(self, scope: Scope, _: str) -> None:
        for state in scope["States"].values():
            if state["Type"] == "Map":
                state["MaxConcurrency"] = 1 if "MaxConcurrency" not in state else 0

    def deadline(self, *_: Any) -> None:
        self.definition["TimeoutSeconds"] = self.pick([15, 90, 6_000])

    def made(self) -> State:
        state = copy.deepcopy(KINDS[self.pick(sorted(KINDS))])
        for scope in inner(state):
            new = self.fresh()
            scope["StartAt"], scope["States"] = new, {new: scope["States"].pop("?in")}
        return state


# Old version, new version, mapping, the states in it that the user has named, the expression for the data.
Pair = tuple[Scope, Scope, dict[str, str], frozenset[str], str | None]


@st.composite
def pairs(draw: Any) -> Pair:
    """Two versions and a way from one to the other."""
    old = draw(definitions())
    editor = Editor(draw, old)
    for kind in draw(st.lists(st.sampled_from(EDITS), min_size=1, max_size=4)):
        editor.edit(kind)
    new = editor.definition
    mapping = {before: now for before, now in editor.renamed.items() if now in names_of(new)}
    if draw(st.integers(0, 3)) == 0:
        mapping = {}
    explicit = set(draw(st.sets(st.sampled_from(sorted(mapping))))) if mapping else set()
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(names_of(old)))
        mapping[name] = draw(st.sampled_from(names_of(new)))
        explicit.add(name)
    return old, new, mapping, frozenset(explicit), draw(st.sampled_from([None, None, WRAP]))
