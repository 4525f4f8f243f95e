"""Reading where executions stand, whole, as a migration would find them. Nothing is claimed and nothing written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.core.execution import Execution
from engine.core.moving.undo import UNDO
from engine.store import codec
from engine.store.bounds.payloads import payloads_of
from engine.store.bounds.referring import PayloadGone, Payloads
from engine.store.connection import Redis
from engine.store.keys import Keys, ref_of

READS_MAX = 5  # of an execution that moves on while it is read


class Positions:
    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def read(
        self, namespace: str, identifiers: Sequence[str], *, undo: bool = False
    ) -> list[Execution | None]:
        """Executions that run, with all their frames; with `undo`, also what the last migration noted.

        None for one that does not run, or whose stored state cannot be read.
        """
        return await asyncio.gather(
            *(self._read(ref_of(namespace, each), undo=undo) for each in identifiers)
        )

    async def _read(self, ref: str, *, undo: bool, tries: int = READS_MAX) -> Execution | None:
        keys = self._keys.of(ref)
        waiting = [self._redis.call(keys.execution, "HGETALL", keys.execution)]
        if undo:
            waiting.append(self._redis.call(keys.values, "HGET", keys.values, UNDO))
        reply, *noted = await asyncio.gather(*waiting)
        fields = dict(zip(reply[::2], reply[1::2], strict=True))
        if fields.get(b"status") != b"RUNNING":
            return None
        kept = noted[0] if noted else None
        packed = [value for name, value in fields.items() if name[:2] == b"f:"]
        payloads = await payloads_of(self._redis, keys.payloads, [*packed, kept])
        try:
            return _execution(fields, packed, kept, payloads)
        except PayloadGone:  # most often because it has moved on
            return await self._read(ref, undo=undo, tries=tries - 1) if tries else None
        except Exception:  # whatever stands there; it is quarantined when somebody claims it
            return None


def _execution(
    fields: dict[bytes, bytes], packed: Sequence[bytes], kept: bytes | None, payloads: Payloads
) -> Execution:
    frames = (codec.unpack_frame(data, payloads) for data in packed)
    undo = codec.unpack_value(kept, payloads) if kept is not None else None
    execution = codec.execution_of(
        codec.unpack_static(fields[b"s"]),
        codec.unpack_meta(fields.get(b"m", b"")),
        {frame.id: frame for frame in frames},
        version=int(fields[b"ver"]),
        revision=int(fields[b"rev"]),
        started_ms=int(fields[b"started"]),
        ready=fields[b"ready"].decode(),
    )
    return codec.with_values(execution, {UNDO: undo})
