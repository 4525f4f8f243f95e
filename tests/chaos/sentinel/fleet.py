"""The engines of a run: one process of API and engine at each place, all on one Sentinel service."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.rig.processes import DETENT, ENDS_SECONDS, Server, free_port

TOKEN = "token-of-a-run-under-faults"
ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Spot:
    """Where one is, and at which address this process reaches it. `redis`: the server beside it; None: none is."""

    host: str = "127.0.0.1"
    within: Sequence[str] = ()
    redis: int | None = None


class Fleet:
    """Starts the processes; none outlives `close`. The first is on the side of the majority, always."""

    def __init__(
        self,
        folder: Path,
        spots: Sequence[Spot],
        ports: Sequence[int],
        settings: dict[str, str],
    ) -> None:
        self.spots = spots
        self._settings = settings
        self.urls: list[str] = []
        self.servers: list[Server] = []
        for number, spot in enumerate(spots):
            port = ports[number] if ports else free_port()
            self.urls.append(f"http://{spot.host}:{port}")
            arguments = ("serve", "--host", spot.host, "--port", str(port))
            command = (*spot.within, sys.executable, *DETENT, *arguments)
            self.servers.append(Server("engine", command, folder / f"serve-{number}.log"))

    def start(self) -> None:
        for server in self.servers:
            server.log.touch()
            ours = ("DETENT_", "REDIS_URL", "PYTHONWARNINGS")
            environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
            with server.log.open("ab") as log:
                server.process = subprocess.Popen(
                    server.arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment | self._settings,
                    cwd=ROOT,
                )

    async def ready(self, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        for server in self.servers:
            while server.holder() is None:
                assert server.process is not None
                if server.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"it did not start: {server.log.read_text()[-2000:]}")
                await asyncio.sleep(0.05)

    def close(self) -> None:
        for server in self.servers:
            if server.process is not None and server.process.poll() is None:
                server.process.terminate()
        for server in self.servers:
            if server.process is None:
                continue
            try:
                server.process.wait(ENDS_SECONDS)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()
