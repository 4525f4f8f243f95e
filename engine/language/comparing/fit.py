"""What becomes of a strand that rests in one state when it goes on in another.

It keeps what it holds (a task that is out, a timer, a subscription, children, retries) where the other state can take
that over. Else it begins the other state anew, but only where somebody has named the state: what is out is given up then.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.language.machine import Map, Parallel, State, Task, Wait

HOLDING = (Task, Wait, Parallel, Map)


class Fit(Struct, frozen=True):
    """`reason` is a stable code where the verdict is blocked, `detail` the same for people."""

    verdict: Literal["keep", "renew", "blocked"]
    reason: str = ""
    detail: str = ""


KEEP = Fit("keep")
RENEW = Fit("renew")


def fit(old: State, new: State | None, *, explicit: bool, held: bool = True) -> Fit:
    """The verdict on a strand in `old` that goes on in `new`.

    `explicit`: the state has been named, so that what cannot be kept may be given up. `held`: it was entered already.
    """
    if new is None:
        return Fit("blocked", "state_removed", f"there is no state for {old.name}; map it to one")
    if not held:
        return KEEP
    if not isinstance(old, HOLDING) and not isinstance(new, HOLDING):
        return KEEP if old.type == new.type else RENEW
    hindrance = _hindrance(old, new)
    if hindrance is None:
        return RENEW if explicit and _is_other_work(old, new) else KEEP
    if explicit or not isinstance(old, HOLDING):
        return RENEW
    return hindrance


def _hindrance(old: State, new: State) -> Fit | None:
    """Why `new` cannot take over what a strand in `old` holds."""
    if old.type != new.type:
        return _differs(f"{old.name} is a {old.type}, {new.name} a {new.type}")
    if isinstance(old, Task) and isinstance(new, Task):
        was, becomes = old.resource, new.resource
        if (was.kind, was.family, was.callback) != (becomes.kind, becomes.family, becomes.callback):
            return _differs(
                f"what {old.name} waits for ({was.uri}) cannot end {new.name} ({becomes.uri})"
            )
    if isinstance(old, Parallel) and isinstance(new, Parallel):
        had, has = len(old.branches), len(new.branches)
        if had != has:
            detail = f"{old.name} runs {had} branches, {new.name} waits for {has}: it could never join them"
            return Fit("blocked", "branches_differ", detail)
    return None


def _is_other_work(old: State, new: State) -> bool:
    """Whether a state that was named leads to one that asks for other work, or waits for another signal."""
    return (
        old.name != new.name
        and isinstance(old, Task)
        and isinstance(new, Task)
        and old.resource.uri != new.resource.uri
    )


def _differs(detail: str) -> Fit:
    return Fit("blocked", "kind_differs", f"{detail}; map it to give up what it waits for")
