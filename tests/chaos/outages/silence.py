"""A proxy before Redis that falls silent: it keeps every connection, and passes nothing on (a half-open connection)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

CHUNK = 1 << 16


class SilentProxy:
    """Listens at `path` for the socket `target`. While `passing` is unset, nothing goes either way."""

    def __init__(self, path: Path, target: Path) -> None:
        self.url = f"unix://{path}"
        self.passing = asyncio.Event()
        self.passing.set()
        self._path = path
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            up, out = await asyncio.open_unix_connection(self._target)
            for source, sink in ((reader, out), (up, writer)):
                task = asyncio.create_task(self._pump(source, sink))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await self.passing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
