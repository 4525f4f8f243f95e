"""One execution as listings show it and filters look at it: what fits in a line, read without its frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from engine.core.execution import UNTOUCHED, Attribute, Operated, Status
from engine.store import codec

FIELDS = (
    "status",
    "ver",
    "started",
    "stopped",
    "m",
    "s",
    "quarantine",
)  # of the execution's hash, for `row_of`


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a listing. `state` is where it rests, "" on the way or closed; `error` is that of a closed one."""

    id: str
    version: int
    status: Status
    started_ms: int
    stopped_ms: int | None = None
    state: str = ""
    error: str | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    operated: Operated = UNTOUCHED
    born: bytes = b""  # what it was born with, as stored: few readers ask
    quarantine: str | None = None  # why it is set aside

    @property
    def definition(self) -> str:
        return self.id.partition(":")[0]

    @property
    def static(self) -> codec.Static:
        """What it was born with; of one whose bytes cannot be read, its id only."""
        found = codec.read_or_none(codec.unpack_static, self.born)
        return found or codec.Static(self.id, self.definition, self.id.partition(":")[2], b"")


def row_of(identifier: str, fields: Sequence[bytes | None]) -> Row | None:
    """The row of an execution from its `FIELDS`; None where there is no such execution (any more)."""
    status, version, started, stopped, packed, born, quarantine = fields
    if status is None or version is None or started is None:
        return None
    meta = codec.read_or_none(codec.unpack_meta, packed or b"") or codec.Meta()
    return Row(
        identifier,
        int(version),
        cast("Status", status.decode()),
        int(started),
        int(stopped) if stopped else None,
        meta.resting,
        None
        if status == b"RUNNING"
        else meta.error,  # a redriven one still has the old one at first
        meta.attributes,
        meta.operated or UNTOUCHED,
        born or b"",
        quarantine.decode() if quarantine is not None else None,
    )
