"""What the runner of nested executions asks of the parts above it: what to start, and Express executions."""

from __future__ import annotations

from collections.abc import Callable

from engine.arns import Origin
from engine.commands.state_machines import StateMachineCommands, Target
from engine.core.states.nested import End, Start, StartRefused
from engine.errors import QuotaExceeded
from engine.express.express import Express, StartRequest
from engine.express.run import Run
from engine.store import codec
from engine.tasks import nested
from engine.views import Caller


class Families:
    """`parts` gives them once they are made: they are made after the runner, which Express executions use too."""

    def __init__(self, parts: Callable[[], tuple[StateMachineCommands, Express]]) -> None:
        self._parts = parts
        self._caller = Caller()

    async def target(self, definition: str, qualifier: str, name: str) -> Target:
        """Where a start by an ARN goes. Raises DefinitionNotFound, AliasNotFound."""
        machines, _ = self._parts()
        return await machines.target(self._caller, definition, qualifier, name)

    async def own_version(self, definition: str, qualifier: str, _name: str) -> Target:
        """A version of a definition by its own number. Raises DefinitionNotFound."""
        machines, _ = self._parts()
        found = await machines.revision(self._caller, definition, int(qualifier))
        return Target(definition, found.version, found.attributes.role, type=found.type)

    async def born(self, execution: str) -> codec.Static | None:
        """What an Express execution of this process was born with."""
        _, express = self._parts()
        return await express.remembered.static(self._caller.namespace, execution)

    async def start_express(
        self, start: Start, target: nested.Target, origin: Origin | None, parent: str, depth: int
    ) -> tuple[str, int] | None:
        """Start an Express execution in this process, for a parent that does not wait; None where it was deleted since.

        Raises StartRefused.
        """
        run = await self._begin(start, target, origin, parent, depth, synchronous=False)
        return None if run is None else (run.execution.id, run.execution.started_ms)

    async def run_express(
        self, start: Start, target: nested.Target, origin: Origin | None, parent: str, depth: int
    ) -> End | None:
        """Run an Express execution in this process to its end; None where it was deleted since. Raises StartRefused."""
        run = await self._begin(start, target, origin, parent, depth, synchronous=True)
        if run is None:
            return None
        await run.ended.wait()
        ended = run.execution
        return End(
            ended.id, ended.status, start.input, ended.started_ms,
            run.stopped_ms or ended.started_ms, ended.output, ended.error, ended.cause,
        )  # fmt: skip

    async def _begin(
        self,
        start: Start,
        target: nested.Target,
        origin: Origin | None,
        parent: str,
        depth: int,
        *,
        synchronous: bool,
    ) -> Run | None:
        _, express = self._parts()
        request = StartRequest(
            self._caller.namespace, start.definition, target.version, start.name, start.input,
            synchronous, target.alias, origin, parent, depth,
        )  # fmt: skip
        try:
            return await express.start(request)
        except QuotaExceeded as error:
            raise StartRefused("ExecutionLimitExceeded", str(error)) from None
