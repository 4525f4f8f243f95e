"""Where a state lies in its definition."""

from __future__ import annotations

from engine.language.machine import Machine, Map, Parallel, State, successors


def scope_of(machine: Machine, state: str) -> tuple[tuple[str, int], ...]:
    """The way down to a state: each Parallel or Map around it with the branch (0 in a Map), from the outside in."""
    way: list[tuple[str, int]] = []
    at = state
    while above := machine.parents.get(at):
        outer = machine.states[above]
        way.append((above, branch_of(machine, outer, at)))
        at = above
    return tuple(reversed(way))


def branch_of(machine: Machine, outer: State, state: str) -> int:
    """The branch of `outer` that a state directly inside it lies in."""
    if isinstance(outer, Map):
        return 0
    assert isinstance(outer, Parallel)
    for index, start in enumerate(outer.branches):
        if state in _reached(machine, start):
            return index
    raise AssertionError(state)


def _reached(machine: Machine, start: str) -> set[str]:
    found, ahead = {start}, [start]
    while ahead:
        for following in successors(machine.states[ahead.pop()]):
            if following not in found:
                found.add(following)
                ahead.append(following)
    return found
