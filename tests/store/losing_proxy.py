"""A proxy between the engine and its Redis that loses what it is told to lose."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal

Lose = Literal["", "request", "reply", "everything"]


class Proxy:
    """Listens on a unix socket. `lose` is what becomes of the next bytes:

    "request": they are dropped on their way to Redis and the connection is closed; "reply": Redis has them executed,
    the answer is dropped and the connection closed; "everything": nothing passes any more, and nothing is closed.
    """

    def __init__(self, upstream: str, path: str) -> None:
        self._upstream = upstream
        self._path = path
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self.lose: Lose = ""
        self.lost = asyncio.Event()

    @property
    def url(self) -> str:
        return f"unix://{self._path}"

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def stop(self) -> None:
        """Refuse and close every connection; `start` may follow."""
        if self._server is not None:
            self._server.close()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        task.add_done_callback(self._pumps.discard)
        up_reader, up_writer = await asyncio.open_unix_connection(self._upstream)
        both = [
            asyncio.create_task(self._pump(reader, up_writer, "request")),
            asyncio.create_task(self._pump(up_reader, writer, "reply")),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            for end in (writer, up_writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: Lose
    ) -> None:
        while data := await reader.read(1 << 16):
            if self.lose == kind:
                self.lose = ""
                self.lost.set()
                return
            if self.lose == "everything":
                self.lost.set()
                continue
            writer.write(data)
            await writer.drain()
