"""Definitions and their versions. A version's text never changes; what new executions start on is set per partition."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import msgspec
from msgspec import Struct

from engine.errors import DefinitionTypeConflict
from engine.language.resources.express import DefinitionType
from engine.store.connection import Redis
from engine.store.keys import Keys

Format = Literal["yaml", "json"]

FINISHED_AT_ONCE = 100  # of what died half-way, by one call

# What add_version refuses.
_OTHER_TYPE = -1
_OTHER_NEWEST = -2


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a definition. `text` is None where only the summary was read."""

    name: str
    version: int
    hash: str
    created_ms: int
    format: Format = "yaml"
    text: bytes | None = None
    type: DefinitionType = "STANDARD"  # of all versions of the definition
    attributes: bytes = b""  # what its author said besides the text; opaque here
    first: int = 1  # the definition's first version since it was made, when this one was stored


class Newest(NamedTuple):
    """What a definition is at, by number. Versions before `first` are from before it was deleted and made anew."""

    version: int
    type: DefinitionType
    first: int = 1


class NewestMoved(Exception):
    """Another version became the newest one, or the definition was deleted, since the caller looked."""


class _Packed(Struct, array_like=True):
    """A version as it is stored. What came to be stored later has a default."""

    hash: str
    created: str
    format: str
    text: str
    attributes: str = ""
    first: str = "1"


_packed = msgspec.msgpack.Decoder(_Packed)


