"""Definitions and their versions. A version's text never changes; what new executions start on is set per partition."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal, cast

import msgspec

from engine.errors import DefinitionTypeConflict
from engine.language.resources.express import DefinitionType
from engine.store.connection import Redis
from engine.store.keys import Keys

Format = Literal["yaml", "json"]


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
    ) -> tuple[Version, bool]:
        """Store the text as the next version (False: equal to the newest one), then make it current everywhere.

        Once this returns, every start uses it. A publish that dies half-way is finished by repeating it. Raises
        DefinitionTypeConflict.
        """
        key = self._keys.definition(namespace, name)
        number, created, new = await self._redis.script(
            "add_version",
            [key, self._keys.catalog(namespace)],
            [name, content_hash, text, form, kind],
        )
        if new == -1:
            raise DefinitionTypeConflict(f"{name} is not {kind}")
        version = Version(name, int(number), content_hash, int(created), form, type=kind)
        if kind == "EXPRESS":
            # Partitions learn of no version, so that nothing can be started there: its executions are never stored.
            return version, new == 1
        calls = [
            self._redis.script(
                "set_current", [self._keys.definitions(p, namespace)], [name, version.version]
            )
            for p in range(self._keys.partitions)
        ]
        await asyncio.gather(*calls)
        return version, new == 1

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

    async def current(self, namespace: str, name: str) -> tuple[int, DefinitionType] | None:
        """The newest version's number and the definition's type; None when there is no such definition."""
        key = self._keys.definition(namespace, name)
        number, kind = await self._redis.call(key, "HMGET", key, "current", "type")
        return None if number is None else (int(number), _type(kind))

    async def versions(self, namespace: str, name: str) -> list[Version]:
        """Every version, newest first; empty when there is no such definition."""
        key = self._keys.definition(namespace, name)
        current = await self.current(namespace, name)
        if current is None:
            return []
        numbers = range(current[0], 0, -1)
        packed = await self._redis.call(key, "HMGET", key, *(f"v:{n}" for n in numbers))
        kind = current[1].encode()
        return [
            _version(name, n, p, kind)
            for n, p in zip(numbers, packed, strict=True)
            if p is not None
        ]

    async def names(self, namespace: str) -> list[tuple[str, int, int, DefinitionType]]:
        """(name, newest version, when, type) of every definition, by name."""
        key = self._keys.catalog(namespace)
        reply = await self._redis.call(key, "HGETALL", key)
        out = []
        for name, value in zip(reply[::2], reply[1::2], strict=True):
            version, created, *kind = value.split(b" ")
            out.append((name.decode(), int(version), int(created), _type(*kind)))
        return sorted(out)


def _version(name: str, number: int, packed: bytes, kind: bytes | None) -> Version:
    content_hash, created, form, text = msgspec.msgpack.decode(
        packed, type=tuple[str, str, str, str]
    )
    shown = cast("Format", form)
    return Version(name, number, content_hash, int(created), shown, text.encode(), _type(kind))


def _type(kind: bytes | None = None) -> DefinitionType:
    """A definition published before there were types is STANDARD."""
    return "EXPRESS" if kind == b"EXPRESS" else "STANDARD"
