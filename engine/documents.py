"""A JSON document that is decoded and encoded at most once, and only when someone asks.

An execution's data passes through the engine mostly unread: it arrives as text, is stored as text and leaves
as text. `Document` keeps whichever form it was made from and computes the other on first use, so that a frame
loaded from Redis and written back costs no parsing.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from engine.errors import InvalidDocument

DEPTH_MAX = 100  # containers inside one another; deeper text is refused at the door.
DIGEST_BYTES = 16  # too many for two texts to share a digest by chance

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


class Document:
    """One JSON value. Treat both `value` and `text` as immutable."""

    __slots__ = ("__weakref__", "_digest", "_text", "_value")
    _digest: bytes | None
    _text: bytes | None
    _value: Any

    def __init__(
        self, value: Any = None, *, text: bytes | None = None, digest: bytes | None = None
    ) -> None:
        self._value = value
        self._text = text
        self._digest = digest

    @classmethod
    def of(cls, value: Any) -> Document:
        """Wrap a JSON value (dict, list, str, int, float, bool, None)."""
        return cls(value)

    @classmethod
    def from_text(cls, text: bytes) -> Document:
        """Wrap UTF-8 JSON text that is known to be well-formed; it is decoded on first use of `value`."""
        return cls(_UNREAD, text=text)

    @classmethod
    def known(cls, text: bytes, digest: bytes) -> Document:
        """As `from_text`, with the text's digest where that is known."""
        return cls(_UNREAD, text=text, digest=digest)

    @classmethod
    def absent(cls) -> Document:
        """Stands for a document that was not read; neither its text nor its value can be had."""
        return cls(_UNREAD)

    @classmethod
    def parse(cls, text: bytes | str) -> Document:
        """Check and wrap text from outside. Keeps the caller's own white space.

        Raises InvalidDocument for malformed JSON, NaN or Infinity, numbers outside a double, lone surrogates
        and nesting deeper than `DEPTH_MAX`.
        """
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        try:
            value = _decoder.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise InvalidDocument(detail=str(error)) from None
        if _deeper_than(value, DEPTH_MAX):
            raise InvalidDocument(detail=f"nesting is deeper than {DEPTH_MAX} levels")
        return cls(value, text=data)

    @property
    def value(self) -> Any:
        """The JSON value; integers are exact whatever their size."""
        if self._value is _UNREAD:
            assert self._text is not None
            self._value = _decoder.decode(self._text)
        return self._value

    @property
    def text(self) -> bytes:
        """UTF-8 JSON: the original text where there was one, else compact with key order kept."""
        if self._text is None:
            self._text = _encoder.encode(self._value)
        return self._text

    @property
    def digest(self) -> bytes:
        """BLAKE2b of the text, `DIGEST_BYTES` long: the same text has the same digest, worked out once."""
        if self._digest is None:
            self._digest = hashlib.blake2b(self.text, digest_size=DIGEST_BYTES).digest()
        return self._digest

    def exceeds(self, size: int) -> bool:
        """Whether the text is longer than `size` bytes.

        A value whose parts share one another can be far smaller in memory than written out; it is not written to tell.
        """
        if self._text is None and least_size(self._value, size) > size:
            return True
        return len(self.text) > size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return Document.from_text, (self.text,)

    def __repr__(self) -> str:
        return f"Document({self.text.decode('utf-8', 'replace')})"


class _Unread:
    """Marks a value that has not been decoded yet; None is a JSON value and cannot."""


_UNREAD = _Unread()


def least_size(value: Any, most: int) -> int:
    """Bytes that the value's JSON text has at the least; counts no further than a little beyond `most`."""
    size = 0
    waiting = [value]
    while waiting and size <= most:
        node = waiting.pop()
        if node.__class__ is str:
            size += len(node) + 2
        elif node.__class__ is dict:
            size += sum(map(len, node)) + 4 * len(node) + 1  # "key":value, and the braces
            waiting.extend(node.values())
        elif node.__class__ is list:
            size += len(node) + 1
            waiting.extend(node)
        else:
            size += 1
    return size


def _deeper_than(value: Any, limit: int) -> bool:
    """Whether containers nest more than `limit` levels; iterative, so that no input exhausts the stack."""
    level = [value]
    depth = 0
    while level:
        level = [
            child
            for container in level
            if isinstance(container, dict | list)
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, dict | list)
        ]
        depth += 1
        if depth > limit:
            return True
    return False


EMPTY_OBJECT = Document.from_text(b"{}")
NULL = Document.from_text(b"null")
EMPTY_ARRAY = Document.from_text(b"[]")
