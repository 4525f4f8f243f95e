"""Map Runs: taking one, noting what its driver has done, and what its children have said of their ends.

A run is one hash with three helpers, in the partition of its own ref. Whoever takes it writes a nonce, and whoever had it
before writes nothing more. Children lie anywhere; each notes its end in its own partition, in the commit that ends it, and
the driver fetches that, notes it, and only then takes it away: so an end is counted once, whoever dies in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.core.states.distributed.spec import MapRunSpec, processor_of
from engine.store import codec
from engine.store.connection import Redis
from engine.store.keys import Keys, MapRunKeys, ref_of
from engine.store.maps import ends
from engine.store.maps.ends import Ended
from engine.store.maps.held import Held, RunStatus, born, held_of, standing_of

STOPPED_MS = 86_400_000  # no delivery of a task is under way for longer than a day
FENCED_MS = 7 * 86_400_000  # after a run's end; later nobody who has had it can start a child
ENDS_READ = 100  # entries of a partition read at once; each may hold an input and an output
RESULTS_READ = 200


class RunLost(Exception):
    """Another drives the Map Run by now; nothing was written."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to a take. `held` is None where the run had been stopped before it began, or is another task's."""

    verdict: Literal["OK", "ENDED", "BUSY", "OLD"]
    held: Held | None


