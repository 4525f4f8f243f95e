"""Aliases: names for versions of a definition, which starts are routed by. An alias changes in one step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from engine.errors import DefinitionNotFound, QuotaExceeded
from engine.store.connection import Redis
from engine.store.keys import Keys

ALIASES_MAX = 100  # of one definition; as AWS Step Functions


class Route(Struct, frozen=True, array_like=True):
    """One version, and how many of a hundred starts go to it."""

    version: int
    weight: int


@dataclass(frozen=True, slots=True)
class Alias:
    """Where starts on an alias go. The weights add up to 100."""

    name: str
    routing: tuple[Route, ...]
    created_ms: int
    updated_ms: int

    def version_of(self, execution: str) -> int:
        """The version that an execution of this name starts on: the same one each time a start is repeated."""
        digest = hashlib.sha256(f"{self.name}\n{execution}".encode()).digest()
        point = int.from_bytes(digest[:8], "big") % 100
        for route in self.routing:
            point -= route.weight
            if point < 0:
                return route.version
        raise AssertionError(self.routing)  # the weights are checked when they are set


_routings = msgspec.json.Decoder(tuple[Route, ...])


class Aliases:
    """Aliases of the definitions of a namespace; they lie with the catalog."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def put(
        self, namespace: str, definition: str, alias: str, routing: Sequence[Route]
    ) -> tuple[Alias, bool]:
        """Make or change an alias; True where it is new. Weights have been checked.

        Raises DefinitionNotFound for a version that is not there, QuotaExceeded.
        """
        reply = await self._redis.script(
            "set_alias",
            [
                self._keys.definition(namespace, definition),
                self._keys.aliases(namespace, definition),
            ],
            [
                alias,
                msgspec.json.encode(routing),
                ALIASES_MAX,
                " ".join(str(r.version) for r in routing),
            ],
        )
        match reply[0]:
            case b"OK":
                made = Alias(alias, tuple(routing), int(reply[1]), int(reply[2]))
                return made, reply[3] == 1
            case b"UNKNOWN":
                version = reply[1].decode()
                raise DefinitionNotFound(
                    f"{definition}, version {version}" if version else definition
                )
            case _:
                raise QuotaExceeded("aliases of one definition", limit=ALIASES_MAX)

    async def get(self, namespace: str, definition: str, alias: str) -> Alias | None:
        key = self._keys.aliases(namespace, definition)
        packed = await self._redis.call(key, "HGET", key, alias)
        return None if packed is None else read_alias(alias, packed)

    async def all(self, namespace: str, definition: str) -> list[Alias]:
        """Every alias of a definition, by name."""
        key = self._keys.aliases(namespace, definition)
        reply = await self._redis.call(key, "HGETALL", key)
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return sorted((read_alias(n.decode(), p) for n, p in pairs), key=lambda each: each.name)

    async def remove(self, namespace: str, definition: str, alias: str) -> bool:
        """Forget an alias; executions that it has started go on. False where there is none."""
        key = self._keys.aliases(namespace, definition)
        removed = bool(await self._redis.call(key, "HDEL", key, alias))
        # What the profile says of it would come back with another alias of the name.
        profile = self._keys.profile(namespace, definition)
        await self._redis.call(profile, "HDEL", profile, f"a:{alias}")
        return removed


def packed_alias(created_ms: int, updated_ms: int, routing: Sequence[Route]) -> bytes:
    """An alias as it is stored; set_alias.lua writes the same."""
    return b"%d %d %b" % (created_ms, updated_ms, msgspec.json.encode(routing))


def read_alias(name: str, packed: bytes) -> Alias:
    """An alias from what is stored."""
    created, updated, routing = packed.split(b" ", 2)
    return Alias(name, _routings.decode(routing), int(created), int(updated))
