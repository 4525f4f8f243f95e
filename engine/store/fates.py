"""Reading what has become of an execution's signals."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from engine.store import codec
from engine.store.connection import Redis
from engine.store.keys import Keys


@dataclass(frozen=True, slots=True)
class Told:
    """An accepted signal, what has become of it, and how it and its execution stand at one moment of Redis' time.

    A signal that is `accepted` at `now_ms`, although its time is over by then, can never be taken any more.
    """

    id: str
    accepted_ms: int
    fate: codec.Fate
    now_ms: int
    is_running: bool

    @property
    def expires_ms(self) -> int | None:
        return None if self.fate.ttl_ms is None else self.accepted_ms + self.fate.ttl_ms


class Fates:
    """What is remembered of the signals of an execution."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def now_ms(self, ref: str) -> int:
        """Redis' time, on the node that has the execution."""
        seconds, microseconds = await self._redis.call(self._keys.of(ref).execution, "TIME")
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def signal(self, ref: str, identifier: str) -> Told | None:
        """A signal by its id; None where none of that id is remembered."""
        accepted = await self._redis.call(
            self._keys.of(ref).seen, "ZSCORE", self._keys.of(ref).seen, identifier
        )
        if accepted is None:
            return None
        told = await self._told(ref, [(int(float(accepted)), identifier)])
        return told[0] if told else None

    async def signals(
        self, ref: str, after: tuple[int, str] | None, most: int
    ) -> tuple[list[Told], tuple[int, str] | None]:
        """Signals in the order of their acceptance (of one millisecond by id), and where the next page begins."""
        found = await self._seen_after(ref, after, most + 1)
        told = await self._told(ref, found[:most])
        return told, found[most - 1] if len(found) > most else None

    async def _seen_after(
        self, ref: str, after: tuple[int, str] | None, most: int
    ) -> list[tuple[int, str]]:
        key = self._keys.of(ref).seen
        lowest: str | int = after[0] if after else "-inf"
        size = most + 32  # those of the same millisecond that were shown already come once more
        found: list[tuple[int, str]] = []
        for skipped in itertools.count(0, size):
            reply = await self._redis.call(
                key, "ZRANGE", key, lowest, "+inf", "BYSCORE", "LIMIT", skipped, size, "WITHSCORES"
            )
            pairs = zip(reply[::2], reply[1::2], strict=True)
            read = [(int(float(ms)), identifier.decode()) for identifier, ms in pairs]
            found += [item for item in read if after is None or _order(item) > _order(after)]
            if len(read) < size or len(found) >= most:
                break
        return found[:most]

    async def _told(self, ref: str, seen: Sequence[tuple[int, str]]) -> list[Told]:
        """In this order: what is said to be accepted still cannot have been taken after that moment."""
        if not seen:
            return []
        keys = self._keys.of(ref)
        now_ms, fates, status = await asyncio.gather(
            self.now_ms(ref),
            self._redis.call(keys.fates, "HMGET", keys.fates, *(name for _, name in seen)),
            self._redis.call(keys.execution, "HGET", keys.execution, "status"),
        )
        return [
            Told(identifier, ms, codec.unpack_fate(packed), now_ms, status == b"RUNNING")
            for (ms, identifier), packed in zip(seen, fates, strict=True)
            if packed is not None
        ]


def _order(item: tuple[int, str]) -> tuple[int, bytes]:
    """As Redis orders them."""
    return item[0], item[1].encode()
