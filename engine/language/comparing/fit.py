"""Whether what a strand holds in a state can go on under another one.

The rule: kept where possible; what cannot be kept is renewed only where the user's own mapping names the state, and is
blocked everywhere else. Renewing drops work that somebody may be doing, so nobody but the user may ask for it.

Retriers are counted by their position, and a count that fits no longer begins anew, so that Retry never blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from engine.language.machine import Map, Parallel, Resource, State, Task
from engine.language.text.source import shown

Verdict = Literal["keep", "renew", "blocked"]

# The codes of what blocks a move, those of `positions` among them, and what each means.
REASONS = {
    "state_removed": "The new definition has no such state, and the mapping names no other.",
    "kind_differs": "The new state does work of another kind, so that what is held cannot go on there.",
    "branches_differ": "The new Parallel has another number of branches, so that its join could never complete.",
    "scope_differs": "The new state lies in another Parallel, Map or branch than the one that its strand belongs to.",
}
_HOLD_NOTHING = frozenset({"Pass", "Choice", "Succeed", "Fail"})


class Fit(Struct, frozen=True):
    """What becomes of a strand that rests in one state when it is moved to another.

    keep     what it holds goes on under the new state: a task with its token, attempts and due times, a timer, a
             subscription to a signal, finished branches and items, a Map Run, counts of retries
    renew    what it holds is dropped, and the new state is entered anew with the same input
    blocked  it cannot be moved
    """

    verdict: Verdict
    reason: str = ""  # where blocked: one of REASONS
    detail: str = ""  # where blocked: a sentence for people, naming the states


KEEP = Fit("keep")
RENEW = Fit("renew")


def blocked(reason: str, detail: str) -> Fit:
    """The verdict with its reason, one of REASONS, and a sentence naming the states."""
    return Fit("blocked", reason, detail)


def fit(old: State, new: State | None, *, explicit: bool, held: bool = True) -> Fit:
    """What becomes of a strand in `old` that is to be in `new`; None: there is no such state.

    `explicit`: the user's own mapping names `old`. `held=False`: the strand has not entered the state yet, so that it
    holds nothing. Whether the two lie in corresponding scopes is the caller's to see (`positions`).
    """
    if new is None:
        return blocked("state_removed", f"The new definition has no state {shown(old.name)}.")
    if _is_kept(old, new, explicit=explicit):
        return KEEP
    if explicit or not held or old.type in _HOLD_NOTHING:
        return RENEW
    return _refused(old, new)


def _is_kept(old: State, new: State, *, explicit: bool) -> bool:
    if old.type != new.type:
        return False
    if isinstance(old, Task) and isinstance(new, Task):
        return _is_work_kept(old, new, explicit=explicit)
    if isinstance(old, Parallel) and isinstance(new, Parallel):
        return len(old.branches) == len(new.branches)
    if isinstance(old, Map) and isinstance(new, Map):
        # A Map Run that is out goes on with the children that it has, whatever the new processor is.
        return (old.distributed is None) == (new.distributed is None)
    return True  # a timer, items with their results, or nothing


def _is_work_kept(old: Task, new: Task, *, explicit: bool) -> bool:
    """A task that is out outlives a change of its queue, URL or signal, but no deliberate move to other work."""
    before, after = old.resource, new.resource
    if _form(before) != _form(after):
        return False
    if before.kind == "signal":
        return True
    return not (explicit and old.name != new.name and before != after)


def _form(resource: Resource) -> tuple[str, str, bool]:
    """What a task that is out must have in common with the state that it comes back to."""
    return resource.kind, resource.family, resource.callback


def _refused(old: State, new: State) -> Fit:
    if isinstance(old, Parallel) and isinstance(new, Parallel):
        before, after = len(old.branches), len(new.branches)
        told = f"{_named(old, new)} has {after} branches instead of {before}, so that its join could never complete."
        return blocked("branches_differ", told)
    told = f"{_named(old, new)} is {_kind(new)} instead of {_kind(old)}."
    return blocked("kind_differs", told)


def _named(old: State, new: State) -> str:
    if old.name == new.name:
        return f"The new {shown(new.name)}"
    return f"{shown(new.name)}, which {shown(old.name)} is moved to,"


_PERFORMED: dict[str, Callable[[Resource], str]] = {
    "queue": lambda resource: f"a task of the {resource.family} queue {resource.name}",
    "http": lambda resource: f"an HTTP call ({resource.uri})",
    "signal": lambda resource: f"a wait for the signal {resource.name}",
    "states": lambda resource: f"a nested execution ({resource.uri})",
}


def _kind(state: State) -> str:
    if isinstance(state, Map):
        return "an inline Map" if state.distributed is None else "a distributed Map"
    if not isinstance(state, Task):
        return f"a {state.type}"
    resource = state.resource
    waits = " that waits for a callback" if resource.callback and resource.kind != "states" else ""
    return _PERFORMED[resource.kind](resource) + waits
