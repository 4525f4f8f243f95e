"""Redriving as Step Functions does it: by its rules of what can be redriven."""

from __future__ import annotations

from engine.commands.operating import OperatingCommands, operation_of
from engine.core.control.redrivable import MAP_RUN
from engine.errors import OrderRefused
from engine.store.keys import ref_of
from engine.views import Ask, Caller


class RedriveCommands(OperatingCommands):
    """Redrive, for callers who know executions by ARNs."""

    async def redrive_by_arn(self, caller: Caller, execution: str, ask: Ask) -> int:
        """Go on with a closed execution from where it failed, once per `ask.id`; returns when, in ms since 1970.

        Raises ExecutionNotFound, and OrderRefused with the reason in Step Functions' words.
        """
        found = await self._queries.described(caller, execution)
        ref = ref_of(caller.namespace, execution)
        if not await self._orders.is_known(ref, operation_of(ask)):
            if found.redrive.status == "NOT_REDRIVABLE":
                raise OrderRefused(found.redrive.reason)
            if MAP_RUN in found.definition:
                raise OrderRefused("Execution is redrivable by its Map Run only")
        await self.redrive(caller, execution, ask, version=None, data=None)
        redriven = await self._queries.described(caller, execution)
        return redriven.redriven_ms or self._queries.now_ms()
