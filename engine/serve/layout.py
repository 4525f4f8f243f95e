"""The keys of a store, by what it was laid out with when it was first used."""

from __future__ import annotations

import uuid

from engine.errors import StoreRefused
from engine.settings import Settings
from engine.store.connection import Redis
from engine.store.keys import LAYOUT_VERSION, Keys


async def layout(redis: Redis, settings: Settings) -> Keys:
    """The keys of this store. Its number of partitions is fixed at first use.

    Raises StoreRefused for a store laid out by a newer engine or with another number of partitions.
    """
    key = Keys(settings.prefix, settings.partitions).layout
    for field, value in (
        ("version", str(LAYOUT_VERSION)),
        ("partitions", str(settings.partitions)),
        ("identity", uuid.uuid4().hex),
    ):
        await redis.call(key, "HSETNX", key, field, value)
    version, partitions = await redis.call(key, "HMGET", key, "version", "partitions")
    if int(version) > LAYOUT_VERSION:
        raise StoreRefused(
            f"the store has layout {int(version)}, this engine knows {LAYOUT_VERSION}; upgrade the engine"
        )
    if int(partitions) != settings.partitions:
        raise StoreRefused(
            f"the store has {int(partitions)} partitions, DETENT_PARTITIONS says {settings.partitions}"
        )
    return Keys(settings.prefix, settings.partitions)
