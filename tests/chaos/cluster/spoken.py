"""A way to the API that reads along: how often it answered with which status, and whether Redis' own words came through."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter

from tests.chaos.rig.processes import free_port

# What only a client of Redis should ever read.
WORDS = re.compile(
    rb"MOVED \d+ \S+:\d+|ASK \d+ \S+:\d+|TRYAGAIN|CROSSSLOT|CLUSTERDOWN|MASTERDOWN|NOSCRIPT|READONLY"
    rb"|(?:Moved|Ask|TryAgain|ClusterCrossSlot|ClusterDown|NoScript|ReadOnly)Error"
)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
KEPT = 64  # bytes before and after what was found, for the finding
_TAIL = 200  # bytes of the piece before that are read again: what is looked for may lie across two


class Listener:
    """Passes connections on to `port`; `url` is where callers connect to."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._port = free_port()
        self._server: asyncio.Server | None = None
        self.found: list[str] = []
        self.statuses: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        try:  # a caller that goes on after the run is cut off without a word
            done = [
                asyncio.create_task(self._pass(reader, up_writer, listen=False)),
                asyncio.create_task(self._pass(up_reader, writer, listen=True)),
            ]
            await asyncio.wait(done, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.cancel()
            await asyncio.gather(*done, return_exceptions=True)
        except asyncio.CancelledError:
            for task in done:
                task.cancel()
        finally:
            for end in (writer, up_writer):
                end.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, listen: bool
    ) -> None:
        tail = b""
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                if listen:
                    self.statuses.update(match.decode() for match in _STATUS.findall(piece))
                    self.found += words_in(tail + piece, beyond=len(tail))
                    tail = piece[-_TAIL:]
                writer.write(piece)
                await writer.drain()


def words_in(text: bytes, *, beyond: int = 0) -> list[str]:
    """Each of Redis' words in the text that ends beyond that place, with what stands around it."""
    return [
        text[max(0, match.start() - KEPT) : match.end() + KEPT].decode("utf-8", "replace")
        for match in WORDS.finditer(text)
        if match.end() > beyond
    ]
