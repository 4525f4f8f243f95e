"""One `detent serve` with a store of its own, as its users run it, and what it takes of the machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.chaos.rig.processes import DETENT, ENDS_SECONDS, free_port

READY_SECONDS = 60.0
ROOT = Path(__file__).resolve().parents[3]
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Served:
    """A running server: its address, its log, its processes. `program` starts another than the plain one."""

    def __init__(self, folder: Path, program: tuple[str, ...] = DETENT, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "serve.log"
        self._program = program
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        ours = ("DETENT_", "REDIS_URL", "PYTHONWARNINGS")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        environment |= {"DETENT_LOG": "json", **self._settings}
        words = ("serve", "--port", str(self.port), "--data", str(self.folder / "data"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                (sys.executable, *self._program, *words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=ROOT,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is not None and self.is_alive:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(ENDS_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def events(self) -> Iterator[dict[str, Any]]:
        """The lines of its log, as far as they are JSON."""
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                yield json.loads(line)

    def resident(self) -> int:
        """Bytes of the server's own process."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_BYTES

    def resident_of_children(self) -> int:
        """Bytes of the processes that it has started: the store, and those that decide what takes long."""
        total = 0
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for child in children:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                total += int(Path(f"/proc/{child}/statm").read_text().split()[1]) * PAGE_BYTES
        return total


@contextlib.asynccontextmanager
async def served(
    folder: Path, program: tuple[str, ...] = DETENT, **settings: str
) -> AsyncIterator[tuple[Served, aiohttp.ClientSession]]:
    """A server that accepts work, and a client of it; both end with the block."""
    server = Served(folder, program, **settings)
    server.start()
    try:
        connections = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(server.url, connector=connections) as client:
            await until_ready(client, server)
            yield server, client
    finally:
        server.stop()


async def until_ready(client: aiohttp.ClientSession, server: Served | None = None) -> None:
    """Until the server of the client accepts work; raises AssertionError where `server` has ended, or it does not."""
    deadline = time.monotonic() + READY_SECONDS
    while not await _is_ready(client):
        assert server is None or server.is_alive, server.log.read_text()[-2000:]
        assert time.monotonic() < deadline, "the server does not answer"
        await asyncio.sleep(0.05)


async def _is_ready(client: aiohttp.ClientSession) -> bool:
    try:
        async with client.get("/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


class Memory:
    """The most that the server and its children have taken while it was looked at."""

    def __init__(self, server: Served) -> None:
        self._server = server
        self.before = server.resident()
        self.most = self.most_of_children = 0

    async def watch(self) -> None:
        while True:
            with contextlib.suppress(OSError, ValueError):
                self.most = max(self.most, self._server.resident())
                self.most_of_children = max(
                    self.most_of_children, self._server.resident_of_children()
                )
            await asyncio.sleep(0.02)

    @property
    def growth(self) -> int:
        return max(0, self.most - self.before)
