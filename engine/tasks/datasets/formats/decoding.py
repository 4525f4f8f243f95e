"""From the bytes of an object to those of its content: decompressed, and in lines."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO, cast

import zstandard

from engine.tasks.datasets.faults import DatasetFault, ItemReaderFailed
from engine.tasks.datasets.formats.entries import ENTRY_BYTES_MAX

# What reading can raise because of the bytes that are there.
UNREADABLE = (zlib.error, gzip.BadGzipFile, EOFError, zstandard.ZstdError, UnicodeDecodeError)

# No text begins like this, so neither the object's name nor its Content-Encoding need be believed.
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


def content(file: BinaryIO) -> BufferedReader:
    """The content, decompressed where it is gzip or zstd, after its byte order mark if there is one."""
    reader = cast("BufferedReader", file)
    head = reader.peek(4)
    if head.startswith(_GZIP):
        reader = BufferedReader(gzip.GzipFile(fileobj=reader))
    elif head.startswith(_ZSTD):
        unpacking = zstandard.ZstdDecompressor().stream_reader(reader, read_across_frames=True)
        reader = BufferedReader(unpacking)
    if reader.peek(3).startswith(codecs.BOM_UTF8):
        reader.read(3)
    return reader


def lines(reader: BufferedReader) -> Iterator[bytes]:
    """The lines, with their ends. Raises ItemReaderFailed for one that is longer than an entry may be."""
    while line := reader.readline(ENTRY_BYTES_MAX + 1):
        if len(line) > ENTRY_BYTES_MAX:
            raise ItemReaderFailed(f"A line is longer than {ENTRY_BYTES_MAX} bytes")
        yield line


def unreadable(error: BaseException, shown: str) -> ItemReaderFailed:
    """What reading an object raised, as a failure of the reader."""
    cause = error.cause if isinstance(error, DatasetFault) else f"{shown} cannot be read: {error}"
    return ItemReaderFailed(cause)
