"""The HTTP server: uvicorn, with an end that loses nobody.

When it stops, it accepts no more connections, answers who waits, and lets what is in flight end within the time given.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from engine.errors import EngineError
from engine.settings import Settings
from engine.telemetry import emit

KEEP_ALIVE_SECONDS = 75  # longer than the pools of common clients and proxies keep a connection, 60
HEAD_SECONDS = 30.0  # from the first byte of a request to the end of its head
HEAD_BYTES_MAX = (
    64 * 1024
)  # of a head that does not end; what has arrived at once is read in any case
BACKLOG = 2048  # connections the system holds for us between two rounds of the loop
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class UnsafeBind(EngineError):
    """Others can reach this address: set DETENT_TOKEN as well, or bind to 127.0.0.1."""

    code = "unsafe_bind"
    status = 500


class _TooMuch(Exception):
    """Ends the parsing of what has arrived; the connection is closed already."""


class _Protocol(HttpToolsProtocol):
    """uvicorn's, with a deadline and a size for the head of a request: its own timer begins anew with every byte."""

    _head: asyncio.TimerHandle | None = None
    _received = (
        0  # since the request began, but for what came in one piece with the end of the one before
    )
    _body_bytes = 0  # of it
    _trailer_bytes = 0  # after its body
    _head_bytes: int | None = None  # of the head that is being received; None between heads

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        # What chunks are wrapped in may be as long as it likes, and comes to nobody's eyes. A byte in a chunk takes six.
        if self._head_bytes is None and self._received > HEAD_BYTES_MAX + 16 * self._body_bytes:
            self.transport.close()
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_bytes is not None:
            super().on_header(name, value)
            return
        # A trailer: nobody reads it, and uvicorn would keep it with the headers, however many come.
        self._trailer_bytes += len(name) + len(value)
        if self._trailer_bytes > HEAD_BYTES_MAX:
            self.transport.abort()
            raise _TooMuch

    def on_message_begin(self) -> None:
        self._head_bytes = self._trailer_bytes = self._received = self._body_bytes = 0
        self._expect_head(HEAD_SECONDS)
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._head_came()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect_head(KEEP_ALIVE_SECONDS + HEAD_SECONDS)

    def _expect_head(self, seconds: float) -> None:
        self._head_came()
        if not self.transport.is_closing():
            self._head = self.loop.call_later(seconds, self.transport.close)

    def _head_came(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class _Uvicorn(uvicorn.Server):
    """uvicorn's, which leaves signals to whoever runs us and ends all waiting before it waits for requests to end."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        await super().shutdown(sockets)


class Server:
    """The application on its address. `start` returns once it accepts connections, `stop` once it is gone."""

    def __init__(
        self, app: FastAPI, settings: Settings, opened: socket.socket | None = None
    ) -> None:
        """`opened` is the address, taken earlier by `bound`; without one `start` takes it."""
        check_bind(settings)
        self._settings = settings
        self._socket = opened
        self._port = settings.port
        self._running: asyncio.Task[None] | None = None
        self._uvicorn = _Uvicorn(_config(app, settings), app.state.waits.stopping)

    @property
    def port(self) -> int:
        """The port, also where the system chose it."""
        return self._port

    async def start(self) -> None:
        """Accept, and say where. Raises OSError where the address cannot be had."""
        self._socket = self._socket or bound(self._settings)
        self._socket.listen(BACKLOG)
        self._port = int(self._socket.getsockname()[1])
        self._running = asyncio.create_task(self._uvicorn.serve(sockets=[self._socket]))
        while not self._uvicorn.started:
            if self._running.done():
                await self._running
                raise OSError("the HTTP server ended while it started")
            await asyncio.sleep(0.005)
        host = self._settings.host
        emit("http.listening", url=f"http://{f'[{host}]' if ':' in host else host}:{self.port}")

    async def stop(self) -> None:
        """Answer who waits, let the rest end within drain_seconds, then cut it."""
        if self._running is None:
            return
        self._uvicorn.should_exit = True
        running, self._running = self._running, None
        await running

    async def ended(self) -> None:
        """Return when the server has ended by itself, which it should not."""
        if self._running is not None:
            await asyncio.shield(self._running)


def check_bind(settings: Settings) -> None:
    """Raise UnsafeBind for an address others can reach, where no token keeps them out."""
    if not settings.is_loopback and settings.token is None:
        raise UnsafeBind(host=settings.host)


def bound(settings: Settings) -> socket.socket:
    """A socket bound to the address, which can be had again at once after a restart. It does not listen yet: until it
    does, callers are refused and try again, instead of waiting for a process that is not ready.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((settings.host, settings.port))
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return opened


@contextlib.asynccontextmanager
async def serving(
    app: FastAPI, settings: Settings, opened: socket.socket | None = None
) -> AsyncIterator[Server]:
    """A running server, stopped at the end of the block."""
    server = Server(app, settings, opened)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def serve(
    app: FastAPI,
    settings: Settings,
    stop: asyncio.Event | None = None,
    opened: socket.socket | None = None,
) -> None:
    """Serve until `stop` is set; without one, until SIGTERM or SIGINT. `opened` is as for `Server`."""
    if stop is not None:
        await _until(stop, app, settings, opened)
        return
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, signalled.set)
    try:
        await _until(signalled, app, settings, opened)
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def _until(
    stop: asyncio.Event, app: FastAPI, settings: Settings, opened: socket.socket | None
) -> None:
    async with serving(app, settings, opened) as server:
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(server.ended())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    options: dict[str, Any] = {
        "http": _Protocol,
        "ws": "none",
        "lifespan": "off",
        # Paths hold task tokens; whoever logs them hands out the right to settle.
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "proxy_headers": False,
        "backlog": BACKLOG,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": max(1, round(settings.drain_seconds)),
    }
    return uvicorn.Config(app, **options)
