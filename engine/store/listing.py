"""Reading one execution whole, its history, its tasks, its signals; and pruning the closed ones. Pages of many: see finding/."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from msgspec import structs

from engine.core.events import SignalReceived
from engine.core.execution import ROOT, Execution, Frame, Status
from engine.documents import Document
from engine.store import codec
from engine.store.bounds.histories import HistoryPart, history_part
from engine.store.bounds.payloads import payloads_of
from engine.store.bounds.referring import Payloads, referred
from engine.store.fates import Fates
from engine.store.finding.entries import entries_of
from engine.store.finding.rows import FIELDS, row_of
from engine.store.keys import ref_of, task_id
from engine.store.maps.child import MapChild
from engine.store.maps.reading import ReadingRuns

FRAMES_MAX = 100  # shown of one execution
SIGNALS_MAX = 1000
READS_MAX = (
    5  # of an execution that moves on between the reads of its frames and of what they refer to
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One execution whole, as stored. `pruned`: only the tombstone is left."""

    execution: Execution
    stopped_ms: int | None
    quarantine: str | None
    pruned: bool
    unread: list[SignalReceived]
    child: MapChild | None = None  # of a Map Run, which one it is


class Listing(Fates):
    async def read(
        self, namespace: str, identifier: str, *, tries: int = READS_MAX
    ) -> Stored | None:
        """An execution with its frames (at most `FRAMES_MAX`) and buffered signals, or None.

        Bytes that cannot be read are left out: such an execution is quarantined, and can still be looked at.
        """
        keys = self._keys.of(ref_of(namespace, identifier))
        key = keys.execution
        size = await self._redis.call(key, "HLEN", key)
        if size == 0:
            return None
        names = None if size <= FRAMES_MAX else await self._some_fields(key)
        if names is None:
            reply = await self._redis.call(key, "HGETALL", key)
            fields = dict(zip(reply[::2], reply[1::2], strict=True))
        else:
            reply = await self._redis.call(key, "HMGET", key, *names)
            fields = {n: v for n, v in zip(names, reply, strict=True) if v is not None}
        if b"status" not in fields:
            return None
        pruned = b"pruned" in fields
        meta = _meta(fields.get(b"m", b""))
        packed = [value for name, value in fields.items() if name.startswith(b"f:")]
        documents = [fields.get(b"input"), fields.get(b"output")]
        payloads = await payloads_of(self._redis, keys.payloads, [*packed, *documents])
        if tries and any(n not in payloads for data in packed for n in referred(data)):
            return await self.read(namespace, identifier, tries=tries - 1)  # it has moved on
        unpack = partial(codec.unpack_frame, payloads=payloads)
        frames = {f.id: f for data in packed if (f := codec.read_or_none(unpack, data))}
        static = codec.read_or_none(codec.unpack_static, fields.get(b"s", b"")) or _tombstone(
            identifier
        )
        execution = codec.execution_of(
            static,
            meta,
            frames,
            version=int(fields[b"ver"]),
            revision=int(fields.get(b"rev", 0)),
            started_ms=int(fields[b"started"]),
            ready=fields.get(b"ready", b"").decode(),
            status=cast("Status", fields[b"status"].decode()),
        )
        stopped = fields.get(b"stopped")
        return Stored(
            _with_documents(execution, fields, payloads),
            int(stopped) if stopped else None,
            fields[b"quarantine"].decode() if b"quarantine" in fields else None,
            pruned,
            await self._unread(keys.inbox),
            static.child,
        )

    async def static(self, namespace: str, identifier: str) -> codec.Static | None:
        """What an execution was born with; None where there is none, or only a tombstone."""
        key = self._keys.of(ref_of(namespace, identifier)).execution
        packed = await self._redis.call(key, "HGET", key, "s")
        return codec.read_or_none(codec.unpack_static, packed) if packed else None

    async def _some_fields(self, key: str) -> list[bytes]:
        """The meta fields and as many frames as are shown, the root first."""
        _, items = await self._redis.call(key, "HSCAN", key, 0, "MATCH", "f:*", "COUNT", FRAMES_MAX)
        fixed = b"s m ver rev started stopped status ready quarantine pruned input output".split()
        return [*fixed, b"f:" + ROOT.encode(), *items[: 2 * FRAMES_MAX : 2]]

    async def _unread(self, inbox: str) -> list[SignalReceived]:
        """Signals that have been accepted and not been looked at yet."""
        entries = await self._redis.call(inbox, "LRANGE", inbox, 0, SIGNALS_MAX - 1)
        events = (codec.read_or_none(codec.unpack_entry, entry) for entry in entries)
        return [event for event in events if isinstance(event, SignalReceived)]

    async def values(self, ref: str, names: Sequence[str]) -> list[Document | None]:
        """Values of an execution, in the order asked for."""
        if not names:
            return []
        keys = self._keys.of(ref)
        items = await self._redis.call(keys.values, "HMGET", keys.values, *names)
        payloads = await payloads_of(self._redis, keys.payloads, items)
        return [
            None
            if item is None
            else codec.read_or_none(partial(codec.unpack_value, payloads=payloads), item)
            for item in items
        ]

    async def tasks(
        self, ref: str, frames: Sequence[Frame]
    ) -> list[tuple[codec.TaskRow, bytes | None, str] | None]:
        """For each frame that waits for a task: its row, its lease as stored, and the token's secret."""
        if not frames:
            return []
        partition = self._keys.of(ref).partition
        tasks, leases = self._keys.tasks(partition), self._keys.leases(partition)
        ids = [task_id(ref, f.id, f.hold.revision) for f in frames]  # type: ignore[union-attr]
        rows, held = await asyncio.gather(
            self._redis.call(tasks, "HMGET", tasks, *ids),
            self._redis.call(leases, "HMGET", leases, *ids),
        )
        out: list[tuple[codec.TaskRow, bytes | None, str] | None] = []
        for row, lease in zip(rows, held, strict=True):
            if row is None:
                out.append(None)
            else:
                secret, _, packed = row.partition(b"|")
                out.append((codec.unpack_row(packed), lease, secret.decode()))
        return out

    async def history(self, namespace: str, identifier: str, first: int, last: int) -> HistoryPart:
        """Records number `first` to `last` (from 1, inclusive; up to 0, counted back from the newest), as far as they are kept."""
        return await history_part(
            self._redis, self._keys.of(ref_of(namespace, identifier)), first, last
        )

    async def prune(self, now_ms: int, most: int, tombstone_ms: int) -> int:
        """Reduce closed executions that are due to tombstones; returns how many."""
        keys = [self._keys.closed(p) for p in range(self._keys.partitions)]
        due = await asyncio.gather(
            *(
                self._redis.call(k, "ZRANGE", k, "-inf", now_ms, "BYSCORE", "LIMIT", 0, most)
                for k in keys
            )
        )
        refs = [ref.decode() for refs in due for ref in refs]
        return sum(await asyncio.gather(*(self._prune(ref, tombstone_ms) for ref in refs)))

    async def _prune(self, ref: str, tombstone_ms: int) -> bool:
        keys = self._keys.of(ref)
        namespace, _, identifier = ref.partition(":")
        (revision, *fields), _ = await asyncio.gather(
            self._redis.call(keys.execution, "HMGET", keys.execution, "rev", *FIELDS),
            ReadingRuns(self._redis, self._keys).remove(ref),
        )
        row = row_of(identifier, fields)
        if row is None:
            return False
        reply = await self._redis.script(
            "prune_execution",
            [
                keys.execution, keys.history, keys.outcomes, keys.seen, keys.values, keys.inbox,
                keys.payloads, keys.tag + ":closed", keys.fates,
                *entries_of(self._keys, namespace, row),
            ],
            [ref, identifier, revision or b"", tombstone_ms],
        )  # fmt: skip
        return bool(reply == 1)

    async def watch(self, ref: str, watch_ms: int) -> tuple[Status, int] | None:
        """Have commits announced for a while; returns status and revision, None when there is no such execution."""
        reply = await self._redis.script("watch", [self._keys.of(ref).execution], [watch_ms])
        return (cast("Status", reply[0].decode()), int(reply[1] or 0)) if reply else None


def _meta(data: bytes) -> codec.Meta:
    return codec.read_or_none(codec.unpack_meta, data) or codec.Meta()


def _tombstone(identifier: str) -> codec.Static:
    definition, _, name = identifier.partition(":")
    return codec.Static(identifier, definition, name, b"")


def _with_documents(
    execution: Execution, fields: dict[bytes, bytes], payloads: Payloads
) -> Execution:
    def document(name: bytes) -> Document | None:
        unpack = partial(codec.unpack_value, payloads=payloads)
        return codec.read_or_none(unpack, fields[name]) if name in fields else None

    return structs.replace(execution, input=document(b"input"), output=document(b"output"))
