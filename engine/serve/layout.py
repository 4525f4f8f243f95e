"""What a store was laid out with when it was first used: its keys, and what it is known by."""

from __future__ import annotations

import uuid

from engine.errors import StoreRefused
from engine.settings import Settings
from engine.store.connection import Redis
from engine.store.keys import LAYOUT_VERSION, Keys


async def layout(redis: Redis, settings: Settings) -> tuple[Keys, str]:
    """The keys of this store and its identity. An empty one is laid out; its number of partitions is fixed by that.

    Raises StoreRefused for a store laid out by a newer engine or with another number of partitions.
    """
    key = Keys(settings.prefix, settings.partitions).layout
    fields = "version", "partitions", "identity"
    found = await redis.call(key, "HMGET", key, *fields)
    if None in found:
        # Only where something is missing: a Redis whose memory is full refuses even a write that would change nothing.
        values = str(LAYOUT_VERSION), str(settings.partitions), uuid.uuid4().hex
        for field, value in zip(fields, values, strict=True):
            await redis.call(key, "HSETNX", key, field, value)
        found = await redis.call(key, "HMGET", key, *fields)
    version, partitions, identity = found
    if int(version) > LAYOUT_VERSION:
        raise StoreRefused(
            f"the store has layout {int(version)}, this engine knows {LAYOUT_VERSION}; upgrade the engine"
        )
    if int(partitions) != settings.partitions:
        raise StoreRefused(
            f"the store has {int(partitions)} partitions, DETENT_PARTITIONS says {settings.partitions}"
        )
    return Keys(settings.prefix, settings.partitions), identity.decode()
