"""Definitions and their versions. A version's text never changes; what new executions start on is set per partition."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal, cast

import msgspec

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


class Catalog:
    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def publish(
        self, namespace: str, name: str, content_hash: str, text: bytes, form: Format
    ) -> tuple[Version, bool]:
        """Store the text as the next version (False: equal to the newest one), then make it current everywhere.

        Once this returns, every start uses it. A publish that dies half-way is finished by repeating it.
        """
        key = self._keys.definition(namespace, name)
        number, created, new = await self._redis.script(
            "add_version", [key, self._keys.catalog(namespace)], [name, content_hash, text, form]
        )
        version = Version(name, int(number), content_hash, int(created), form)
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
            current = await self._redis.call(key, "HGET", key, "current")
            if current is None:
                return None
            number = int(current)
        packed = await self._redis.call(key, "HGET", key, f"v:{number}")
        return _version(name, number, packed) if packed is not None else None

    async def versions(self, namespace: str, name: str) -> list[Version]:
        """Every version, newest first; empty when there is no such definition."""
        key = self._keys.definition(namespace, name)
        current = await self._redis.call(key, "HGET", key, "current")
        if current is None:
            return []
        numbers = range(int(current), 0, -1)
        packed = await self._redis.call(key, "HMGET", key, *(f"v:{n}" for n in numbers))
        return [_version(name, n, p) for n, p in zip(numbers, packed, strict=True) if p is not None]

    async def names(self, namespace: str) -> list[tuple[str, int, int]]:
        """(name, newest version, when) of every definition, by name."""
        key = self._keys.catalog(namespace)
        reply = await self._redis.call(key, "HGETALL", key)
        out = []
        for name, value in zip(reply[::2], reply[1::2], strict=True):
            version, _, created = value.decode().partition(" ")
            out.append((name.decode(), int(version), int(created)))
        return sorted(out)


def _version(name: str, number: int, packed: bytes) -> Version:
    content_hash, created, form, text = msgspec.msgpack.decode(
        packed, type=tuple[str, str, str, str]
    )
    return Version(name, number, content_hash, int(created), cast("Format", form), text.encode())
