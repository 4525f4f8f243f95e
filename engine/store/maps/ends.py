"""How a child ended, as its closing commit notes it for the Map Run: bytes and back.

An entry is the length of what is packed, ":", what is packed, and the child's input where the run wants it, which the
script adds: so that no commit has to read the input, and no driver the child.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, msgpack, structs

from engine.core.execution import Execution
from engine.store.maps.child import MapChild

EndStatus = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


class Ended(Struct, frozen=True, array_like=True):
    """How one child ended. `output` and `given` are JSON text; `given` is its input, "" where it was not asked for.

    A child that could not be started at all has no `started_ms`.
    """

    index: int
    items: int
    status: EndStatus
    started_ms: int | None
    stopped_ms: int
    output: bytes | None = None
    error: str | None = None
    cause: str | None = None
    redrives: int = 0
    given: bytes = b""


_encoder = msgpack.Encoder()
_decoder = msgpack.Decoder(Ended)


def pack(ended: Ended) -> bytes:
    """As it is kept among the results of a run."""
    return _encoder.encode(ended)


def unpack(data: bytes) -> Ended:
    return _decoder.decode(data)


def entry_of(child: MapChild, run: Execution) -> bytes:
    """What the closing commit of a child notes; the script adds the input."""
    assert run.status != "RUNNING"
    packed = pack(
        Ended(
            child.index,
            child.items,
            run.status,
            run.started_ms,
            run.last_ms,
            run.output.text if run.output is not None else None,
            run.error,
            run.cause,
            run.redrives or 0,
        )
    )
    return b"%d:%b" % (len(packed), packed)


def read_entry(entry: bytes) -> Ended:
    """The end that an entry tells of, with the input."""
    length, _, rest = entry.partition(b":")
    size = int(length)
    ended = unpack(rest[:size])
    if len(rest) == size:
        return ended
    return structs.replace(ended, given=rest[size:])
