"""Activities: queues that have been given an ARN, tags and a word about encryption. They lie with the catalog.

A queue needs no activity: tasks wait in it whether or not one of its name exists. Only of one that was deleted is it noted
that it exists no more.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct, structs

from engine.errors import ActivityNotFound
from engine.store.connection import Redis
from engine.store.keys import Keys

DELETED_KEPT = 10_000  # names of deleted activities that are remembered, the newest

AWS_OWNED_KEY = "AWS_OWNED_KEY"


class Encryption(Struct, frozen=True, array_like=True):
    """What a caller says of keys. It is kept and given back; nothing is encrypted by it."""

    type: str = AWS_OWNED_KEY
    key: str | None = None
    reuse_seconds: int | None = None


class _Row(Struct, frozen=True, array_like=True):
    encryption: Encryption
    tags: dict[str, str]


class Activity(Struct, frozen=True):
    """An activity as it stands."""

    name: str
    created_ms: int
    encryption: Encryption
    tags: dict[str, str]


_rows = msgspec.json.Decoder(_Row)


class Activities:
    """Activities of a namespace."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def create(
        self, namespace: str, name: str, encryption: Encryption, tags: dict[str, str]
    ) -> tuple[Activity, bool]:
        """Make an activity, unless there is one of that name; True where it is new."""
        made, row = await self._put(namespace, name, _Row(encryption, tags), b"")
        return _activity(name, row), made

    async def read(self, namespace: str, name: str) -> Activity | None:
        row = await self._row(namespace, name)
        return None if row is None else _activity(name, row)

    async def all(self, namespace: str) -> list[Activity]:
        """Every activity, by name."""
        key = self._keys.activities(namespace)[0]
        reply = await self._redis.call(key, "HGETALL", key)
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return sorted((_activity(n.decode(), r) for n, r in pairs), key=lambda each: each.name)

    async def retag(
        self, namespace: str, name: str, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> None:
        """Replace the tags by what `change` makes of them; what it raises leaves them as they are.

        Raises ActivityNotFound.
        """
        row = await self._row(namespace, name)
        while row:
            found = _activity(name, row)
            after = _Row(found.encryption, change(dict(found.tags)))
            written, row = await self._put(namespace, name, after, row)
            if written:
                return
        raise ActivityNotFound(name)

    async def delete(self, namespace: str, name: str) -> bool:
        """Forget an activity and remember that it was deleted. False where there is none."""
        keys = self._keys.activities(namespace)
        return bool(
            await self._redis.script(
                "delete_activity", [*keys], [name, DELETED_KEPT, self._keys.ringer]
            )
        )

    async def deleted(self, namespace: str) -> frozenset[str]:
        """The names of those that were deleted and not made again."""
        key = self._keys.activities(namespace)[1]
        return frozenset(
            name.decode() for name in await self._redis.call(key, "ZRANGE", key, 0, -1)
        )

    async def _row(self, namespace: str, name: str) -> bytes | None:
        key = self._keys.activities(namespace)[0]
        row: bytes | None = await self._redis.call(key, "HGET", key, name)
        return row

    async def _put(
        self, namespace: str, name: str, row: _Row, replaced: bytes
    ) -> tuple[bool, bytes]:
        keys = self._keys.activities(namespace)
        written, stands = await self._redis.script(
            "put_activity",
            [*keys],
            [name, msgspec.json.encode(row), replaced, self._keys.ringer],
        )
        return written == 1, stands


def _activity(name: str, packed: bytes) -> Activity:
    created, _, row = packed.partition(b" ")
    return Activity(name=name, created_ms=int(created), **structs.asdict(_rows.decode(row)))
