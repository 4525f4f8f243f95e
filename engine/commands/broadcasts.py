"""Sending one signal to many executions."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from engine.commands.signals import NO_EXPRESS, SignalCommands
from engine.core.events import SignalReceived
from engine.documents import Document
from engine.errors import (
    DefinitionNotFound,
    ExecutionClosed,
    ExecutionNotFound,
    ExpressUnsupported,
    QuotaExceeded,
    SignalInvalid,
)
from engine.names import check_name
from engine.store.finding.filter import Filter
from engine.store.keys import ref_of
from engine.views import BroadcastResult, Caller

BROADCAST_MAX = 10_000  # executions that one request sends to
AT_ONCE = 100  # deliveries that share a round trip


class BroadcastCommands(SignalCommands):
    """Send to all running executions of a definition, or to those with certain search attributes."""

    async def broadcast(
        self,
        caller: Caller,
        definition: str,
        name: str,
        payload: Document,
        *,
        signal_id: str | None,
        ttl_ms: int | None,
        attributes: Sequence[tuple[str, str]],
    ) -> BroadcastResult:
        """Accept a signal for each running execution of the definition that has all of these attributes, once per id.

        Who matches is looked up first; where more than `BROADCAST_MAX` do, nothing is sent. Each execution takes it by
        itself. Repeated with the same id, after whatever went wrong, it is sent to those that do not have it yet.
        Raises DefinitionNotFound, ExpressUnsupported, QuotaExceeded, PayloadTooLarge, StoreRefused, InvalidName.
        """
        check_name(definition, "definition")
        signal = self._checked(name, payload, signal_id, ttl_ms)
        known = await self._catalog.current(caller.namespace, definition)
        if known is None and not await self._catalog.existed(caller.namespace, definition):
            raise DefinitionNotFound(definition)
        if known is not None and known.type == "EXPRESS":
            raise ExpressUnsupported(NO_EXPRESS)
        wanted = Filter(definition=definition, status="RUNNING", attributes=tuple(attributes))
        executions = await self._queries.matching(caller, wanted, BROADCAST_MAX)
        if executions is None:
            raise QuotaExceeded(
                f"more than {BROADCAST_MAX:,} executions match; nothing was sent",
                limit=BROADCAST_MAX,
            )
        outcomes: Counter[str] = Counter()
        for first in range(0, len(executions), AT_ONCE):
            some = executions[first : first + AT_ONCE]
            refs = [ref_of(caller.namespace, execution) for execution in some]
            outcomes.update(await asyncio.gather(*(self._outcome(ref, signal) for ref in refs)))
        delivered, duplicates = outcomes.pop("delivered", 0), outcomes.pop("duplicate", 0)
        return BroadcastResult(
            definition, name, signal.id, len(executions), delivered, duplicates, dict(outcomes)
        )

    async def _outcome(self, ref: str, signal: SignalReceived) -> str:
        """What became of one delivery: delivered, duplicate, or the code of what one execution alone can refuse it for."""
        try:
            return "delivered" if await self._deliver(ref, signal) else "duplicate"
        except (ExecutionClosed, ExecutionNotFound, SignalInvalid, QuotaExceeded) as error:
            return error.code
