"""A Map Run in its driver's hands: what it is, how far it has come, and what it is to keep to. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from msgspec import Struct

from engine.core.execution import Names
from engine.core.states.distributed.spec import MapRunSpec, Writer
from engine.store import codec
from engine.store.keys import MapRunKeys
from engine.store.maps.ends import EndStatus

STATUSES: tuple[EndStatus, ...] = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
RunStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]

Fields = Mapping[bytes, bytes]


class About(Struct, frozen=True, array_like=True):
    """What a Map Run is born with and keeps."""

    run: str
    parent: str
    definition: str
    version: int
    state: str
    label: str
    execution_type: Literal["STANDARD", "EXPRESS"]
    names: Names | None
    has_writer: bool
    is_batching: bool
    items: int | None = None  # how many there are, where that is known from the start
    writer: Writer | None = None


def read_about(data: bytes) -> About:
    return msgspec.msgpack.decode(codec.contents(data), type=About)


def about_of(spec: MapRunSpec) -> About:
    known = spec.reader is None and isinstance(spec.items, list | dict)
    return About(
        spec.run,
        spec.parent,
        spec.definition,
        spec.version,
        spec.state,
        spec.label,
        spec.execution_type,
        spec.names,
        spec.writer is not None and spec.writer.bucket is not None,
        spec.batcher is not None,
        len(spec.items) if known else None,
        spec.writer,
    )


def born(spec: MapRunSpec, seed: bytes) -> list[Any]:
    """The fields that a run begins with: {field, bytes ...}."""
    return [
        "about", codec.pack(about_of(spec)), "seed", seed, "concurrency", str(spec.concurrency_max),
        "tolerated", "" if spec.tolerated_count is None else str(spec.tolerated_count),
        "percentage", "" if spec.tolerated_percentage is None else repr(spec.tolerated_percentage),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands and what it is to keep to, as the store said last. Counts are of children, or of their items."""

    status: RunStatus = "RUNNING"
    out: int = 0
    out_items: int = 0
    concurrency: int = 0  # 0: no limit of the author's
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None
    size: int = 0  # bytes of the results that are kept; -1: too many, so that none is
    children: Mapping[EndStatus, int] = field(default_factory=dict)
    items: Mapping[EndStatus, int] = field(default_factory=dict)
    pending: int = 0  # children that a redrive has still to begin


def standing_of(reply: Sequence[bytes | int]) -> Standing:
    """From the reply of advance_map_run.lua."""
    out, *texts = reply
    words = [text.decode() if isinstance(text, bytes) else str(text) for text in texts]
    status, concurrency, tolerated, percentage, size, items_out = words[:6]
    counts = [int(word or 0) for word in words[6:]]
    return Standing(
        status,  # type: ignore[arg-type]  # one of the words that the scripts write
        int(out),
        int(items_out or 0),
        int(concurrency or 0),
        int(tolerated) if tolerated else None,
        float(percentage) if percentage else None,
        int(size or 0),
        dict(zip(STATUSES, counts[:4], strict=True)),
        dict(zip(STATUSES, counts[4:8], strict=True)),
        counts[8],
    )


def standing_in(fields: Fields, out: int) -> Standing:
    """From the run's hash, and the number of its children that are out."""
    names = ("status", "concurrency", "tolerated", "percentage", "size", "out")
    counted = [f"{kind}:{status}" for kind in "ni" for status in STATUSES]
    return standing_of([out, *(fields.get(n.encode(), b"") for n in (*names, *counted, "pending"))])


@dataclass(slots=True)
class Held:
    """A Map Run in the hands of whoever drives it; the fields are those of its hash."""

    keys: MapRunKeys
    nonce: str
    about: About
    seed: bytes
    claims: int  # how often it has been taken, this time included
    tries: int  # how often since something has last come of it, this time included
    fault: str  # what ended the try before, where that is known
    redrives: int
    next: int  # index of the next child that is made
    item: int  # index of its first item
    sure: int  # children below this index need not be started again after a take-over
    sure_item: int  # index of that child's first item
    is_read: bool  # all items have been read, `item` of them
    again: tuple[int, ...]  # the children that a redrive has begun last
    walked: int  # a redrive has come to this child
    parts: bytes  # the files of results that have been written, packed
    pin: str  # what the dataset is known by again
    outcome: tuple[str, str] | None  # error and cause, once it has failed
    standing: Standing

    @property
    def ref(self) -> str:
        return self.keys.ref

    @property
    def processor(self) -> str:
        return self.ref.split(":")[1]


def held_of(keys: MapRunKeys, nonce: str, flat: Sequence[bytes], out: int) -> Held:
    """A run from all fields of its hash."""
    fields = dict(zip(flat[::2], flat[1::2], strict=True))

    def number(name: bytes) -> int:
        return int(fields.get(name) or 0)

    again = fields.get(b"again", b"")
    error = fields.get(b"error")
    return Held(
        keys,
        nonce,
        read_about(fields[b"about"]),
        fields[b"seed"],
        number(b"claims"),
        number(b"tries"),
        fields.get(b"fault", b"").decode(),
        number(b"redrives"),
        number(b"next"),
        number(b"item"),
        number(b"sure"),
        number(b"sure_item"),
        fields.get(b"read") == b"1",
        tuple(map(int, again.split())),
        number(b"walked"),
        fields.get(b"parts", b""),
        fields.get(b"pin", b"").decode(),
        None if error is None else (error.decode(), fields.get(b"cause", b"").decode()),
        standing_in(fields, out),
    )
