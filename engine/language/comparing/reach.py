"""Whether an execution can come to an end from where it rests."""

from __future__ import annotations

from engine.language.comparing.ways import ends_scope, ways_of
from engine.language.machine import Machine


def ends_reachable(machine: Machine, state: str) -> bool:
    """Whether an end (End, Succeed or Fail) can be reached from the state, and, inside a Parallel or Map, from that, too.

    Conditions are not looked at: every way counts. That a state can fail counts only where a Catch leads on. KeyError
    for a state that is not in the machine.
    """
    name: str | None = state
    while name is not None:
        if not _leaves_scope(machine, name):
            return False
        name = machine.parents.get(name)
    return True


def _leaves_scope(machine: Machine, start: str) -> bool:
    seen = {start}
    waiting = [start]
    while waiting:
        state = machine.states[waiting.pop()]
        if ends_scope(state):
            return True
        for _, target in ways_of(state):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return False
