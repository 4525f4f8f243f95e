"""Executions put into the store directly, as commits would have left them: many of them are made in a moment."""

from __future__ import annotations

import asyncio
from typing import Any

from world import NS, World

from engine.store import codec
from engine.store.finding.entries import entries_of
from engine.store.finding.rows import Row


async def plant(world: World, row: Row) -> None:
    """One execution: the fields that rows are read from, and every index entry."""
    execution = world.keys.of(f"{NS}:{row.id}").execution
    meta = codec.Meta(resting=row.state, error=row.error, attributes=dict(row.attributes))
    fields: list[Any] = [
        "status", row.status, "ver", row.version, "started", row.started_ms, "m", codec.pack(meta),
    ]  # fmt: skip
    if row.stopped_ms is not None:
        fields += ["stopped", row.stopped_ms]
    await asyncio.gather(
        world.redis.call(execution, "HSET", execution, *fields),
        *(
            world.redis.call(key, "ZADD", key, score, member)
            for key, (score, member) in entries_of(world.keys, NS, row).items()
        ),
    )


async def unplant(world: World, row: Row) -> None:
    """Take its index entries back; the execution stays."""
    await asyncio.gather(
        *(
            world.redis.call(key, "ZREM", key, member)
            for key, (_, member) in entries_of(world.keys, NS, row).items()
        )
    )


async def indexed(world: World) -> dict[str, dict[str, float]]:
    """Every index there is: key -> member -> score."""
    kinds = (":ix:", ":at:", ":by:", ":err:", ":vs:")
    found = {}
    for key in await world.names():
        if any(kind in key for kind in kinds):
            reply = await world.redis.call(key, "ZRANGE", key, 0, -1, "WITHSCORES")
            pairs = zip(reply[::2], reply[1::2], strict=True)
            found[key] = {member.decode(): float(score) for member, score in pairs}
    return found
