"""The way down to a state: the Parallel branches and Maps that it lies in, from the outside in.

They follow `Machine.parents`, a few steps at most, so that there is nothing to work out once and keep.
"""

from __future__ import annotations

from dataclasses import replace

from engine.language.machine import Machine, Map, Parallel

Scope = tuple[tuple[str, int], ...]  # (Parallel or Map state, branch; 0 for a Map)

TOP: Scope = ()


def scope_of(machine: Machine, state: str) -> Scope:
    """The scope that the state lies in; `TOP` at the top level. KeyError for a state that is not in the machine."""
    way = []
    inner = machine.states[state].name
    while (outer := machine.parents.get(inner)) is not None:
        way.append((outer, _branch(machine, outer, inner)))
        inner = outer
    return tuple(reversed(way))


def whole(machine: Machine) -> Machine:
    """The machine with the states that run in executions of their own, inside the distributed Maps that they belong to.

    Nothing can run it; it is for comparing what was written.
    """
    states, parents = dict(machine.states), dict(machine.parents)
    for state in machine.states.values():
        if isinstance(state, Map) and state.distributed is not None:
            inner = whole(machine.processors[state.distributed.label])
            states |= inner.states
            parents |= dict.fromkeys(inner.states, state.name) | inner.parents
    return replace(machine, states=states, parents=parents)


def branches_of(machine: Machine, outer: str) -> tuple[tuple[str, ...], ...]:
    """The states directly in each branch of a Parallel, or in the one processor of a Map, in the order of the text."""
    state = machine.states[outer]
    count = len(state.branches) if isinstance(state, Parallel) else 1
    branches: list[list[str]] = [[] for _ in range(count)]
    for name, parent in machine.parents.items():
        if parent == outer:
            branches[_branch(machine, outer, name)].append(name)
    return tuple(map(tuple, branches))


def _branch(machine: Machine, outer: str, inner: str) -> int:
    """The pointer of an inner state goes on from the outer one's with /Branches/<index>/States/<name>."""
    state = machine.states[outer]
    if not isinstance(state, Parallel):
        return 0
    return int(machine.states[inner].pointer.removeprefix(state.pointer).split("/")[2])
