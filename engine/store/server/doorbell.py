"""Hints over pub/sub: an execution is ready, a queue has work, a watched execution changed.

A hint only lowers latency. Whatever is missed here is found by the sweep, within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from engine.store.connection import Redis

Hear = Callable[[str, str], None]
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
            try:
                await connection.connect()  # type: ignore[no-untyped-call]
                await connection.send_command("SUBSCRIBE", *self._channels)
                await self._hear_all(connection)
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(0.5)
            finally:
                await connection.disconnect(nowait=True)

    async def _hear_all(self, connection: AbstractConnection) -> None:
        asked = False
        while True:
            message = await self._message(connection)
            if message is None:
                if asked or not self._redis.serves(connection):
                    return
                await connection.send_command("PING")
            elif message[0] == b"message":
                self._hear(message[1].decode(), message[2].decode())
            asked = message is None

    async def _message(self, connection: AbstractConnection) -> list[bytes] | None:
        """The next message, or None after a silence."""
        answer = await connection.read_response(disable_decoding=True, timeout=QUIET_SECONDS)
        return answer if isinstance(answer, list) else None
