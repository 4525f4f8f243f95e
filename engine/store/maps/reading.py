"""Reading Map Runs: one, and those of an execution. Removing those of an execution that is pruned."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from engine.store.connection import Redis
from engine.store.keys import Keys, ref_of
from engine.store.maps.held import About, Standing, read_about, standing_in


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A Map Run as it stands. `id` is "DEF~LABEL:RUN"; `next` counts the children that have been made, `item` their items."""

    id: str
    about: About
    standing: Standing
    created_ms: int
    stopped_ms: int | None
    redrives: int
    redriven_ms: int | None
    next: int
    item: int
    is_read: bool
    written: int
    written_items: int
    pending_items: int
    not_redrivable: int
    not_redrivable_items: int
    walked: int  # a redrive has come to this child


class ReadingRuns:
    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def read(self, namespace: str, identifier: str) -> StoredRun | None:
        """The Map Run of that id; None where there is none, or it was stopped before it began."""
        keys = self._keys.map_run(f"{namespace}:{identifier}")
        flat, out = await asyncio.gather(
            self._redis.call(keys.run, "HGETALL", keys.run),
            self._redis.call(keys.out, "SCARD", keys.out),
        )
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        if b"about" not in fields:
            return None

        def number(name: bytes) -> int:
            return int(fields.get(name) or 0)

        return StoredRun(
            identifier,
            read_about(fields[b"about"]),
            standing_in(fields, int(out)),
            number(b"created"),
            number(b"stopped") or None,
            number(b"redrives"),
            number(b"redriven") or None,
            number(b"next"),
            number(b"item"),
            fields.get(b"read") == b"1",
            number(b"written"),
            number(b"written_items"),
            number(b"pending_items"),
            number(b"not_redrivable"),
            number(b"not_redrivable_items"),
            number(b"walked"),
        )

    async def of(
        self, namespace: str, execution: str, limit: int, after: tuple[int, str] | None
    ) -> list[tuple[int, str]]:
        """(ms, id) of the Map Runs of an execution, newest first, those that follow `after`."""
        key = self._keys.map_runs(ref_of(namespace, execution))
        highest: str | int = after[0] if after else "+inf"
        reply = await self._redis.call(
            key, "ZRANGE", key, highest, "-inf", "BYSCORE", "REV", "LIMIT", 0, limit + 100, "WITHSCORES",
        )  # fmt: skip
        found = [
            (int(float(ms)), n.decode()) for n, ms in zip(reply[::2], reply[1::2], strict=True)
        ]
        return [item for item in found if after is None or item < after][:limit]

    async def remove(self, ref: str) -> None:
        """Forget the Map Runs of the execution of that ref, which is going to be pruned."""
        key = self._keys.map_runs(ref)
        members = await self._redis.call(key, "ZRANGE", key, 0, -1)
        if not members:
            return
        namespace = ref.partition(":")[0]
        gone: list[str] = []
        for member in members:
            keys = self._keys.map_run(f"{namespace}:{member.decode()}")
            gone += (keys.run, keys.out, keys.results, keys.left)
            gone += (self._keys.map_ends(p, keys.ref) for p in range(self._keys.partitions))
        await asyncio.gather(*(self._redis.call(each, "UNLINK", each) for each in gone))
        await self._redis.call(key, "UNLINK", key)
