"""Where a migration leads executions of each version: the machines, and the states that states go to."""

from __future__ import annotations

from dataclasses import dataclass

from engine.language.comparing.proposal import propose
from engine.language.machine import Machine
from engine.runtime.machines import Machines


@dataclass(frozen=True, slots=True)
class Route:
    """From one version to another. `mapping` has what the caller named and what is proposed, `explicit` the former."""

    old: Machine
    new: Machine
    mapping: dict[str, str]
    explicit: frozenset[str]


class Routes:
    """The routes to one version, worked out once for each that executions come from."""

    def __init__(
        self,
        machines: Machines,
        of: tuple[str, str],
        version: int,
        mapping: dict[str, str],
        *,
        proposing: bool,
        machine: Machine | None = None,
    ) -> None:
        """`of` is (namespace, definition); a `machine` given is that of the version."""
        self._machines = machines
        self._of = of
        self._new = machine
        self.version = version
        self._mapping = mapping
        self._proposing = proposing
        self._known: dict[int, Route] = {}

    async def from_version(self, version: int) -> Route:
        """The route from a version. Raises DefinitionNotFound."""
        route = self._known.get(version)
        if route is None:
            old = await self._machines.get(*self._of, version)
            new = self._new or await self._machines.get(*self._of, self.version)
            proposed = propose(old, new) if self._proposing else {}
            named = {state: to for state, to in self._mapping.items() if state in old.states}
            route = Route(old, new, proposed | named, frozenset(named))
            self._known[version] = route
        return route
