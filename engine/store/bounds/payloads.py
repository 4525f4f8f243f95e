"""Reading payloads: what stored frames, values, records and rows refer to (see referring.py)."""

from __future__ import annotations

from collections.abc import Iterable

from engine.documents import Document
from engine.store.bounds.referring import NO_PAYLOADS, Payloads, referred
from engine.store.connection import Redis

INLINE_BYTES_MAX = 8192  # of a document that is written where it is used


async def payloads_of(
    redis: Redis, key: str, items: Iterable[bytes | None], known: Payloads = NO_PAYLOADS
) -> dict[bytes, Document]:
    """What the items refer to, by name; one that is not there is left out. `key` is the execution's payloads.

    Those that are `known` are not read again; where nothing else is referred to, nothing is read.
    """
    found: dict[bytes, Document] = {}
    wanted: dict[bytes, None] = {}
    for item in items:
        for name in referred(item) if item else ():
            document = known.get(name)
            if document is None:
                wanted[name] = None
            else:
                found[name] = document
    if wanted:
        texts = await redis.call(key, "HMGET", key, *wanted)
        for name, text in zip(wanted, texts, strict=True):
            if text is not None:
                found[name] = Document.known(text, name)
    return found
