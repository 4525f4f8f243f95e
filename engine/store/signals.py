"""Signals and control events: deliveries to one execution."""

from __future__ import annotations

from typing import Any

from engine.core.events import SignalReceived, StopRequested
from engine.core.orders import TerminateRequested
from engine.documents import Document
from engine.errors import ExecutionClosed, ExecutionNotFound, QuotaExceeded
from engine.store import codec
from engine.store.connection import Redis
from engine.store.keys import Keys, kept_ms

SEEN_MAX = 10_000  # ids of accepted signals that an execution remembers; a repeat of an older one counts anew

ENDING = (StopRequested, TerminateRequested)  # they end an execution whatever state it is in


class VersionDiffers(Exception):
    """The execution is pinned to another version than the signal was checked for; nothing was written."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"pinned to version {version}")


class Signals:
    """`inbox_max`: entries an inbox may hold; `buffered_max`: signals an execution may keep for later."""

    def __init__(
        self, redis: Redis, keys: Keys, *, inbox_max: int, buffered_max: int, bell: bool
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._inbox_max = inbox_max
        self._buffered_max = buffered_max
        self._bell = keys.ringer if bell else ""

    async def deliver(
        self,
        ref: str,
        name: str,
        identifier: str,
        payload: Document,
        *,
        ttl_ms: int | None = None,
        version: int | None = None,
    ) -> bool:
        """Accept a signal, which no state takes once `ttl_ms` have passed; False when this id was accepted before.

        Raises ExecutionNotFound, ExecutionClosed or QuotaExceeded, and VersionDiffers where the execution is not pinned
        to `version` and the id is new; then nothing was accepted.
        """
        keys = self._keys.of(ref)
        signal = self.sent(SignalReceived(name, identifier, payload, ttl_ms), version)
        reply = await self._redis.script(
            "deliver_signal",
            [keys.execution, keys.inbox, keys.seen, keys.fates, keys.tag + ":ready"],
            [ref, self._bell, codec.pack_envelope(signal)],
        )
        if reply[0] == b"VERSION":
            raise VersionDiffers(int(reply[1]))
        _refuse(reply, "signals are kept for this execution already")
        self._redis.acknowledged.accepted(keys.execution, keys.seen, identifier)
        return bool(reply[0] == b"OK")

    def sent(self, signal: SignalReceived, version: int | None) -> dict[str, Any]:
        """A signal as scripts take it (see scripts/include/signal.lua)."""
        return {
            "id": signal.id,
            "event": codec.pack(signal),
            "fate": codec.pack(codec.Fate(signal.name, signal.ttl_ms)),
            "version": "" if version is None else str(version),
            "inbox_max": self._inbox_max,
            "buffered_max": self._buffered_max,
            "seen_max": SEEN_MAX,
        }

    async def stop(self, ref: str, error: str | None, cause: str | None, *, watch_ms: int) -> None:
        """Put a stop before everything else. Raises ExecutionNotFound, ExecutionClosed or QuotaExceeded."""
        await self.control(ref, StopRequested(error, cause), watch_ms=watch_ms)

    async def control(
        self, ref: str, event: codec.StoredEvent, *, operation: str = "", watch_ms: int = 0
    ) -> bool:
        """Put a control event before everything else; False when the operation has put it before.

        An `operation` on many executions is told of each one's answer (see `effects.Tally`). `watch_ms`: how long the
        caller wants commits to be announced. Raises ExecutionNotFound, ExecutionClosed or QuotaExceeded.
        """
        keys = self._keys.of(ref)
        namespace, _, identifier = ref.partition(":")
        _, waiting = self._keys.operation(keys.partition, namespace, operation)
        aside = self._keys.quarantined(keys.partition, namespace)
        reply = await self._redis.script(
            "deliver_control",
            [keys.execution, keys.control, keys.tag + ":ready", keys.seen, waiting, aside],
            [
                ref,
                codec.pack_entry("", event),
                self._bell,
                watch_ms,
                operation,
                identifier,
                SEEN_MAX,
                kept_ms(operation),
                int(isinstance(event, ENDING)),
            ],
        )
        _refuse(reply, "control events wait for this execution already")
        return bool(reply[0] == b"OK")


def _refuse(reply: list[bytes], what: str) -> None:
    match reply[0]:
        case b"UNKNOWN":
            raise ExecutionNotFound
        case b"CLOSED":
            raise ExecutionClosed(execution_status=reply[1].decode())
        case b"QUOTA":
            raise QuotaExceeded(what)
        case _:
            return
