"""What a client does with signals: send one, send it to many, see what has become of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from detent.pages import Pages
from detent.requests import given, listing, post, sending
from detent.shapes import Attribute, Broadcast, SignalFate, SignalReceipt
from detent.transport import Transport, segment


class _Absent:
    """No value was given, where None is a value."""


ABSENT: Final = _Absent()


class Signalling:
    """The part of `Client` that is about signals."""

    _transport: Transport

    async def signal(
        self,
        execution: str,
        signal: str,
        payload: Any = ABSENT,
        *,
        id: str | None = None,
        ttl_seconds: float | None = None,
        wait_seconds: float = 0,
    ) -> SignalReceipt:
        """Send a signal; durable once this returns. One `id` counts once, however often it is sent.

        No state takes it once `ttl_seconds` have passed. With `wait_seconds` (any number) return once a state has taken
        it or none can any more, which `status` tells, or as it is by then.
        """
        body = _signal(payload, id, ttl_seconds)
        path = f"/v1/executions/{segment(execution)}/signals/{segment(signal)}"
        deadline = monotonic() + wait_seconds
        receipt: SignalReceipt = await self._transport.call(sending(path, body, wait_seconds))
        duplicate = receipt["duplicate"]
        while (left := deadline - monotonic()) > 0 and receipt["status"] == "accepted":
            # The same id again changes nothing, and its answer waits as well.
            receipt = await self._transport.call(sending(path, body, left))
        receipt["duplicate"] = duplicate
        return receipt

    async def broadcast(
        self,
        definition: str,
        signal: str,
        payload: Any = ABSENT,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        id: str | None = None,
        ttl_seconds: float | None = None,
    ) -> Broadcast:
        """Send a signal to all running executions of a definition, or to those with these search attributes.

        Each takes it once per `id`. At most 10,000: where more match, nothing is sent.
        """
        body = _signal(payload, id, ttl_seconds) | given(attribute=attributes)
        path = f"/v1/definitions/{segment(definition)}/signals/{segment(signal)}"
        sent: Broadcast = await self._transport.call(post(path, body))
        return sent

    def signals(self, execution: str, *, page_size: int = 100) -> Pages[SignalFate]:
        """The signals that an execution was sent, oldest first, and what has become of each."""
        path = f"/v1/executions/{segment(execution)}/signals"
        return Pages(lambda: listing(self._transport, path, "signals", {"limit": page_size}))


def _signal(payload: Any, identifier: str | None, ttl_seconds: float | None) -> dict[str, Any]:
    body = {"id": identifier if identifier is not None else str(uuid.uuid4())}
    more = {} if payload is ABSENT else {"payload": payload}
    return body | given(ttl_seconds=ttl_seconds) | more
