"""A copy of an execution: one JSON object in one line, with all that is shown of it.

Documents stand in it as text, as their senders wrote them, so that a copy of a copy is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from engine.core.effects import Record
from engine.core.events import SignalReceived
from engine.core.execution import Attribute, Frame, Names, Status
from engine.documents import Document
from engine.errors import InvalidDocument
from engine.store.bounds.histories import HistoryPart
from engine.store.listing import Stored


class CopiedSignal(Struct, frozen=True):
    """A signal that nobody has taken."""

    name: str
    id: str
    payload: str
    at_ms: int = 0  # when it was accepted
    ttl_ms: int | None = None


class CopiedFrame(Struct, frozen=True):
    """Where a strand of a running execution rests, to be looked at only."""

    frame: str
    state: str
    waits: str  # what for: enter and run for nothing, work, delay, listen ...
    input: str
    variables: dict[str, str] = {}


class Copy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of an execution. `records` are (number, number of the one it follows, type, ms, details)."""

    format: Literal[1] = 1
    id: str
    version: int
    status: Status
    started_ms: int
    stopped_ms: int | None = None
    input: str
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    parent: str = ""
    depth: int = 0
    names: Names | None = None  # what it is called where it is known by ARNs
    alias: str = ""
    published: int = 0
    revision: int = 0
    redrives: int = 0
    attributes: dict[str, Attribute] = {}
    signals: list[CopiedSignal] = []
    frames: list[CopiedFrame] = []
    dropped: int = 0
    records: list[tuple[int, int, str, int, dict[str, Any]]] = []


def copy_of(
    stored: Stored,
    history: HistoryPart,
    signals: Iterable[SignalReceived],
    variables: Mapping[str, Mapping[str, Document]],
) -> Copy:
    """A copy; `variables` are those of each frame, by its id."""
    run = stored.execution
    return Copy(
        id=run.id,
        version=run.version,
        status=run.status,
        started_ms=run.started_ms,
        stopped_ms=stored.stopped_ms,
        input=_text(run.input) or "{}",
        output=_text(run.output),
        error=run.error,
        cause=run.cause,
        parent=run.parent,
        depth=run.depth,
        names=run.names,
        alias=run.alias,
        published=run.published,
        revision=run.revision,
        redrives=run.operated.redrives,
        attributes=dict(run.attributes),
        signals=[
            CopiedSignal(s.name, s.id, s.payload.text.decode(), s.at_ms, s.ttl_ms) for s in signals
        ],
        frames=[_frame(f, variables) for f in run.frames.values() if f is not None]
        if run.status == "RUNNING"
        else [],
        dropped=history.dropped,
        records=[(r.id, r.previous, r.type, r.at_ms, _told(r.details)) for r in history.records],
    )


def _frame(frame: Frame, variables: Mapping[str, Mapping[str, Document]]) -> CopiedFrame:
    told = {name: value.text.decode() for name, value in variables.get(frame.id, {}).items()}
    waits = str(frame.hold.__struct_config__.tag)
    return CopiedFrame(frame.id, frame.state, waits, frame.input.text.decode(), told)


def _text(document: Document | None) -> str | None:
    return None if document is None else document.text.decode()


def _told(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details as JSON: a document is {"json": its text}, an object of documents {"each": ...}."""
    told: dict[str, Any] = {}
    for name, value in details.items():
        if isinstance(value, Document):
            told[name] = {"json": value.text.decode()}
        else:
            told[name] = {"each": _told(value)} if isinstance(value, dict) else value
    return told


def line(copy: Copy) -> bytes:
    return _encoder.encode(copy)


def read_copy(text: bytes) -> Copy:
    """The copy that a line holds. Raises InvalidDocument for what is none."""
    try:
        copy = _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidDocument(f"not a copy of an execution: {error}") from None
    numbers = [record[0] for record in copy.records]
    if numbers != list(range(copy.dropped + 1, copy.dropped + 1 + len(numbers))) or not numbers:
        raise InvalidDocument("the records are not numbered without a gap")
    return copy


def records_of(copy: Copy) -> list[Record]:
    """Its history. Raises InvalidDocument for details that no record has."""
    return [
        Record(number, previous, kind, at_ms, _details(told))
        for number, previous, kind, at_ms, told in copy.records
    ]


def _details(told: Mapping[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = {}
    for name, value in told.items():
        match value:
            case {"json": str() as text, **rest} if not rest:
                details[name] = Document.parse(text)
            case {"each": dict() as each, **rest} if not rest:
                details[name] = _details(each)
            case dict() | list():
                raise InvalidDocument(f"the detail {name} is not one of a record")
            case _:
                details[name] = value
    return details


def weight(records: Sequence[Record]) -> int:
    """About how many bytes records take in a copy."""
    return sum(
        100 + sum(len(v.text) if isinstance(v, Document) else 20 for v in record.details.values())
        for record in records
    )


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Copy)
