"""One open connection to Redis: bytes go out, and the replies of each arrival come in together.

redis-py connects: it resolves the URL's options, does TLS, AUTH and SELECT. From then on its transport is read here, by
hiredis and without a task: all replies that came in one piece are handed over in one call, which costs half of what
waiting for them one by one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import hiredis
from redis._parsers.base import BaseParser
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import InvalidResponse

_INCOMPLETE = object()


class Wire(asyncio.Protocol):
    """Reads and writes an open connection until it is lost.

    `take(replies)`: these have arrived, oldest first; an error that Redis answered with is a RedisError among them.
    `ready()`: the transport has room again after a pause. Neither is called once `lost` is done.
    """

    def __init__(self, take: Callable[[list[Any]], None], ready: Callable[[], None]) -> None:
        self._take = take
        self._ready = ready
        self._reader = hiredis.Reader(
            protocolError=InvalidResponse,
            replyError=BaseParser.parse_error,
            notEnoughData=_INCOMPLETE,
        )
        self._transport: asyncio.Transport | None = None
        self._connection: AbstractConnection | None = None
        self._paused = False
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def take_over(self, connection: AbstractConnection) -> None:
        """Read and write what redis-py has connected; every reply that was due to it must have been read.

        Raises ConnectionError where the server has hung up meanwhile.
        """
        # redis-py has no public way to hand its transport over.
        reader, writer = connection._reader, connection._writer  # noqa: SLF001
        if reader is None or writer is None or reader.at_eof():
            raise ConnectionError("Redis closed the connection")
        self._connection = connection  # whose writer would close the transport with its own end
        self._transport = cast("asyncio.Transport", writer.transport)
        self._transport.set_protocol(self)

    @property
    def writable(self) -> bool:
        transport = self._transport
        return transport is not None and not self._paused and not transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send what `writable` permits to; more than the system takes at once is kept and sent on."""
        assert self._transport is not None
        self._transport.write(data)

    def end(self, reason: str) -> None:
        """Drop the connection, and what was not sent of it."""
        if self._transport is not None:
            self._transport.abort()
        self._lose(reason)

    def data_received(self, data: bytes) -> None:
        reader, replies = self._reader, []
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _INCOMPLETE:
                replies.append(reply)
        except InvalidResponse as error:
            self.end(f"what came is no Redis reply: {error}")
            return
        if replies and not self.lost.done():
            self._take(replies)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if not self.lost.done():
            self._ready()

    def connection_lost(self, error: Exception | None) -> None:
        self._lose(str(error) if error is not None else "Redis closed the connection")

    def _lose(self, reason: str) -> None:
        self._transport = None
        if not self.lost.done():
            self.lost.set_result(reason)
