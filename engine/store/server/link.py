"""One connection to one Redis node, shared by everything in the process.

Calls are written in the order they were made and answered in that order. All calls of one turn of the event loop go
out as one write, and whatever arrives at Redis together shares one fsync: this is the group commit. Nothing is ever
sent twice from here: when the connection breaks, calls that were written end as OutcomeUnknown, calls that were
not as StoreUnavailable, and whoever made them decides.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from engine.errors import EngineError, OutcomeUnknown, StoreUnavailable
from engine.store.server.calls import Argument, Call, fail
from engine.store.server.replication import PATIENCE_SECONDS, Held
from engine.store.server.wire import Wire

__all__ = ["Argument", "Call", "Link"]

WRITE_BYTES_MAX = 1 << 20  # one write; the next follows once the transport has room
LATE_LOOKS = (
    3  # turns of the loop: replies that came while it stood still are read before they are missed
)


_ASKING = hiredis.pack_command(("ASKING",))

OnError = Callable[["Link", Call, RedisError], None]
Examine = Callable[[AbstractConnection], Awaitable[None]]


class Link:
    """Keeps one connection open, reconnecting with backoff, and pairs replies with calls.

    `reply_seconds_max`: no reply for so long while one is due means the connection is dead.
    `examine(connection)` may refuse a new connection with an EngineError, before any call is written on it.
    `on_down()`: an attempt to connect failed. `patience_seconds`: how long an unwritten call waits for a connection before it fails as StoreUnavailable.
    `replicas`: that many must have what a reply tells of before it is given out (see replication.py).
    """

    def __init__(
        self,
        connect: Callable[[], AbstractConnection],
        on_error: OnError,
        on_down: Callable[[], None],
        *,
        reply_seconds_max: float = 5.0,
        patience_seconds: float = 5.0,
        greeting: Sequence[Sequence[Argument]] = (),
        examine: Examine | None = None,
        replicas: int = 0,
        wait_seconds_max: float = PATIENCE_SECONDS,
    ) -> None:
        self._connect = connect
        self._examine = examine
        self._on_error = on_error
        self._on_down = on_down
        self._reply_seconds_max = reply_seconds_max
        self._patience_seconds = patience_seconds
        self._greeting = greeting
        self._outbox: deque[Call] = deque()
        self._pending: deque[Call] = deque()
        self._held = (
            Held(replicas, self._put, self._refused, self._flush, patience_seconds=wait_seconds_max)
            if replicas
            else None
        )
        self._wire: Wire | None = None  # while there is a connection
        self._flushing = False
        self._last_reply = 0.0
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.connections = 0  # made so far; a change tells that the node may have restarted
        self.error: str | None = None  # why there is no connection

    def send(self, call: Call) -> None:
        """Queue a call; it is written in this turn of the loop's end, after all calls before it."""
        if self._closed:
            fail(call, StoreUnavailable("the store is closed"))
            return
        self._outbox.append(call)
        if self._flushing:
            return
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="redis link")
        if self._wire is not None:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be written or answered."""
        return not self._outbox and not self._pending and (self._held is None or self._held.empty)

    def take_back(self) -> list[Call]:
        """The calls that were not written yet; they are no longer this link's."""
        calls, self._outbox = list(self._outbox), deque()
        return calls

    def drop(self, reason: str) -> None:
        """Give the connection up and make another, which is examined anew."""
        if self._wire is not None:
            self._wire.end(reason)

    async def close(self) -> None:
        """Drop the connection; calls that wait for a reply end as OutcomeUnknown."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._abandon("the store is closed")

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        backoff, since = 0.02, loop.time()
        while True:
            connection = self._connect()
            try:
                async with asyncio.timeout(self._reply_seconds_max):
                    await self._greet(connection)
            except (RedisError, OSError, TimeoutError, EngineError) as error:
                self.error = str(error) or "no answer from Redis"
                await connection.disconnect(nowait=True)
                self._on_down()
                is_refused = isinstance(error, EngineError)  # it answers, and is not to be used
                if is_refused or loop.time() - since >= self._patience_seconds:
                    self._refuse_unwritten(self.error)
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, 0.5)
                continue
            self.error = None
            self.connections += 1
            backoff = 0.02
            reason = await self._exchange(connection)
            self._abandon(reason)
            since = loop.time()

    async def _greet(self, connection: AbstractConnection) -> None:
        await connection.connect()  # type: ignore[no-untyped-call]
        for command in self._greeting:
            await connection.send_command(*command)
            await connection.read_response(disable_decoding=True)
        if self._examine is not None:
            await self._examine(connection)

    async def _exchange(self, connection: AbstractConnection) -> str:
        """Write and read until the connection fails; returns why."""
        wire = Wire(self._take, self._flush)
        self._last_reply = asyncio.get_running_loop().time()
        watching = asyncio.create_task(self._watch(wire))
        try:
            wire.take_over(connection)
            self._wire = wire
            self._flush()
            self.error = await wire.lost
        except ConnectionError as error:
            self.error = str(error)
        finally:
            self._wire = None
            watching.cancel()
            wire.end("")
            await connection.disconnect(nowait=True)
        return self.error

    def _flush(self) -> None:
        """Write what waits, as far as the connection takes it; the rest when it has room again."""
        self._flushing = False
        wire, outbox, held = self._wire, self._outbox, self._held
        while outbox and wire is not None and wire.writable and (held is None or held.has_room):
            calls: list[Call] = []
            chunks: list[bytes] = []
            size = 0
            while outbox and size < WRITE_BYTES_MAX:
                call = outbox.popleft()
                packed = self._packed(call)
                chunks.append(packed)
                size += len(packed)
                calls.append(call)
            if held is not None:
                chunks += map(self._packed, held.seal(calls))
            wire.write(b"".join(chunks))

    def _put(self, calls: Sequence[Call]) -> None:
        """Write calls now, before all that waits."""
        if self._wire is not None:
            self._wire.write(b"".join(map(self._packed, calls)))

    def _packed(self, call: Call) -> bytes:
        """What is sent of a call, whose reply is due from now on."""
        pending = self._pending
        if not pending:
            self._last_reply = asyncio.get_running_loop().time()
        packed: bytes = hiredis.pack_command(tuple(call.args))  # type: ignore[arg-type]
        if call.asking:
            packed = _ASKING + packed
            pending.append(Call((), asyncio.get_running_loop().create_future()))
        call.written = True
        pending.append(call)
        return packed

    def _refused(self, call: Call, error: RedisError) -> None:
        self._on_error(self, call, error)

    def _take(self, replies: list[Any]) -> None:
        """Give each reply to the call it answers. A caller that has gone away leaves its reply to nobody."""
        pending = self._pending
        self._last_reply = asyncio.get_running_loop().time()
        for reply in replies:
            if not pending:
                assert self._wire is not None
                self._wire.end("Redis answered what was not asked")
                return
            call = pending.popleft()
            if call.future.done():
                continue
            if call.taker is not None:
                call.taker(call, reply)
            elif not isinstance(reply, RedisError):
                call.future.set_result(reply)
            elif call.args:
                self._on_error(self, call, reply)

    async def _watch(self, wire: Wire) -> None:
        """End the connection when a reply has been due for too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._reply_seconds_max / 5)
            for _ in range(LATE_LOOKS):
                late = loop.time() - self._last_reply
                if not self._pending or late <= self._reply_seconds_max:
                    break
                await asyncio.sleep(0)
            else:
                wire.end(f"no reply from Redis for {late:.1f} s")

    def _refuse_unwritten(self, reason: str) -> None:
        outbox, self._outbox = self._outbox, deque()
        for call in outbox:
            fail(call, StoreUnavailable(reason))

    def _abandon(self, reason: str) -> None:
        pending = list(self._pending)
        self._pending.clear()
        if self._held is not None:
            self._held.abandon(reason)
        for call in pending:
            fail(call, OutcomeUnknown(reason))
        if self._closed:
            self._refuse_unwritten(reason)
