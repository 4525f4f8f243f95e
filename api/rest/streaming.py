"""Answers that go on: server-sent events, written as fast as their reader takes them.

https://html.spec.whatwg.org/multipage/server-sent-events.html. A stream holds one page of what it tells at a time; the
next is read when the reader has taken the one before. It has its place among the requests that wait, and ends at once
where the server stops: whoever follows comes back, to another process, with the id of the last event it has seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Send

from api.rest.encode import encode
from api.rest.receive import ClientGone, Headers, Stopping, Waits, header
from engine.errors import InvalidRequest

_log = logging.getLogger("detent.api")

EVENT_STREAM = b"text/event-stream"
KEEP_ALIVE_MS = 15_000  # shorter than the 30 s and 60 s after which proxies cut what is silent
SEND_SECONDS = 60.0  # a reader that takes nothing for so long is cut off, and may come back
END_SECONDS = 1.0  # for the last bytes of a stream that the server ends
RETRY_MS = 1000  # until a browser connects again
ID_CHARACTERS_MAX = 128

# What a stream begins with: the head leaves at once, and browsers learn how soon to come back.
OPENING = b"retry: %d\n\n" % RETRY_MS
KEEP_ALIVE = b": still here\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """An answer of server-sent events. What raises before the first of `chunks` is answered as a problem."""

    chunks: AsyncGenerator[bytes, None]


def event(kind: str, value: Any, identifier: str | None = None) -> bytes:
    """One event: `value` as JSON, under the id that its reader comes back with."""
    lines = [] if identifier is None else [b"id: " + identifier.encode()]
    lines.append(b"event: " + kind.encode())
    # JSON that a caller wrote may hold line breaks between its tokens; each line is a field of its own.
    lines += [b"data: " + line for line in encode(value).splitlines()]
    return b"\n".join(lines) + b"\n\n"


def last_event_id(headers: Headers) -> str | None:
    """The id of the last event that a reader has seen which comes back; None for one that comes first.

    Raises InvalidRequest for what cannot be an id of ours.
    """
    given = header(headers, b"last-event-id")
    if given is None or not given:
        return None
    if len(given) > ID_CHARACTERS_MAX or not given.isascii():
        raise InvalidRequest(detail="Last-Event-ID is not the id of an event of this stream")
    return given.decode()


async def send_stream(
    waits: Waits, receive: Receive, send: Send, answer: Streamed, *, is_head: bool
) -> None:
    """Write the events until they end, their reader goes away, or the server stops.

    Raises whatever comes before the first event, QuotaExceeded where too many wait already; ClientGone at any time.
    """
    writer = _Writer(send)
    async with contextlib.aclosing(answer.chunks) as chunks:
        if is_head:
            await anext(chunks)
            await writer.begin()
        else:
            try:
                await waits.hold(receive, writer.write_all(chunks))
            except Stopping:
                await writer.begin()
            except ClientGone:
                raise
            except Exception as error:
                if not writer.begun:
                    raise
                # Too late for a problem. What stops without `end` has not ended; its reader comes back.
                _log.warning("a stream of events stopped: %s", error)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            await send({"type": "http.response.body", "body": b""})


class _Writer:
    """Writes a response's chunks. `begun`: its status has been sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def begin(self) -> None:
        if self.begun:
            return
        self.begun = True
        # The second header keeps nginx from collecting events before it passes them on.
        headers = [(b"content-type", EVENT_STREAM), (b"x-accel-buffering", b"no")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def write_all(self, chunks: AsyncGenerator[bytes, None]) -> None:
        async for chunk in chunks:
            await self.begin()
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    # Returns once the connection's buffer has room: a slow reader slows the reading of its history.
                    await self._send(
                        {"type": "http.response.body", "body": chunk, "more_body": True}
                    )
            except TimeoutError:
                raise ClientGone from None
