"""Referring to payloads: documents too large to be written again at each transition.

A payload is stored once for its execution, by name, which is its text's digest. What holds it (a frame, a value, a
record, a task's row) holds a reference instead, and opens with byte 2, the number of its references in two bytes, and
their names: so scripts can count references without reading what follows. What has none opens with the format's version,
as anything packed, or is JSON text. Nothing above the store knows of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from engine.documents import DIGEST_BYTES, Document

T = TypeVar("T")
Payloads = Mapping[bytes, Document]  # by name

REFERRING = b"\x02"
NO_PAYLOADS: Payloads = {}  # nobody will look into large documents
_ABSENT = Document.absent()
_REFERENCE = 1  # msgpack's extension type of a reference


# Of a document in the frame of a Map or Parallel: with more, an item would cost more the more items are beside it.
FORK_INLINE_BYTES_MAX = 512


class PayloadGone(Exception):
    """A payload that something refers to is not there (any more)."""


class Packer:
    """Packs what may refer to payloads: documents of more than `inline_max` bytes are left out and noted."""

    def __init__(self, inline_max: int, opening: bytes) -> None:
        self._opening = opening  # of what refers to nothing
        self._inline_max = self._most = inline_max  # the second for what is being packed
        self._encode = msgspec.msgpack.Encoder(enc_hook=self._document).encode
        self._names: list[bytes] = []
        self.payloads: dict[bytes, Document] = {}  # of everything packed since `begin`, by name

    def begin(self) -> Packer:
        """Itself, with nothing packed."""
        self._names, self.payloads = [], {}
        return self

    def pack(self, value: Any, *, is_fork: bool = False) -> bytes:
        """`is_fork`: a frame that is written again whenever one of its children ends, and so keeps less in line."""
        self._most = min(FORK_INLINE_BYTES_MAX, self._inline_max) if is_fork else self._inline_max
        body = self._encode(value)
        if not self._names:
            return self._opening + body
        names, self._names = self._names, []
        return _opening(names) + body

    def value(self, document: Document) -> bytes:
        """A document by itself, as the values of an execution are kept: its text, or a reference alone."""
        if len(document.text) <= self._inline_max:
            return document.text
        return _opening([self._refer(document)])

    def _document(self, value: Any) -> Any:
        if not isinstance(value, Document):
            raise TypeError(type(value).__name__)
        text = value.text
        if len(text) <= self._most:
            return text
        self._names.append(self._refer(value))
        return msgspec.msgpack.Ext(_REFERENCE, value.digest)

    def _refer(self, document: Document) -> bytes:
        self.payloads[document.digest] = document
        return document.digest


def _opening(names: list[bytes]) -> bytes:
    return REFERRING + len(names).to_bytes(2) + b"".join(names)


def referred(data: bytes) -> list[bytes]:
    """The names of the payloads that a stored frame, value, record or row refers to."""
    if data[:1] != REFERRING:
        return []
    return [data[at : at + DIGEST_BYTES] for at in range(3, _body_start(data), DIGEST_BYTES)]


def _body_start(data: bytes) -> int:
    return 3 + DIGEST_BYTES * int.from_bytes(data[1:3])


def decoder(kind: type[T], payloads: Payloads) -> msgspec.msgpack.Decoder[T]:
    def document(_kind: type, value: Any) -> Any:
        if isinstance(value, msgspec.msgpack.Ext):
            return find(bytes(value.data), payloads)
        return Document.from_text(value)

    return msgspec.msgpack.Decoder(kind, dec_hook=document)


def find(name: bytes, payloads: Payloads) -> Document:
    """The payload, or where nobody asked for payloads a document that must not be looked into."""
    if payloads is NO_PAYLOADS:
        return _ABSENT
    document = payloads.get(name)
    if document is None:
        raise PayloadGone(name.hex())
    return document


def rest(data: bytes) -> memoryview:
    return memoryview(data)[_body_start(data) :]
