"""Profiles: what a definition is besides its versions' texts, as AWS Step Functions has it. They lie with the catalog.

A profile is a hash. Its fields:

  rev          counts its changes; a change names the one it has read
  last         the number of the newest published version; numbers are given once
  count        how many are published
  tags         JSON object
  v:<number>   a published version, packed
  r:<version>  the number under which a version of the definition is published
  a:<alias>    description of an alias

Nothing that is read or written here grows with the number of published versions. An alias's routing is the aliases
hash's (see aliases.py), which change in the same step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from engine.store import codec
from engine.store.catalog.aliases import Alias, read_alias
from engine.store.connection import Redis
from engine.store.keys import Keys


class PublishedVersion(Struct, frozen=True, array_like=True):
    """A version of the definition that was published under a number, which aliases and starts can name."""

    version: int
    created_ms: int
    description: str = ""


class Profile(Struct, frozen=True):
    """`revision` is 0 where there is none yet. `first` is the definition's first version since it was made."""

    first: int
    revision: int = 0
    last: int = 0
    count: int = 0
    tags: Mapping[str, str] = {}


class Rerouted(Struct, frozen=True):
    """A change of an alias: from what was read to what it becomes, as packed; empty means that it is not there."""

    alias: str
    before: bytes
    after: bytes


_published = msgspec.msgpack.Decoder(PublishedVersion)
_tags = msgspec.json.Decoder(dict[str, str])


class Profiles:
    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def read(self, namespace: str, definition: str, first: int) -> Profile:
        """The profile of a definition that was made with version `first`."""
        key = self._keys.profile(namespace, definition)
        revision, last, count, tags = await self._redis.call(
            key, "HMGET", key, "rev", "last", "count", "tags"
        )
        read_tags = {} if tags is None else _tags.decode(tags)
        return Profile(first, int(revision or 0), int(last or 0), int(count or 0), read_tags)

    async def published(
        self, namespace: str, definition: str, numbers: Sequence[int]
    ) -> list[PublishedVersion | None]:
        """What is published under each of these numbers."""
        found = await self._fields(namespace, definition, [f"v:{number}" for number in numbers])
        return [None if packed is None else _published.decode(packed) for packed in found]

    async def numbers(
        self, namespace: str, definition: str, versions: Sequence[int]
    ) -> dict[int, int]:
        """Version -> number it is published under, of those that are."""
        found = await self._fields(namespace, definition, [f"r:{version}" for version in versions])
        return {v: int(number) for v, number in zip(versions, found, strict=True) if number}

    async def descriptions(
        self, namespace: str, definition: str, aliases: Sequence[str]
    ) -> list[str]:
        """What was said of each of these aliases; "" where nothing was."""
        found = await self._fields(namespace, definition, [f"a:{alias}" for alias in aliases])
        return [(text or b"").decode() for text in found]

    async def alias(
        self, namespace: str, definition: str, alias: str
    ) -> tuple[Alias | None, bytes]:
        """An alias, and what it is stored as, for a change of it to name."""
        key = self._keys.aliases(namespace, definition)
        packed = await self._redis.call(key, "HGET", key, alias)
        return (None, b"") if packed is None else (read_alias(alias, packed), packed)

    async def change(
        self,
        namespace: str,
        definition: str,
        profile: Profile,
        fields: Mapping[str, bytes],
        *,
        gone: Iterable[str] = (),
        routes: Iterable[Rerouted] = (),
    ) -> bool:
        """Set and remove fields, and change aliases, all or nothing; False where the profile, the definition or one of the
        aliases is not as it was read: nothing was written then.
        """
        reply = await self._redis.script(
            "change_profile",
            [
                self._keys.definition(namespace, definition),
                self._keys.profile(namespace, definition),
                self._keys.aliases(namespace, definition),
            ],
            [
                str(profile.first),
                str(profile.revision),
                codec.pack_envelope(
                    {
                        "set": [part for pair in fields.items() for part in pair],
                        "gone": list(gone),
                        "routes": [p for r in routes for p in (r.alias, r.before, r.after)],
                    }
                ),
            ],
        )
        return bool(reply == b"OK")

    async def _fields(
        self, namespace: str, definition: str, names: Sequence[str]
    ) -> list[bytes | None]:
        if not names:
            return []
        key = self._keys.profile(namespace, definition)
        return list(await self._redis.call(key, "HMGET", key, *names))


def packed_publication(published: PublishedVersion) -> bytes:
    return msgspec.msgpack.encode(published)


def packed_tags(tags: Mapping[str, str]) -> bytes:
    return msgspec.json.encode(tags)
