"""Reading a request while it arrives: its size, its pace, its type, and whether its sender is still there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from starlette.types import Receive

from api.errors import RequestTimeout, UnsupportedMediaType
from engine.errors import InvalidRequest, PayloadTooLarge, QuotaExceeded

RECEIVE_SECONDS = 30.0  # for a whole body; a sender that drips holds a socket no longer than this
DISCARD_FACTOR = (
    4  # limits' worth of a body too large that is read and dropped before it is refused
)
DISCARD_SECONDS = 2.0
WAITS_MAX = (
    5_000  # requests that wait at once, per process; each holds a socket and a few kilobytes
)
POLLERS_MAX = 1_000  # of them on one queue; as AWS Step Functions per activity

T = TypeVar("T")
Headers = Iterable[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The connection closed while its request was read or performed; nobody hears an answer."""


class Stopping(Exception):
    """The server is stopping: whoever waits is to be answered with what there is."""


def header(headers: Headers, name: bytes) -> bytes | None:
    """The value of a header, None where it is absent. Raises InvalidRequest where it comes twice."""
    found = [value for key, value in headers if key == name]
    if len(found) > 1:
        raise InvalidRequest(detail=f"the header {name.decode()} is given more than once")
    return found[0] if found else None


def media_type(headers: Headers) -> str | None:
    """The type of the body, lower case, without parameters. Raises UnsupportedMediaType for anything but plain UTF-8."""
    encoding = header(headers, b"content-encoding")
    if encoding not in {None, b"identity"}:
        raise UnsupportedMediaType(detail="compressed bodies are not read; send it as it is")
    value = header(headers, b"content-type")
    if value is None:
        return None
    kind, *parameters = value.decode("latin-1").lower().split(";")
    for parameter in parameters:
        key, _, charset = parameter.strip().partition("=")
        if key == "charset" and charset.strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaType(detail="the charset must be utf-8")
    return kind.strip()


async def read_all(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises PayloadTooLarge as soon as it is known to exceed `limit` bytes, RequestTimeout, ClientGone."""
    length = header(headers, b"content-length")
    if length is not None and length.isdigit() and int(length) > limit:
        if header(headers, b"expect") is None:
            await _discard(receive, limit)
        raise _too_large(limit)
    try:
        async with asyncio.timeout(RECEIVE_SECONDS):
            return await _chunks(receive, limit)
    except TimeoutError:
        raise RequestTimeout(detail=f"it must arrive within {RECEIVE_SECONDS:g} s") from None


async def _chunks(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            await _discard(receive, limit)
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _discard(receive: Receive, limit: int) -> None:
    """Read on for a while and keep nothing.

    A connection that is closed with something unread is reset, and most senders then never see the refusal.
    """
    left = limit * DISCARD_FACTOR
    more = True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while more and left > 0:
                message = await receive()
                more = message.get("more_body", False)
                left -= len(message.get("body", b""))


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(detail=f"the body has more than {limit:,} bytes", limit_bytes=limit)


class Waits:
    """Who is waiting in this process, and the word that ends all waiting."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self._waiting = 0
        self._pollers: dict[str, int] = {}

    async def hold(self, receive: Receive, work: Coroutine[Any, Any, T], queue: str = "") -> T:
        """Await `work`; end it at once when the client goes away or the server stops.

        Raises ClientGone, Stopping, or QuotaExceeded where too many wait already; `work` is then cancelled, or was
        never begun.
        """
        self._admit(work, queue)
        try:
            return await self._race(receive, work)
        finally:
            self._leave(queue)

    async def _race(self, receive: Receive, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(_disconnected(receive))
        stop = asyncio.ensure_future(self.stopping.wait())
        everyone = (task, gone, stop)
        try:
            await asyncio.wait(everyone, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise ClientGone if gone.done() else Stopping
        finally:
            for one in everyone:
                one.cancel()
            await asyncio.gather(*everyone, return_exceptions=True)

    def _admit(self, work: Coroutine[Any, Any, T], queue: str) -> None:
        limits = [(self._waiting, WAITS_MAX, "waiting requests")]
        if queue:
            limits.append((self._pollers.get(queue, 0), POLLERS_MAX, "pollers of a queue"))
        for count, limit, what in limits:
            if count >= limit:
                work.close()
                raise QuotaExceeded(detail=f"{limit:,} {what} per process", limit=limit)
        self._waiting += 1
        if queue:
            self._pollers[queue] = self._pollers.get(queue, 0) + 1

    def _leave(self, queue: str) -> None:
        self._waiting -= 1
        if queue and self._pollers[queue] > 1:
            self._pollers[queue] -= 1
        elif queue:
            del self._pollers[queue]


async def is_gone(receive: Receive) -> bool:
    """Whether the client has closed its connection, as far as is known by now. Of a request whose body was read."""
    try:
        async with asyncio.timeout(0):
            await _disconnected(receive)
    except TimeoutError:
        return False
    return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