class MapRuns:
    def __init__(self, redis: Redis, keys: Keys, *, bell: bool) -> None:
        self._redis = redis
        self._keys = keys
        self._bell = keys.ringer if bell else ""

    async def open(
        self, namespace: str, spec: MapRunSpec, *, revision: int, nonce: str, seed: bytes
    ) -> Opened:
        """Take a run for the task of that revision; one that is not there begins. `seed` is kept from the first time."""
        keys = self.keys_of(namespace, spec)
        parent = self._keys.map_runs(ref_of(namespace, spec.parent))
        member = keys.ref.partition(":")[2]
        seconds, microseconds = await self._redis.call(parent, "TIME")
        now_ms = int(seconds) * 1000 + int(microseconds) // 1000
        await self._redis.call(parent, "ZADD", parent, "NX", now_ms, member)
        reply = await self._redis.script(
            "open_map_run",
            [keys.run],
            [nonce, revision, spec.redrives, codec.pack_envelope({"fields": born(spec, seed)})],
        )
        verdict = reply[0].decode()
        if verdict in {"BUSY", "OLD"} or not reply[1]:
            return Opened(verdict, None)
        return Opened(verdict, await self._held(keys, nonce, reply[1]))

    async def abort(self, ref: str, *, revision: int, nonce: str) -> Held | None:
        """Take a run in order to stop it; None where there is nothing to stop (any more)."""
        keys = self._keys.map_run(ref)
        reply = await self._redis.script("abort_map_run", [keys.run], [nonce, revision, STOPPED_MS])
        return await self._held(keys, nonce, reply[1]) if reply[0] == b"OK" else None

    async def _held(self, keys: MapRunKeys, nonce: str, flat: Sequence[bytes]) -> Held:
        out = await self._redis.call(keys.out, "SCARD", keys.out)
        return held_of(keys, nonce, flat, int(out))

    def keys_of(self, namespace: str, spec: MapRunSpec) -> MapRunKeys:
        processor = processor_of(spec.definition, spec.label)
        return self._keys.map_run(f"{namespace}:{processor}:{spec.run}")

    async def fence(self, held: Held) -> None:
        """Let nobody who has had this run before start its children any more, in any partition."""
        keys = [self._keys.map_ends(p, held.ref) for p in range(self._keys.partitions)]
        await asyncio.gather(
            *(self._redis.script("fence_children", [key], [held.claims]) for key in keys)
        )

    async def advance(
        self,
        held: Held,
        *,
        status: RunStatus | None = None,
        fields: Mapping[str, Any] | None = None,
        ended: Iterable[tuple[Ended, bytes | None]] = (),
        size_max: int = 0,
        calm: bool = False,
        **more: Any,
    ) -> None:
        """Note what has been done, and learn how the run stands. Raises RunLost.

        `ended` are children that were out, with what is kept of each; `calm` says that the driver is well though nothing
        is new; `more` is as in advance_map_run.lua.
        """
        body: dict[str, Any] = {key: value for key, value in more.items() if value}
        if fields:
            body["set"] = [part for pair in fields.items() for part in pair]
        told = [
            [each.index, each.items, each.status, *([] if kept is None else [kept])]
            for each, kept in ended
        ]
        if told:
            body |= {"ends": told, "size_max": size_max}
        if calm:
            body["calm"] = True
        if status is not None:
            body["status"] = status
        keys = held.keys
        reply = await self._redis.script(
            "advance_map_run",
            [keys.run, keys.out, keys.results, keys.left],
            [held.nonce, codec.pack_envelope(body)],
        )
        if reply[0] == b"LOST":
            raise RunLost
        held.standing = standing_of(reply[1:])

    async def out(self, held: Held) -> list[int]:
        """The indexes of all children that are out: no more than the run's window holds."""
        reply = await self._redis.call(held.keys.out, "SMEMBERS", held.keys.out)
        return sorted(map(int, reply))

    async def left(self, held: Held, start: int, most: int) -> list[int]:
        """The next children from index `start` on, at most `most`, that ended without success."""
        found: list[int] = []
        first = start // 8
        while len(found) < most:
            reply = await self._redis.call(
                held.keys.left, "GETRANGE", held.keys.left, first, first + 1023
            )
            for offset, byte in enumerate(reply):
                if byte:
                    at = 8 * (first + offset)
                    found += [
                        at + bit for bit in range(8) if byte & (128 >> bit) and at + bit >= start
                    ]
            if len(reply) < 1024:
                break
            first += 1024
        return found[:most]

    async def ends(self, ref: str, partition: int) -> list[Ended]:
        """Ends that children in a partition have noted and nobody has taken yet, about a hundred at most."""
        key = self._keys.map_ends(partition, ref)
        _, flat = await self._redis.call(key, "HSCAN", key, 0, "COUNT", ENDS_READ)
        return [
            ends.read_entry(entry)
            for index, entry in zip(flat[::2], flat[1::2], strict=True)
            if index != b"by"
        ]

    async def forget(self, ref: str, partition: int, indexes: Sequence[int]) -> None:
        """Take ends away that the run has counted."""
        key = self._keys.map_ends(partition, ref)
        await self._redis.call(key, "HDEL", key, *indexes)

    async def close(self, held: Held) -> None:
        """Let what keeps the run's former drivers out go, once none of them can be left.

        Before its end is written, after which nobody comes back to the run; whoever takes it first keeps all that again.
        """
        if held.claims > 1:
            keys = [self._keys.map_ends(p, held.ref) for p in range(self._keys.partitions)]
            await asyncio.gather(*(self._redis.call(k, "PEXPIRE", k, FENCED_MS) for k in keys))

    async def items_of(self, refs: Sequence[str]) -> list[int]:
        """How many items each of these children stands for; 1 for one that is gone."""
        keys = [self._keys.of(ref).execution for ref in refs]
        found = await asyncio.gather(*(self._redis.call(key, "HGET", key, "s") for key in keys))
        born = [codec.unpack_static(data).child if data else None for data in found]
        return [1 if child is None else child.items for child in born]

    async def results(self, held: Held) -> dict[int, bytes]:
        """All results that are kept, by child: no more than the run's limit, or than one part."""
        key, cursor = held.keys.results, 0
        found: dict[int, bytes] = {}
        while True:
            cursor, flat = await self._redis.call(key, "HSCAN", key, cursor, "COUNT", RESULTS_READ)
            found.update(zip(map(int, flat[::2]), flat[1::2], strict=True))
            if int(cursor) == 0:
                return found

    async def update(
        self,
        ref: str,
        *,
        concurrency: int | None,
        tolerated_count: int | None,
        tolerated_percentage: float | None,
    ) -> Literal["OK", "CLOSED", "UNKNOWN"]:
        """Change what a run that runs keeps to; None leaves it as it is."""
        given = (concurrency, tolerated_count, tolerated_percentage)
        words = ["" if each is None else repr(each) for each in given]
        reply = await self._redis.script(
            "update_map_run", [self._keys.map_run(ref).run], [*words, self._bell, ref]
        )
        word: Literal["OK", "CLOSED", "UNKNOWN"] = reply.decode()
        return word
