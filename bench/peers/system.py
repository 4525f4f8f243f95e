"""What every system under test is: processes that are started and ended, and one execution at a time asked of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import aiohttp

from bench.peers import loading, watching

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".peers"  # made by bench/peers/setup
APPS = Path(__file__).parent / "apps"
READY_SECONDS = 120.0
END_SECONDS = 15.0
ANSWER_SECONDS = 120.0
INPUT = {"order": 42}


@dataclass
class Window:
    """A load and the CPU seconds that the system and this process, the client, have used in it."""

    load: loading.Load
    system_cpu: float
    client_cpu: float


class System(ABC):
    """One system. `start` makes it ready, `one` runs an execution to its end, `stop` leaves nothing behind."""

    name: ClassVar[str]
    steps: ClassVar[int] = 5
    concurrencies: ClassVar[tuple[int, ...]] = (1, 32, 256)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.session: aiohttp.ClientSession | None = None

    @classmethod
    def missing(cls) -> str:
        """Why it cannot be measured here; empty where it can."""
        return ""

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def one(self) -> None: ...

    @property
    def roots(self) -> list[int]:
        return [process.pid for process in self.processes]

    async def window(self, concurrency: int, seconds: float) -> Window:
        """Run executions from so many callers for so long."""
        used: list[tuple[float, float]] = []

        def note() -> None:
            used.append((watching.cpu_seconds(self.roots), time.process_time()))

        load = await loading.run(self.one, concurrency, seconds, note, note)
        if len(used) < 2:
            return Window(load, 0.0, 0.0)
        return Window(load, used[1][0] - used[0][0], used[1][1] - used[0][1])

    def spawn(self, *program: str | Path, user: str | None = None, **environment: str) -> None:
        """Start a process whose output goes to a file in the folder, and nowhere else."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("DETENT_", "REDIS_URL"))}
        with (self.folder / f"process-{len(self.processes)}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [str(part) for part in program],
                    cwd=ROOT if user is None else self.folder,
                    env={**ours, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    user=user,
                )
            )

    async def connect(self, url: str) -> aiohttp.ClientSession:
        self.session = aiohttp.ClientSession(
            url,
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        )
        return self.session

    async def ready(self, url: str) -> None:
        """Return when `url` answers with success. Raises RuntimeError where a process ended or the time is up."""
        deadline = time.monotonic() + READY_SECONDS
        async with aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(url, timeout=aiohttp.ClientTimeout(5)) as answer:
                        if answer.status < 300:
                            return
                ended = [p.args for p in self.processes if p.poll() is not None]
                if ended or time.monotonic() > deadline:
                    why = f"ended: {ended[0]}" if ended else "is not ready"
                    raise RuntimeError(f"{self.name} {why}; {self.last_words()}")
                await asyncio.sleep(0.1)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        assert self.session is not None
        async with self.session.post(path, json=body) as answer:
            seen = await answer.json()
            if answer.status >= 300:
                raise RuntimeError(f"{answer.status}: {seen}")
            return seen

    def last_words(self) -> str:
        texts = [p.read_text(errors="replace")[-500:] for p in self.folder.glob("process-*.log")]
        return " | ".join(" ".join(text.split()) for text in texts)

    async def stop(self) -> None:
        """End every process, the last first, and whatever they have started."""
        if self.session is not None:
            await self.session.close()
        everything = watching.tree(self.roots) if self.processes else set()
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(process.wait, END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in everything - set(self.roots):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Ports:
    """Free ports, counted up from the first that was asked for, so that no two systems meet."""

    following = 21500

    @classmethod
    def next(cls) -> int:
        while True:
            cls.following += 1
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", cls.following)):
                    return cls.following
