"""A server's processes: the embedded Redis, this process's engine and HTTP face, and further engine processes.

Everything may be killed at any time; what is here only makes the ordinary end an orderly one.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Literal

import uvloop

from engine.serve import Engine
from engine.settings import Settings, unknown_variables
from engine.store.server.embedded import EmbeddedRedis
from engine.telemetry import emit, set_up

Role = Literal["api", "engine"]
WATCH_SECONDS = 0.5  # how often children are looked after: the embedded Redis, and engine processes


def run(settings: Settings, *, roles: Sequence[Role] = ("api", "engine"), engines: int = 1) -> None:
    """Run until SIGTERM or SIGINT, then drain. With no Redis URL, start and own an embedded Redis.

    `engines` processes advance executions, this one among them where it has that role. Call it from the main thread.
    Raises StoreRefused for a Redis or data folder that must not be used, StoreUnavailable for a Redis that does not
    answer, UnsafeBind, and OSError where the address cannot be had.
    """
    set_up(settings.log, settings.log_level)
    unknown = unknown_variables(os.environ)
    if unknown and "DETENT_PARENT" not in os.environ:
        emit("settings.unknown", variables=", ".join(unknown))
    with contextlib.ExitStack() as stack:
        # Before all else: where the address is taken, nothing is started.
        address = stack.enter_context(_bound(settings)) if "api" in roles else None
        embedded = None
        url = settings.redis_url
        if url is None:
            embedded = EmbeddedRedis(settings.data, settings.redis_bin)
            embedded.start()
            stack.callback(embedded.stop)
            url = embedded.url
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, url, roles, engines, embedded, address))


async def _serve(
    settings: Settings,
    url: str,
    roles: Sequence[Role],
    engines: int,
    embedded: EmbeddedRedis | None,
    address: socket.socket | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    engine = Engine(url, settings, advances="engine" in roles)
    await engine.start()
    own = 1 if "engine" in roles else 0
    children = Children(url, max(0, engines - own) if own else 0)
    watching = asyncio.create_task(_look_after(children, embedded, stop))
    try:
        if address is not None:
            await _serve_http(engine, settings, stop, address)
        else:
            _keep_what_lives()
            await stop.wait()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await children.stop(settings.drain_seconds)
        await engine.stop()


def _bound(settings: Settings) -> socket.socket:
    """The address of the HTTP face; imported here, so that a process which only advances does not load that."""
    from api.server import bound, check_bind  # noqa: PLC0415

    check_bind(settings)
    return bound(settings)


async def _serve_http(
    engine: Engine, settings: Settings, stop: asyncio.Event, address: socket.socket
) -> None:
    """The HTTP face; imported here, so that a process which only advances does not load it."""
    from api.app import create_app  # noqa: PLC0415
    from api.server import serve  # noqa: PLC0415

    app = create_app(engine, settings)
    _keep_what_lives()
    await serve(app, settings, stop, address)


def _keep_what_lives() -> None:
    """What lives now lives as long as the process: collecting it again and again cost a twelfth of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


async def _look_after(
    children: Children, embedded: EmbeddedRedis | None, stop: asyncio.Event
) -> None:
    """Start again what ended by itself; end when the process that started this one is gone."""
    parent = os.environ.get("DETENT_PARENT")
    while True:
        if parent is not None and os.getppid() != int(parent):
            stop.set()
        with contextlib.suppress(Exception):
            if embedded is not None:
                await embedded.revive()
            await children.tick()
        await asyncio.sleep(WATCH_SECONDS)


class Children:
    """Further engine processes on the same Redis. They end with this one: by SIGTERM, or by finding it gone."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._count = count
        self._running: list[asyncio.subprocess.Process] = []

    async def tick(self) -> None:
        """See that all of them run; at most one is started a tick, so that a failing one does not keep a core busy."""
        for process in list(self._running):
            if process.returncode is not None:
                emit("process.exited", pid=process.pid, code=process.returncode)
                self._running.remove(process)
        if len(self._running) < self._count:
            self._running.append(await self._spawn())

    async def stop(self, seconds: float) -> None:
        """Ask them to drain; after that long, end them."""
        for process in self._running:
            if process.returncode is None:
                process.terminate()
        waits = [asyncio.create_task(process.wait()) for process in self._running]
        if waits:
            await asyncio.wait(waits, timeout=seconds + 1)
        for process in self._running:
            if process.returncode is None:
                process.kill()
        await asyncio.gather(*waits, return_exceptions=True)

    async def _spawn(self) -> asyncio.subprocess.Process:
        environment = {
            **os.environ,
            "DETENT_REDIS_URL": self._url,
            "DETENT_ENGINES": "1",
            "DETENT_PARENT": str(os.getpid()),
        }
        # -P: the folder this was started in may hold a `cli` of its own.
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "cli", "engine", env=environment
        )
