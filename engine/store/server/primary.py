"""Connections to whichever server is the primary of a Sentinel service, dropped as soon as another is.

What a sentinel says is checked with the server itself (ROLE), which may know better already. A connection to a primary
that was replaced may go on working for long, and what is written there is lost; so every change that sentinels tell of,
and every look at them, ends the connections to all others. Calls that were on their way end as unknown, as always.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from engine.store.server.sentinel import Address, Sentinels, read_url
from engine.telemetry import emit


class _ToPrimary:
    """A redis-py connection whose server is found when it connects."""

    host: str
    port: int
    _writer: asyncio.StreamWriter | None

    def __init__(self, *, sentinels: Sentinels, **options: Any) -> None:
        super().__init__(**options)
        self._sentinels = sentinels

    async def connect(self) -> None:
        """Raises redis-py's ConnectionError where there is no primary, or who is named does not call itself one."""
        self.host, self.port = await self._sentinels.primary()
        await super().connect()  # type: ignore[misc]
        await self.send_command("ROLE")  # type: ignore[attr-defined]
        role = await self.read_response(disable_decoding=True)  # type: ignore[attr-defined]
        if role[0] != b"master":
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
            raise RedisConnectionError(
                f"{self.host}:{self.port} is no primary: it says {role[0].decode()}"
            )

    def leave(self) -> None:
        """End it at once, with what was not sent yet: closing would wait for that, perhaps for ever."""
        if self._writer is not None:
            self._writer.transport.abort()


class _Plain(_ToPrimary, Connection):
    """Without TLS."""


class _Secured(_ToPrimary, SSLConnection):
    """By TLS."""


class Primary:
    """The primary of the service that a Sentinel URL names. `options` are those of a redis-py connection to it."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self._service = read_url(url)
        self._sentinels = Sentinels(self._service, options)
        kind = options.get("connection_class", Connection)
        self._kind = _Secured if issubclass(kind, SSLConnection) else _Plain
        left_out = ("connection_class", "host", "port")
        self._options = {k: v for k, v in options.items() if k not in left_out}
        self._made: weakref.WeakSet[_Plain | _Secured] = weakref.WeakSet()
        self._watching: asyncio.Task[None] | None = None
        self.address: Address | None = None  # where it was when last seen

    def connection(self) -> Connection:
        """An unconnected connection; connecting finds the primary."""
        made = self._kind(sentinels=self._sentinels, **self._options)
        self._made.add(made)
        return made

    def watch(self) -> None:
        """Begin to follow the sentinels."""
        if self._watching is None:
            loop = asyncio.get_running_loop()
            self._watching = loop.create_task(self._watch(), name="sentinels")

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            try:
                await self._sentinels.watch(self.seen)
            except (RedisError, OSError):  # none of them answers; the next look is soon enough
                await asyncio.sleep(1.0)

    def seen(self, address: Address) -> None:
        """The primary is there: end every connection to another server."""
        if self.address not in (None, address):
            emit("primary.changed", service=self._service.name, primary="{}:{}".format(*address))
        self.address = address
        for connection in list(self._made):
            if (connection.host, connection.port) != address:
                connection.leave()
