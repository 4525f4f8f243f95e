"""A proxy before Redis that loses, delays or withholds replies: a commit is carried out, its answer comes late or never.

It also watches the wire: a call that may write and is sent twice with the same arguments is a client that repeats
what may have been carried out. (A script refused with NOSCRIPT was not carried out; engines load all scripts first.)
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import time
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlparse

import hiredis

from engine.store import scripts
from tests.chaos.rig.journal import Journal

CHUNK = 1 << 16
LATENCY_SECONDS = (
    0.002  # between a request's passing on and the loss of its reply: Redis has carried it out
)

DELAY_SECONDS = (0.0, 0.4)
HANG_SECONDS = 0.02  # between looks at whether the trouble is over
WATCH_SECONDS = 5.0
STALE = b"\r\nSTALE\r\n"  # the first word of a refused commit's reply


class LossyProxy:
    """Forwards to a unix socket. `loss` is the chance that a commit's reply is lost, and its connection with it.

    With `watch` False, it looks at requests only while replies are to be lost, and for `WATCH_SECONDS` afterwards: that
    costs a tenth, and sees the repetitions that a loss provokes.
    """

    def __init__(
        self, url: str, folder: Path, *, loss: float, seed: int, watch: bool = True
    ) -> None:
        self._target = unquote(urlparse(url).path)
        self._path = Path(self._target).with_name("proxy.sock")
        self._loss = loss
        self._how = ""
        self._watch = watch
        self._watched_until = 0.0
        self._chance = random.Random(f"proxy/{seed}")
        self._journal = Journal(folder / "wire.jsonl")
        self._names = {scripts.load(name).sha.encode(): name for name in scripts.names()}
        self._sent: Counter[tuple[str, str, str]] = Counter()
        self.refused = 0  # commits that the fence has refused
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Begin to listen; returns the URL."""
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        return f"unix://{self._path}"

    def trouble(self, how: str, loss: float) -> None:
        """`how` is lose (with the chance `loss`), delay, hang (replies wait for the next call of this), or "" for none."""
        self._loss = loss if how == "lose" else 0.0
        self._how = how
        self._watched_until = time.monotonic() + WATCH_SECONDS

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        for (script, key, _), times in self._sent.items():
            if times > 1:
                self._journal.add(what="repeated", script=script, key=key, times=times)
        self._journal.add(what="refused", commits=self.refused)
        self._journal.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        up = writer_up = None
        try:
            up, writer_up = await asyncio.open_unix_connection(self._target)
            answers = asyncio.create_task(self._pump(up, writer))
            try:
                await self._requests(reader, writer_up, answers)
            finally:
                answers.cancel()
                await asyncio.gather(answers, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # a side has gone, or the proxy is being closed
        finally:
            self._connections.discard(task)
            for stream in (writer, writer_up):
                if stream is not None:
                    stream.close()
                    with contextlib.suppress(OSError):
                        await stream.wait_closed()

    async def _requests(
        self, reader: asyncio.StreamReader, out: asyncio.StreamWriter, answers: asyncio.Task[None]
    ) -> None:
        """Pass requests on until the caller leaves, or a reply is to be lost."""
        parser: hiredis.Reader | None = None
        while not answers.done():
            data = await reader.read(CHUNK)
            if not data:
                return
            if not self._looks:
                parser = None
                out.write(data)
                await out.drain()
                continue
            commits = 0
            if parser is None:
                # Requests are looked at from the next one on that begins with a piece; what came before is not known.
                if not data.startswith(b"*"):
                    out.write(data)
                    await out.drain()
                    continue
                parser = hiredis.Reader()
            parser.feed(data)
            try:
                while (command := parser.gets()) is not False:
                    commits += self._note(command)
            except hiredis.ProtocolError:
                parser = None  # it was the middle of a request after all
            loses = any(self._chance.random() < self._loss for _ in range(commits))
            if loses:
                answers.cancel()  # nothing more comes back on this connection
            out.write(data)
            await out.drain()
            if loses:
                await asyncio.sleep(LATENCY_SECONDS)
                self._journal.add(what="lost", commits=commits)
                return

    @property
    def _looks(self) -> bool:
        return self._watch or self._loss > 0 or time.monotonic() < self._watched_until

    def _note(self, command: list[bytes]) -> bool:
        """Count a script's call; whether it is a commit."""
        is_script = isinstance(command, list) and len(command) > 3 and command[0] == b"EVALSHA"
        script = self._names.get(command[1]) if is_script else None
        if script is None or script == "watch":
            return False
        digest = hashlib.sha256(b"\0".join(command)).hexdigest()
        if script == "commit":
            self._sent[script, command[3].decode(), digest] += 1
        return script == "commit"

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            self.refused += data.count(STALE)
            if self._how == "delay":
                await asyncio.sleep(self._chance.uniform(*DELAY_SECONDS))
            while self._how == "hang":
                await asyncio.sleep(HANG_SECONDS)
            writer.write(data)
            await writer.drain()
        writer.close()
