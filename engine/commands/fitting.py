"""Whether a signal's payload fits one of the states that wait for it, in the version that an execution is pinned to."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from engine.documents import Document
from engine.errors import SignalInvalid
from engine.language.machine import Machine, Task
from engine.language.schema.payload import Fault
from engine.runtime.machines import Machines

STATES_TOLD_MAX = 10
GUESSES_MAX = 1_000  # definitions of which the version last met is remembered
# How often an execution may have changed its version while a signal was under way to it.
VERSIONS_MAX = 10
ANY_OTHER = 0  # is no version: a delivery for it is refused with the version it should be for


class Misfit(Struct, frozen=True):
    """A state that waits for the signal, and what is wrong with the payload for it."""

    state: str
    problems: tuple[Fault, ...]


class Fitting:
    """Checks payloads, and remembers which version a definition's executions had last: the next one mostly has it, too."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._met: OrderedDict[tuple[str, str], int] = OrderedDict()

    def guess(self, namespace: str, definition: str) -> int | None:
        """The version that an execution of this definition is probably pinned to."""
        return self._met.get((namespace, definition))

    async def misfits(
        self, namespace: str, definition: str, version: int, name: str, payload: Document
    ) -> tuple[Misfit, ...]:
        """Why no state of the version that waits for the signal takes the payload; nothing where one does, or none waits.

        Raises DefinitionNotFound where there is no such version.
        """
        machine = await self._machines.get(namespace, definition, version)
        key = (namespace, definition)
        self._met[key] = version
        self._met.move_to_end(key)
        if len(self._met) > GUESSES_MAX:
            self._met.popitem(last=False)
        return _misfits(machine, name, payload)


def _misfits(machine: Machine, name: str, payload: Document) -> tuple[Misfit, ...]:
    found: list[Misfit] = []
    for each in machine.listening.get(name, ()):
        state = machine.states[each]
        assert isinstance(state, Task)
        faults = state.schema.faults(payload) if state.schema is not None else ()
        if not faults:
            return ()
        found.append(Misfit(each, faults))
    return tuple(found)


def refusal(version: int, name: str, misfits: tuple[Misfit, ...]) -> SignalInvalid:
    """What the sender is told; of the first states only, where many wait."""
    states = [
        {
            "state": each.state,
            "problems": [{"pointer": p.pointer, "message": p.message} for p in each.problems],
        }
        for each in misfits[:STATES_TOLD_MAX]
    ]
    detail = f"no state of version {version} that waits for {name} takes this payload"
    return SignalInvalid(detail, version=version, states=states)
