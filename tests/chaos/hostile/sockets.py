"""Requests that no client sends: over every limit, without end, or a byte at a time; spoken on bare connections."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

CHUNK = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
BYTES_MAX = 64 * 1024 * 1024  # what a sender is let send before it counts as unbounded
END_SECONDS = 20.0
JSON_TYPE = "Content-Type: application/json"


@dataclass(frozen=True)
class Ended:
    """How the server ended it: a status, or 0 where it closed the connection; None where it did neither in time."""

    status: int | None
    seconds: float
    sent: int


def _head(*lines: str, path: str = "/v1/definitions/size", method: str = "PUT") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def _endless(first: bytes, again: bytes) -> Iterator[bytes]:
    yield first
    while True:
        yield again


def senders() -> dict[str, Callable[[], Iterator[bytes]]]:
    """Name to what is sent, piece by piece, until the server answers or closes."""
    chunked = _head(JSON_TYPE, "Transfer-Encoding: chunked")
    zipped = gzip.compress(b"[" * 50_000_000, 9)
    packed = _head(JSON_TYPE, "Content-Encoding: gzip", f"Content-Length: {len(zipped)}") + zipped
    wire = _head(
        "X-Amz-Target: AWSStepFunctions.StartExecution",
        "Content-Type: application/x-amz-json-1.0",
        "Transfer-Encoding: chunked",
        path="/",
        method="POST",
    )
    return {
        "a body of 10 GB is announced": lambda: iter([_head(JSON_TYPE, "Content-Length: 10000000000")]),
        "a body of 2 MB": lambda: iter([_head(JSON_TYPE, "Content-Length: 2000000") + b"1" * 2_000_000]),
        "a body in chunks without end": lambda: _endless(chunked, CHUNK),
        "a body in chunks without end, by the wire protocol": lambda: _endless(wire, CHUNK),
        "a body in chunks of one byte": lambda: _endless(chunked, b"1\r\nx\r\n" * 4000),
        "a body that is packed": lambda: iter([packed]),
        "a chunk whose size has no end": lambda: _endless(chunked, b"0" * 65_536),
        "a chunk with an extension without end": lambda: _endless(chunked + b"1;", b"x" * 65_536),
        "trailers without end": lambda: _endless(chunked + b"0\r\n", b"X-T: y\r\n" * 8000),
        "a head without end": lambda: _endless(b"PUT / HTTP/1.1\r\n", b"X-A: b\r\n" * 8000),
        "a header without end": lambda: _endless(b"PUT / HTTP/1.1\r\nX-A: ", b"x" * 65_536),
        "a path without end": lambda: _endless(b"GET /", b"x" * 65_536),
        "a header of 1 MB": lambda: iter([_head("X-A: " + "x" * 1_000_000, "Content-Length: 0")]),
        "100,000 headers": lambda: iter([_head(*["X-A: b"] * 100_000, "Content-Length: 0")]),
        "a length that is no number": lambda: iter([_head("Content-Length: 9" + "9" * 5000)]),
        "two lengths": lambda: iter([_head("Content-Length: 5", "Content-Length: 50") + b"{}"]),
        "no HTTP": lambda: _endless(b"\x16\x03\x01", b"\x00" * 65_536),
    }  # fmt: skip


async def send(port: int, pieces: Iterator[bytes]) -> Ended:
    """Send until the server answers, closes, or `END_SECONDS` are over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent, began = 0, time.perf_counter()
    answer = asyncio.ensure_future(_status(reader))
    try:
        for piece in pieces:
            if answer.done() or sent > BYTES_MAX or time.perf_counter() - began > END_SECONDS:
                break
            writer.write(piece)
            sent += len(piece)
            drain = asyncio.ensure_future(writer.drain())
            await asyncio.wait((answer, drain), return_when="FIRST_COMPLETED", timeout=END_SECONDS)
            drain.cancel()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await drain
        left = max(0.1, END_SECONDS - (time.perf_counter() - began))
        await asyncio.wait((answer,), timeout=left)
        seconds = time.perf_counter() - began
        return Ended(answer.result() if answer.done() else None, seconds, sent)
    finally:
        answer.cancel()
        writer.transport.abort()


async def _status(reader: asyncio.StreamReader) -> int:
    """The status of the answer; 0 where the connection ends without one."""
    try:
        line = await reader.readline()
    except (OSError, ValueError):
        return 0
    words = line.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


async def drip(port: int, *, in_body: bool, every: float = 1.0) -> float:
    """Send a byte a second, of a head or of a body, until the server closes; the seconds until then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.perf_counter()
    writer.write(
        _head(JSON_TYPE, "Content-Length: 1000") if in_body else b"GET /healthz HTTP/1.1\r\nX-A: "
    )
    ended = asyncio.ensure_future(reader.read(1))
    try:
        while not ended.done():
            writer.write(b" ")
            await asyncio.wait((ended,), timeout=every)
        with contextlib.suppress(OSError):
            await ended
        return time.perf_counter() - began
    finally:
        ended.cancel()
        writer.transport.abort()


@contextlib.asynccontextmanager
async def idle(port: int, count: int) -> AsyncIterator[None]:
    """That many connections which say nothing, open for as long as the block."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        yield
    finally:
        for _, writer in opened:
            writer.transport.abort()
