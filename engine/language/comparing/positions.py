"""What becomes of an execution, for every state that it may rest in. Told from the two definitions alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from engine.language.comparing.fit import Fit, blocked, fit
from engine.language.comparing.scopes import Scope, scope_of
from engine.language.machine import Machine, State
from engine.language.text.source import shown

Move = Literal["moves", "moves_by_mapping", "blocked"]

RESTING = frozenset({"Task", "Wait", "Parallel", "Map"})


class Position(Struct, frozen=True):
    """A state of the old definition, and what becomes of a strand in it."""

    state: str
    type: str
    rests: bool  # an execution can stay here; the other states are passed through at once
    verdict: Move
    target: str | None = None  # the state of the new definition; None where blocked
    renewed: bool = False  # what is held is dropped and the target entered anew
    reason: str = ""  # where blocked: one of `fit.REASONS`
    detail: str = ""  # where blocked: a sentence for people


def positions(old: Machine, new: Machine, mapping: Mapping[str, str]) -> list[Position]:
    """A position for every old state, in the order of the definition, an outer state before those inside.

    `mapping` names new states by old ones and counts as the user's own word; a state that it does not name is moved to
    the one of the same name. A strand inside a Parallel or Map goes with that: it is blocked where the outer one is,
    and dropped where the outer one is entered anew. Otherwise it has to come to lie in the corresponding scope.
    """
    judge = _Judge(old, new, mapping)
    return [judge.position(name) for name in old.states]


class _Judge:
    """Judges each state once, those around it first."""

    def __init__(self, old: Machine, new: Machine, mapping: Mapping[str, str]) -> None:
        self.old = old
        self.new = new
        self.mapping = mapping
        self._judged: dict[str, Position] = {}

    def position(self, name: str) -> Position:
        found = self._judged.get(name)
        if found is None:
            outer = self.old.parents.get(name)
            around = None if outer is None else self.position(outer)
            found = self._judged[name] = self._judge(self.old.states[name], around)
        return found

    def _judge(self, state: State, around: Position | None) -> Position:
        if around is not None and around.verdict == "blocked":
            return _blocked(state, around.reason, around.detail)
        if around is not None and around.renewed:
            return _moves(state, "moves_by_mapping", around.target, renewed=True)
        target = self.mapping.get(state.name, state.name)
        found = self._fit(state, target)
        if found.verdict == "blocked":
            return _blocked(state, found.reason, found.detail)
        move: Move = "moves_by_mapping" if state.name in self.mapping else "moves"
        return _moves(state, move, target, renewed=found.verdict == "renew")

    def _fit(self, state: State, target: str) -> Fit:
        if target not in self.new.states:
            return blocked("state_removed", f"The new definition has no state {shown(target)}.")
        if self._translated(state.name) != scope_of(self.new, target):
            return blocked("scope_differs", self._scope_differs(target))
        explicit = state.name in self.mapping
        return fit(state, self.new.states[target], explicit=explicit)

    def _translated(self, name: str) -> Scope:
        """The scope that corresponds to the state's, in the words of the new definition."""
        return tuple(
            (self.mapping.get(outer, outer), branch) for outer, branch in scope_of(self.old, name)
        )

    def _scope_differs(self, target: str) -> str:
        way = scope_of(self.new, target)
        if not way:
            return f"In the new definition {shown(target)} lies at the top level."
        outer, branch = way[-1]
        kind = self.new.states[outer].type
        where = f"branch {branch} of " if kind == "Parallel" else "the "
        return f"In the new definition {shown(target)} lies in {where}{kind} {shown(outer)}."


def _moves(state: State, verdict: Move, target: str | None, *, renewed: bool) -> Position:
    return Position(state.name, state.type, state.type in RESTING, verdict, target, renewed)


def _blocked(state: State, reason: str, detail: str) -> Position:
    rests = state.type in RESTING
    return Position(state.name, state.type, rests, "blocked", reason=reason, detail=detail)
