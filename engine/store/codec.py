"""Values to bytes and back.

Everything packed opens with the format's version (one byte), so that an engine can refuse what a newer one wrote
and rewrite what an older one did. Documents cross as their JSON text, never parsed.
A frame, a value, a record or a task's row may refer to payloads in place of large documents (see referring.py).
Hash fields of an execution: `s` what never changes (packed Static), `m` what a commit may change (packed Meta),
`f:<frame>` one packed Frame each; `input`, `output` JSON text; `ready` frame ids with spaces between, for scripts.
Of one that another started: `key` tells which start it was, `tell` maps keys to the errands due at its end (msgpack).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import msgpack
import msgspec
from msgspec import Struct, structs

from engine.arns import Origin
from engine.core import orders
from engine.core.effects import Record
from engine.core.events import (
    DeadlineReached,
    MigrateRequested,
    SignalReceived,
    StopRequested,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from engine.core.execution import (
    UNTOUCHED,
    Attribute,
    Buffer,
    Closing,
    Enter,
    Execution,
    Frame,
    Moving,
    Names,
    Operated,
    Started,
    Status,
)
from engine.documents import Document
from engine.errors import StoreRefused
from engine.store.bounds.referring import (
    NO_PAYLOADS,
    Packer,
    Payloads,
    decoder,
    find,
    referred,
    rest,
)
from engine.store.maps.child import MapChild

FORMAT = b"\x01"

T = TypeVar("T")

StoredEvent = (
    TaskSucceeded
    | TaskSubmitted
    | TaskFailed
    | TimerFired
    | SignalReceived
    | StopRequested
    | DeadlineReached
    | MigrateRequested
    | orders.PauseRequested
    | orders.ResumeRequested
    | orders.ReleaseRequested
    | orders.CancelRequested
    | orders.TerminateRequested
    | orders.RetryRequested
    | orders.SkipRequested
    | orders.GotoRequested
    | orders.DataSet
    | orders.VariablesSet
    | orders.RedriveRequested
)


class Static(Struct, frozen=True, array_like=True):
    """What an execution is born with."""

    id: str
    definition: str
    name: str
    seed: bytes
    parent: str = ""  # the execution that started it
    depth: int = 0  # executions above it
    alias: str = ""  # of the definition, by which its version was chosen
    names: Names | None = None  # what it is called where it is known by ARNs
    published: int = 0  # number of the published version that it was started by; 0 for none
    child: MapChild | None = None  # of a Map Run, which one it is


def born(
    identifier: str,
    origin: Origin | None = None,
    *,
    parent: str = "",
    depth: int = 0,
    alias: str = "",
) -> Static:
    """What an execution of this id is born with. Where it has an `origin`, it goes by ARNs."""
    definition, _, name = identifier.partition(":")
    static = Static(identifier, definition, name, secrets.token_bytes(16), parent, depth, alias)
    if origin is None:
        return static
    return structs.replace(static, names=origin.names(identifier), published=origin.published)


def static_of(run: Execution) -> Static:
    """What a run was born with."""
    return Static(
        run.id, run.definition, run.name, run.seed, run.parent, run.depth, run.alias, run.names,
        run.published,
    )  # fmt: skip


class Meta(Struct, frozen=True, array_like=True):
    """What transitions change, beside the fields that scripts read."""

    last_record: int = 0
    last_ms: int = 0
    signals: dict[str, Buffer] = {}
    closing: Closing | None = None
    error: str | None = None
    cause: str | None = None
    resting: str = ""  # the state whose index holds the execution
    variables_bytes: int = 0
    moving: Moving | None = None
    attributes: dict[str, Attribute] = {}
    operated: Operated | None = None
    dropped: int = 0  # records taken off the front of the history; ids go on counting
    refers: bool = False  # something of the execution refers, or did, to a payload


class Fate(Struct, frozen=True, array_like=True):
    """What has become of a signal. One that is `accepted` may have expired, or been left over, without anybody having looked."""

    name: str
    ttl_ms: int | None = None
    status: Literal["accepted", "consumed", "expired"] = "accepted"
    record: int = 0  # id of the record that tells of it
    at_ms: int = 0
    state: str = ""


class TaskRow(Struct, frozen=True, array_like=True):
    """A task as it waits in its queue."""

    queue: str
    execution: str
    definition: str
    state: str
    frame: str
    revision: int
    attempt: int
    input: Document
    idempotency_key: str
    uri: str
    scheduled_ms: int
    timeout_ms: int | None = None
    heartbeat_ms: int | None = None
    callback: bool = False


def _encode_document(value: Any) -> Any:
    if isinstance(value, Document):
        return value.text
    raise TypeError(type(value).__name__)


def _decode_document(kind: type, value: Any) -> Any:
    if kind is Document:
        return Document.from_text(value)
    raise TypeError(kind.__name__)


_envelope = msgpack.Packer(use_bin_type=False)
_encoder = msgspec.msgpack.Encoder(enc_hook=_encode_document)
_frames = msgspec.msgpack.Decoder(Frame, dec_hook=_decode_document)
_metas = msgspec.msgpack.Decoder(Meta, dec_hook=_decode_document)
_statics = msgspec.msgpack.Decoder(Static)
_fates = msgspec.msgpack.Decoder(Fate)
_rows = msgspec.msgpack.Decoder(TaskRow, dec_hook=_decode_document)
_records = msgspec.msgpack.Decoder(tuple[int, int, str, int, dict[str, Any]])
_events = msgspec.msgpack.Decoder(StoredEvent, dec_hook=_decode_document)


def pack(value: Any) -> bytes:
    """A value with the format's version before it."""
    return FORMAT + _encoder.encode(value)