class Catalog:
    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def publish(
        self,
        namespace: str,
        name: str,
        content_hash: str,
        text: bytes,
        form: Format,
        kind: DefinitionType = "STANDARD",
        *,
        attributes: bytes = b"",
        newest: int | None = None,
        tags: bytes = b"",
    ) -> tuple[Version, bool]:
        """Store the text as the next version (False: equal to the newest one), then make it current everywhere.

        With `newest` (0 = no definition) it becomes a version whatever it equals, unless another is the newest one by
        now: raises NewestMoved. Without it the newest one's attributes go on, not those given. `tags`, packed, are those of
        a definition that this makes. Once this returns, every start uses it. A publish that dies half-way is finished by repeating it, or by `finish`. Raises DefinitionTypeConflict.
        """
        key = self._keys.definition(namespace, name)
        known = "" if newest is None else str(newest)
        number, created, verdict, first = await self._redis.script(
            "add_version",
            [
                key,
                self._keys.catalog(namespace),
                self._keys.profile(namespace, name),
                self._keys.untold(namespace),
            ],
            [name, content_hash, text, form, kind, attributes, known, tags],
        )
        if verdict == _OTHER_TYPE:
            raise DefinitionTypeConflict(f"{name} is not {kind}")
        if verdict == _OTHER_NEWEST:
            raise NewestMoved
        version = Version(
            name,
            int(number),
            content_hash,
            int(created),
            form,
            type=kind,
            attributes=attributes,
            first=int(first),
        )
        await self.spread(namespace, version)
        return version, verdict == 1

    async def spread(self, namespace: str, version: Version) -> None:
        """Make a version current in every partition. Repeating it, or an older version's coming late, changes nothing."""
        if version.type == "EXPRESS":
            # Partitions learn of no version, so that nothing can be started there: its executions are never stored.
            return
        await self._everywhere(namespace, version.name, str(version.version), str(version.first))

    async def remove(self, namespace: str, name: str) -> bool:
        """Delete a definition, then have nothing start of it any more; False where there is none.

        What runs goes on, on a text that stays. One that dies half-way is finished by repeating it, or by
        `finish`.
        """
        last, verdict = await self._redis.script(
            "remove_definition",
            [
                self._keys.definition(namespace, name),
                self._keys.catalog(namespace),
                self._keys.profile(namespace, name),
                self._keys.aliases(namespace, name),
                self._keys.untold(namespace),
            ],
            [name],
        )
        if last != b"0":
            await self._everywhere(namespace, name, f"-{last.decode()}", "1")
        return bool(verdict == 1)

    async def finish(self, namespace: str) -> int:
        """Tell every partition what somebody who died has told to some only; how many versions and deletions that were.

        Harmless beside those who are about it: what partitions know only goes forward.
        """
        key = self._keys.untold(namespace)
        untold = await self._redis.call(key, "ZRANGE", key, 0, FINISHED_AT_ONCE - 1)
        for member in untold:
            name, version, first = member.decode().split(" ")
            await self._everywhere(namespace, name, version, first)
        return len(untold)

    async def _everywhere(self, namespace: str, name: str, version: str, first: str) -> None:
        calls = [
            self._redis.script(
                "set_current",
                [self._keys.definitions(p, namespace)],
                [name, version, "" if first == "1" else first],
            )
            for p in range(self._keys.partitions)
        ]
        await asyncio.gather(*calls)
        key = self._keys.untold(namespace)
        await self._redis.call(key, "ZREM", key, f"{name} {version} {first}")

    async def read(self, namespace: str, name: str, version: int | None) -> Version | None:
        """A version with its text; None for the version means the newest."""
        key = self._keys.definition(namespace, name)
        number = version
        if number is None:
            current = await self.current(namespace, name)
            if current is None:
                return None
            number = current[0]
        packed, kind = await self._redis.call(key, "HMGET", key, f"v:{number}", "type")
        return _version(name, number, packed, kind) if packed is not None else None

    async def current(self, namespace: str, name: str) -> Newest | None:
        """The newest version and the definition's type; None when there is no such definition (any more)."""
        key = self._keys.definition(namespace, name)
        number, kind, first, deleted = await self._redis.call(
            key, "HMGET", key, "current", "type", "first", "deleted"
        )
        if number is None or deleted is not None:
            return None
        return Newest(int(number), _type(kind), int(first or 1))

    async def existed(self, namespace: str, name: str) -> bool:
        """Whether there is such a definition, or was: executions of one that was deleted may be there still."""
        key = self._keys.catalog(namespace)
        return bool(await self._redis.call(key, "HEXISTS", key, name))

    async def versions(self, namespace: str, name: str) -> list[Version]:
        """Every version since the definition was made, newest first; empty when there is no such definition."""
        key = self._keys.definition(namespace, name)
        current = await self.current(namespace, name)
        if current is None:
            return []
        numbers = range(current.version, current.first - 1, -1)
        packed = await self._redis.call(key, "HMGET", key, *(f"v:{n}" for n in numbers))
        kind = current.type.encode()
        return [
            _version(name, n, p, kind)
            for n, p in zip(numbers, packed, strict=True)
            if p is not None
        ]

    async def born_ms(self, namespace: str, names: Sequence[str]) -> list[int]:
        """When each of these definitions was made."""
        keys = [self._keys.definition(namespace, name) for name in names]
        found = await asyncio.gather(*(self._redis.call(key, "HGET", key, "born") for key in keys))
        return [
            int(born) if born is not None else await self._oldest_ms(namespace, name)
            for name, born in zip(names, found, strict=True)
        ]

    async def _oldest_ms(self, namespace: str, name: str) -> int:
        """Of a definition that was made before that was noted."""
        oldest = await self.read(namespace, name, 1)
        return 0 if oldest is None else oldest.created_ms

    async def names(self, namespace: str) -> list[tuple[str, int, int, DefinitionType]]:
        """(name, newest version, when, type) of every definition, by name."""
        return [entry for entry in await self._entries(namespace) if entry[1] > 0]

    async def names_ever(self, namespace: str) -> list[str]:
        """The names of all definitions, of the deleted ones too: executions of theirs may be there still."""
        return [entry[0] for entry in await self._entries(namespace)]

    async def _entries(self, namespace: str) -> list[tuple[str, int, int, DefinitionType]]:
        key = self._keys.catalog(namespace)
        reply = await self._redis.call(key, "HGETALL", key)
        out = []
        for name, value in zip(reply[::2], reply[1::2], strict=True):
            version, created, *kind = value.split(b" ")
            out.append((name.decode(), int(version), int(created), _type(*kind)))
        return sorted(out)


def _version(name: str, number: int, packed: bytes, kind: bytes | None) -> Version:
    stored = _packed.decode(packed)
    return Version(
        name,
        number,
        stored.hash,
        int(stored.created),
        cast("Format", stored.format),
        stored.text.encode(),
        _type(kind),
        stored.attributes.encode(),
        int(stored.first),
    )


def _type(kind: bytes | None = None) -> DefinitionType:
    """A definition published before there were types is STANDARD."""
    return "EXPRESS" if kind == b"EXPRESS" else "STANDARD"
