"""One execution as listings show it and filters look at it: what fits in a line, read without its frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from engine.core.execution import Attribute, Status
from engine.store import codec

FIELDS = ("status", "ver", "started", "stopped", "m")  # of the execution's hash, for `row_of`


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

    @property
    def definition(self) -> str:
        return self.id.partition(":")[0]


def row_of(identifier: str, fields: Sequence[bytes | None]) -> Row | None:
    """The row of an execution from its `FIELDS`; None where there is no such execution (any more)."""
    status, version, started, stopped, packed = fields
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
        meta.error,
        meta.attributes,
    )
