"""Reading histories: a list of records whose front may have been trimmed, so that places and numbers differ."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from engine.core.effects import Record
from engine.store import codec
from engine.store.bounds.payloads import payloads_of
from engine.store.bounds.referring import PayloadGone
from engine.store.connection import Redis
from engine.store.keys import ExecutionKeys

READS_MAX = 10  # of a history that is trimmed while it is read


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """Records in order; the number of the newest there is; how many were dropped, which are 1 to `dropped`."""

    records: list[Record]
    newest: int
    dropped: int = 0


async def history_part(redis: Redis, keys: ExecutionKeys, first: int, last: int) -> HistoryPart:
    """Records number `first` to `last`, as far as they are kept; numbers up to 0 count back from the newest."""
    dropped = 0
    for _ in range(READS_MAX):
        part, moved = await _read(redis, keys, (first, last), dropped)
        if part is not None:
            return part
        dropped = moved
    return HistoryPart([], 0, dropped)


async def _read(
    redis: Redis, keys: ExecutionKeys, numbers: tuple[int, int], dropped: int
) -> tuple[HistoryPart | None, int]:
    """The part, if as many records were dropped as was thought; and how many were."""
    key = keys.history
    start, end = (n - 1 if n <= 0 else max(0, n - 1 - dropped) for n in numbers)
    if numbers[1] > 0 and numbers[1] <= dropped:
        end, start = 0, 1  # none of them is kept: an empty range
    meta, items, count = await asyncio.gather(
        redis.call(keys.execution, "HGET", keys.execution, "m"),
        redis.call(key, "LRANGE", key, start, end),
        redis.call(key, "LLEN", key),
    )
    trimmed = _dropped(meta)
    if trimmed != dropped:
        return None, trimmed
    try:
        payloads = await payloads_of(redis, keys.payloads, items)
        records = [codec.unpack_record(item, payloads) for item in items]
    except PayloadGone:
        return None, trimmed
    if numbers[0] > 0 and records and records[0].id != max(numbers[0], dropped + 1):
        return None, trimmed  # trimmed between the two reads
    newest = records[-1].id if records else 0
    return HistoryPart(records, max(newest, dropped + count), dropped), trimmed


def _dropped(meta: Any) -> int:
    """How many records an execution has lost; none where that cannot be read, so that those there are can be looked at."""
    try:
        return codec.unpack_meta(meta or b"").dropped
    except Exception:
        return 0
