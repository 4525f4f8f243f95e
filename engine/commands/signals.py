"""Commands about signals."""

from __future__ import annotations

import uuid

from engine.commands.parts import Parts
from engine.documents import Document
from engine.errors import (
    ExpressUnsupported,
    InvalidRequest,
)
from engine.names import check_execution, check_name, is_express
from engine.store.keys import ref_of
from engine.views import (
    Caller,
    SignalResult,
)


class SignalCommands(Parts):
    """Send."""

    async def signal(
        self, caller: Caller, execution: str, name: str, payload: Document, signal_id: str | None
    ) -> SignalResult:
        """Accept a signal, once per id. It is kept until a state waits for it, however long that takes.

        Raises ExecutionNotFound, ExecutionClosed, QuotaExceeded, PayloadTooLarge, InvalidName.
        """
        if is_express(execution):
            raise ExpressUnsupported("no state of an Express execution waits for a signal")
        check_execution(execution)
        check_name(name, "signal")
        self._check_size(payload)
        identifier = uuid.uuid4().hex if signal_id is None else signal_id
        if not 1 <= len(identifier) <= 128 or not identifier.isprintable():
            raise InvalidRequest("a signal's id is 1 to 128 printable characters")
        ref = ref_of(caller.namespace, execution)
        accepted = await self._signals.deliver(ref, name, identifier, payload)
        if accepted:
            self._offer(ref)
        return SignalResult(execution, name, identifier, not accepted)
