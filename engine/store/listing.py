"""Reading one execution whole, its history, its tasks, its signals; and pruning the closed ones. Pages of many: see finding/."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from msgspec import structs

from engine.core.effects import Record
from engine.core.events import SignalReceived
from engine.core.execution import ROOT, Execution, Frame, Status
from engine.documents import Document
from engine.store import codec
from engine.store.fates import Fates
from engine.store.finding.entries import entries_of
from engine.store.finding.rows import FIELDS, row_of
from engine.store.keys import ref_of, task_id

FRAMES_MAX = 100  # shown of one execution
SIGNALS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Stored:
    """One execution whole, as stored. `pruned`: only the tombstone is left."""

    execution: Execution
    stopped_ms: int | None
    quarantine: str | None
    pruned: bool
    unread: list[SignalReceived]


class Listing(Fates):
    async def read(self, namespace: str, identifier: str) -> Stored | None:
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
        frames = {f.id: f for data in packed if (f := codec.read_or_none(codec.unpack_frame, data))}
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
            _with_documents(execution, fields),
            int(stopped) if stopped else None,
            fields[b"quarantine"].decode() if b"quarantine" in fields else None,
            pruned,
            await self._unread(keys.inbox),
        )

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
        key = self._keys.of(ref).values
        texts = await self._redis.call(key, "HMGET", key, *names)
        return [Document.from_text(t) if t is not None else None for t in texts]

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

    async def history(
        self, namespace: str, identifier: str, first: int, last: int
    ) -> tuple[list[Record], int]:
        """Records number `first` to `last` (from 1, inclusive), and how many there are."""
        key = self._keys.of(ref_of(namespace, identifier)).history
        items, count = await asyncio.gather(
            self._redis.call(key, "LRANGE", key, first - 1, last - 1),
            self._redis.call(key, "LLEN", key),
        )
        return [codec.unpack_record(item) for item in items], count

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
        revision, *fields = await self._redis.call(
            keys.execution, "HMGET", keys.execution, "rev", *FIELDS
        )
        row = row_of(identifier, fields)
        if row is None:
            return False
        reply = await self._redis.script(
            "prune_execution",
            [
                keys.execution, keys.history, keys.outcomes, keys.seen, keys.values, keys.inbox,
                keys.tag + ":closed", keys.fates, *entries_of(self._keys, namespace, row),
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


def _with_documents(execution: Execution, fields: dict[bytes, bytes]) -> Execution:
    def document(name: bytes) -> Document | None:
        return Document.from_text(fields[name]) if name in fields else None

    return structs.replace(execution, input=document(b"input"), output=document(b"output"))
