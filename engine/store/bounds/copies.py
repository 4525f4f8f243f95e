"""Copies of executions: read from one store, written to another as executions that have ended."""

from __future__ import annotations

from typing import Literal

from engine.core.context import key_of
from engine.core.events import SignalReceived, kept_signal, read_signal
from engine.core.execution import Buffer, Operated
from engine.documents import Document
from engine.errors import PayloadTooLarge
from engine.store import codec
from engine.store.bounds.copy import Copy, copy_of, records_of, weight
from engine.store.bounds.histories import HistoryPart
from engine.store.bounds.payloads import INLINE_BYTES_MAX
from engine.store.commits import sent
from engine.store.connection import Redis
from engine.store.finding.entries import entries_of
from engine.store.finding.rows import Row
from engine.store.keys import Keys, ref_of
from engine.store.listing import Listing, Stored

COPY_BYTES_MAX = 16 * 1024 * 1024  # about, of one copy: it is put together in memory
RECORDS_AT_ONCE = 100

Written = Literal["imported", "exists"]


class Copies:
    """`inline_max`: bytes of a document that is written where it is used, as for commits."""

    def __init__(
        self, redis: Redis, keys: Keys, listing: Listing, *, inline_max: int = INLINE_BYTES_MAX
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._listing = listing
        self._packer = codec.packer(inline_max)

    async def read(self, namespace: str, identifier: str) -> Copy | None:
        """A copy of an execution; None where there is none any more, or only its tombstone.

        Raises PayloadTooLarge for one of more than COPY_BYTES_MAX. One that goes on meanwhile is copied as far as it
        had come when its state was read, or a little further.
        """
        stored = await self._listing.read(namespace, identifier)
        if stored is None or stored.pruned:
            return None
        history = await self._history(namespace, identifier)
        ref = ref_of(namespace, identifier)
        variables = await self._variables(ref, stored)
        return copy_of(stored, history, await self._signals(ref, stored), variables)

    async def _history(self, namespace: str, identifier: str) -> HistoryPart:
        """All of it that is kept."""
        part = await self._listing.history(namespace, identifier, 1, RECORDS_AT_ONCE)
        records, last, size = part.records, max(RECORDS_AT_ONCE, part.dropped), 0
        while part.newest > last:
            size += weight(part.records)
            if size > COPY_BYTES_MAX:
                raise PayloadTooLarge(f"the history of {identifier} is too large for one line")
            first, last = last + 1, last + RECORDS_AT_ONCE
            part = await self._listing.history(namespace, identifier, first, last)
            if part.records and records and part.records[0].id != records[-1].id + 1:
                records = []  # trimmed meanwhile
            records += part.records
        dropped = records[0].id - 1 if records else part.dropped
        return HistoryPart(records, part.newest, dropped)

    async def _variables(self, ref: str, stored: Stored) -> dict[str, dict[str, Document]]:
        found: dict[str, dict[str, Document]] = {}
        for frame in stored.execution.frames.values():
            if frame is not None and frame.variables:
                keys = [key_of(frame.id, name) for name in frame.variables]
                values = await self._listing.values(ref, keys)
                pairs = zip(frame.variables, values, strict=True)
                found[frame.id] = {name: value for name, value in pairs if value is not None}
        return found

    async def _signals(self, ref: str, stored: Stored) -> list[SignalReceived]:
        """Those that nobody has taken: kept for later, and not looked at yet."""
        names = [
            f"s:{name}:{number}"
            for name, buffer in stored.execution.signals.items()
            for number in range(buffer.head, buffer.tail)
        ]
        kept = await self._listing.values(ref, names)
        found = []
        for name, value in zip(names, kept, strict=True):
            if value is not None:
                found.append(read_signal(name.split(":", 2)[1], value))
        return found + stored.unread

    async def write(self, namespace: str, copy: Copy, *, kept_ms: int) -> Written:
        """Store the copy of an execution that has ended; it can be pruned `kept_ms` from now.

        Never over an execution of that id, or what is left of one: then nothing is written. Raises InvalidDocument
        for a copy that holds what is no JSON.
        """
        ref = ref_of(namespace, copy.id)
        keys = self._keys.of(ref)
        row = Row(
            copy.id,
            copy.version,
            copy.status,
            copy.started_ms,
            error=copy.error,
            attributes=copy.attributes,
        )
        entries = entries_of(self._keys, namespace, row)
        body = self._body(copy)
        body["index"] = [part for entry in entries.values() for part in entry]
        reply = await self._redis.script(
            "import_execution",
            [
                keys.execution, keys.history, keys.values, keys.payloads, keys.tag + ":closed",
                *entries,
            ],
            [ref, codec.pack_envelope(body), kept_ms],
        )  # fmt: skip
        return "imported" if reply == 1 else "exists"

    def _body(self, copy: Copy) -> dict[str, object]:
        packer = self._packer.begin()
        records = records_of(copy)
        buffers: dict[str, Buffer] = {}
        values: list[object] = []
        for signal in copy.signals:
            buffer = buffers.get(signal.name, Buffer())
            buffers[signal.name] = Buffer((), 0, buffer.tail + 1)
            event = SignalReceived(
                signal.name,
                signal.id,
                Document.parse(signal.payload),
                signal.ttl_ms,
                signal.at_ms,
            )
            values += (f"s:{signal.name}:{buffer.tail}", packer.value(kept_signal(event)))
        definition, _, name = copy.id.partition(":")
        static = codec.Static(
            copy.id, definition, name, b"", copy.parent, copy.depth, copy.alias, copy.names,
            copy.published,
        )  # fmt: skip
        fields: list[object] = [
            "s", codec.pack(static), "status", copy.status, "ver", str(copy.version),
            "started", str(copy.started_ms), "stopped", str(copy.stopped_ms or records[-1].at_ms),
            "rev", str(copy.revision), "own", "", "digest", "imported",
            "input", packer.value(Document.parse(copy.input)),
        ]  # fmt: skip
        if copy.output is not None:
            fields += ("output", packer.value(Document.parse(copy.output)))
        packed = [packer.pack(record) for record in records]
        meta = codec.Meta(
            last_record=records[-1].id,
            last_ms=records[-1].at_ms,
            signals=buffers,
            error=copy.error,
            cause=copy.cause,
            attributes=dict(copy.attributes),
            operated=Operated(redrives=copy.redrives) if copy.redrives else None,
            dropped=copy.dropped,
            refers=bool(packer.payloads),
        )
        fields += ("m", codec.pack(meta))
        return {"fields": fields, "records": packed, "keep": values, **sent(packer.payloads)}
