"""Hints over pub/sub: an execution is ready, a queue has work, a watched execution changed.

A hint only lowers latency. Whatever is missed here is found by the sweep, within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from engine.store.connection import Redis
from engine.store.server.wire import Wire

Hear = Callable[[str, str], None]
RETRY_SECONDS = 0.5
QUIET_SECONDS = 10.0  # silence after which the node is asked whether it is still there


class Doorbell:
    """Listens on its own connection to any node (PUBLISH reaches every node of a cluster), reconnecting for ever.

    A node that has gone silent, or has left the cluster and so hears nothing any more, is left for another.
    """

    def __init__(self, redis: Redis, channels: list[str], hear: Hear) -> None:
        self._redis = redis
        self._channels = channels
        self._hear = hear
        self._task: asyncio.Task[None] | None = None
        self._heard = False  # anything, since it was last looked at

    def start(self) -> None:
        """Begin to listen; `hear(channel, message)` is called on the loop."""
        self._task = asyncio.get_running_loop().create_task(self._listen(), name="doorbell")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            connection = self._redis.new_connection()
            wire = Wire(self._take, lambda: None)
            try:
                await connection.connect()  # type: ignore[no-untyped-call]
                wire.take_over(connection)
                wire.write(hiredis.pack_command(("SUBSCRIBE", *self._channels)))  # type: ignore[arg-type]
                await self._until_lost(wire, connection)
            except (RedisError, OSError, TimeoutError):
                pass
            finally:
                wire.end("")
                await connection.disconnect(nowait=True)
            await asyncio.sleep(RETRY_SECONDS)

    async def _until_lost(self, wire: Wire, connection: AbstractConnection) -> None:
        """Return when the connection has failed, its node answers nothing any more, or is none to listen at."""
        asked = False
        while not wire.lost.done():
            self._heard = False
            await asyncio.wait([wire.lost], timeout=QUIET_SECONDS)
            if self._heard:
                asked = False
                continue
            if asked or not self._redis.serves(connection):
                return
            if wire.writable:
                wire.write(hiredis.pack_command(("PING",)))
            asked = True

    def _take(self, replies: list[Any]) -> None:
        for message in replies:
            self._heard = True
            if isinstance(message, list) and message[0] == b"message":
                self._hear(message[1].decode(), message[2].decode())
