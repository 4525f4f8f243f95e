"""Pages: where the next one begins, and how much of a history goes into one."""

from __future__ import annotations

import base64
import binascii

from engine.core.effects import Record
from engine.documents import Document
from engine.errors import InvalidRequest
from engine.express.remembered import Remembered
from engine.store.listing import Listing

HISTORY_BYTES_MAX = (
    4 * 1024 * 1024
)  # of payloads in one page; it ends with the read that reaches this
RECORDS_FIRST = 16  # read at once before it is known how large records are


async def history_records(
    listing: Listing | Remembered,
    namespace: str,
    execution: str,
    *,
    after: int | None,
    limit: int,
    descending: bool,
) -> tuple[list[Record], int | None, int]:
    """At most `limit` records after number `after` (before it, when descending), `after` of the next page, and how many
    records are not kept any more: those numbered 1 to that.

    A page ends early where its payloads are large: no caller and no execution can make one that fills the memory.
    """
    found: list[Record] = []
    size, most, dropped = 0, RECORDS_FIRST, 0
    while len(found) < limit and size < HISTORY_BYTES_MAX:
        asked = min(limit - len(found), most)
        first, last = _range(after, asked, descending=descending)
        part = await listing.history(namespace, execution, first, last)
        records, dropped = part.records, part.dropped
        if descending and not records and after is not None and after > part.newest > 0:
            after = None
            continue
        if not records and not descending and (after or 0) < dropped:
            after = dropped
            continue
        if not records:
            break
        found += reversed(records) if descending else records
        after = found[-1].id
        if after <= dropped + 1 if descending else after >= part.newest:
            return found, None, dropped
        size += sum(map(_size, records))
        most = max(1, (HISTORY_BYTES_MAX - size) * len(found) // (size + 1))
    return found, found[-1].id if found else None, dropped


def _range(after: int | None, limit: int, *, descending: bool) -> tuple[int, int]:
    """First and last record number; counted from the end (0 is the last) for the newest ones."""
    if not descending:
        return (after or 0) + 1, (after or 0) + limit
    if after is None:
        return -limit + 1, 0
    # Number 0 would be the newest record; there is none before the first.
    return (max(1, after - limit), after - 1) if after > 1 else (2, 1)


def _size(record: Record) -> int:
    return sum(
        len(value.text) if isinstance(value, Document) else 16 for value in record.details.values()
    )


def encode_cursor(*parts: str) -> str:
    return base64.urlsafe_b64encode("\n".join(parts).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, count: int) -> list[str]:
    """The parts that `encode_cursor` made a cursor of. Raises InvalidRequest for a text that is none."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise InvalidRequest("the cursor is not one of ours") from None
    parts = text.split("\n")
    if len(parts) != count:
        raise InvalidRequest("the cursor is not one of ours")
    return parts


def moment_of(text: str) -> int:
    """Milliseconds since 1970 in a cursor. Raises InvalidRequest."""
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InvalidRequest("the cursor is not one of ours")
    return int(text)