def packer(inline_max: int) -> Packer:
    """Packs what one commit writes; documents of more than `inline_max` bytes become references."""
    return Packer(inline_max, FORMAT)


def pack_envelope(body: dict[str, Any]) -> bytes:
    """A script's arguments in one, for cmsgpack. It knows no bin type: bytes cross as the older raw type."""
    packed: bytes = _envelope.pack(body)
    return packed


def _body(data: bytes) -> memoryview:
    if data[:1] != FORMAT:
        raise StoreRefused(
            f"the data has format {data[:1]!r}, this engine reads {FORMAT!r}; upgrade the engine"
        )
    return memoryview(data)[1:]


def contents(data: bytes) -> memoryview:
    """What `pack` was given, as MessagePack. Raises StoreRefused for another format."""
    return _body(data)


def unpack_frame(data: bytes, payloads: Payloads = NO_PAYLOADS) -> Frame:
    if referred(data):
        return decoder(Frame, payloads).decode(rest(data))
    return _frames.decode(_body(data))


def unpack_meta(data: bytes) -> Meta:
    return _metas.decode(_body(data)) if data else Meta()


def unpack_static(data: bytes) -> Static:
    return _statics.decode(_body(data))


def unpack_fate(data: bytes) -> Fate:
    return _fates.decode(_body(data))


def unpack_row(data: bytes, payloads: Payloads = NO_PAYLOADS) -> TaskRow:
    if referred(data):
        return decoder(TaskRow, payloads).decode(rest(data))
    return _rows.decode(_body(data))


def unpack_value(data: bytes, payloads: Payloads = NO_PAYLOADS) -> Document:
    """One of an execution's values."""
    names = referred(data)
    return find(names[0], payloads) if names else Document.from_text(data)


def unpack_record(data: bytes, payloads: Payloads = NO_PAYLOADS) -> Record:
    """A history record. Byte strings among its details are JSON text and come back as Documents."""
    body = rest(data) if referred(data) else _body(data)
    number, previous, kind, at_ms, details = _records.decode(body)
    return Record(number, previous, kind, at_ms, _documents(details, payloads))


def _documents(details: dict[str, Any], payloads: Payloads) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in details.items():
        if isinstance(value, bytes):
            shown[key] = Document.from_text(value)
        elif isinstance(value, msgspec.msgpack.Ext):
            shown[key] = find(bytes(value.data), payloads)
        else:
            shown[key] = _documents(value, payloads) if isinstance(value, dict) else value
    return shown


def read_or_none(unpack: Callable[[bytes], T], data: bytes) -> T | None:
    """What the bytes hold, or None where they cannot be read."""
    try:
        return unpack(data)
    except Exception:
        return None


def pack_entry(frame: str, event: StoredEvent, started: Started | None = None) -> bytes:
    """An inbox entry, for scripts that add no lease to it themselves."""
    since = str(started.at_ms) if started else ""
    worker = started.worker if started else ""
    return b"%b|%b|%b|%b" % (frame.encode(), since.encode(), worker.encode(), pack(event))


def unpack_lease(lease: bytes | None) -> Started | None:
    """Since when a task is held, and by whom; None for one that nobody holds."""
    if lease is None:
        return None
    _, since, _, worker = lease.split(b"|", 3)
    return Started(int(since), worker.decode())


def unpack_entry(entry: bytes) -> StoredEvent:
    """The event of an inbox entry, with the lease, or a signal's moment, that the script wrote before it."""
    _, since, worker, packed = entry.split(b"|", 3)
    event: StoredEvent = _events.decode(_body(packed))
    if since and isinstance(event, TaskSucceeded | TaskSubmitted | TaskFailed | TimerFired):
        event = structs.replace(event, started=Started(int(since), worker.decode()))
    if since and isinstance(event, SignalReceived):
        event = structs.replace(event, at_ms=int(since))
    return event


def meta_of(execution: Execution, resting: str, *, dropped: int = 0, refers: bool = False) -> Meta:
    return Meta(
        execution.last_record,
        execution.last_ms,
        dict(execution.signals),
        execution.closing,
        execution.error,
        execution.cause,
        resting,
        execution.variables_bytes,
        execution.moving,
        dict(execution.attributes),
        execution.operated if execution.operated is not UNTOUCHED else None,
        dropped=dropped,
        refers=refers,
    )


def execution_of(
    static: Static,
    meta: Meta,
    frames: Mapping[str, Frame],
    *,
    version: int,
    revision: int,
    started_ms: int,
    ready: str,
    status: Status = "RUNNING",
) -> Execution:
    """Put an execution together from the fields of its hash."""
    return Execution(
        id=static.id,
        definition=static.definition,
        name=static.name,
        version=version,
        seed=static.seed,
        started_ms=started_ms,
        status=status,
        revision=revision,
        last_record=meta.last_record,
        last_ms=meta.last_ms,
        ready=tuple(ready.split()),
        signals=meta.signals,
        closing=meta.closing,
        error=meta.error,
        cause=meta.cause,
        variables_bytes=meta.variables_bytes,
        moving=meta.moving,
        parent=static.parent,
        depth=static.depth,
        alias=static.alias,
        names=static.names,
        published=static.published,
        frames=frames,
        attributes=meta.attributes,
        redrives=meta.operated.redrives if meta.operated else 0,
        operated=meta.operated or UNTOUCHED,
    )


def with_values(execution: Execution, values: Mapping[str, Document | None]) -> Execution:
    return structs.replace(execution, values=values)


ENTER = Enter()  # the hold every execution is born with
