"""The processes of a run: one durable Redis, engines and an API, each known by its pid and started again when killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from engine.store.server.embedded import EmbeddedRedis

DETENT = ("-c", "from cli.main import main; main()")
ENDS_SECONDS = 20.0
PORTS = range(26000, 32000)
GAVE_UP = b"Error: Redis cannot be reached"
STARTED = (b'"engine.started"', b'"api.started"', b'"worker.started"')


def free_port() -> int:
    """A port that no client's connection is given by chance while the API is dead: below the system's range for those."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


@dataclass
class Server:
    """One place in the household; whatever process fills it at the moment."""

    kind: str  # "engine", "api" or "worker"
    arguments: tuple[str, ...]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    since: int = 0  # where this process's part of the log begins
    holders: list[str] = field(default_factory=list)

    def holder(self) -> str | None:
        """What the claims of the running process begin with; None until it has said that it started."""
        with self.log.open("rb") as log:
            log.seek(self.since)
            for line in log:
                if any(mark in line for mark in STARTED):
                    return json.loads(line).get("holder", "")
        return None


class Household:
    """Starts, kills and ends the processes; none outlives `close`."""

    def __init__(
        self,
        folder: Path,
        *,
        engines: int,
        lease_ms: int,
        mutant: str = "",
        redis_url: str | None = None,
        workers: int = 0,
        worker: tuple[str, ...] = (),
    ) -> None:
        """`worker` is the command line of a worker; the API's URL comes behind it."""
        self.folder = folder
        self.redis = EmbeddedRedis(folder / "data")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        program = ("-m", "tests.chaos.broken.program", mutant) if mutant else DETENT
        self.engines = [
            Server("engine", (*program, "engine"), folder / f"engine-{number}.log")
            for number in range(engines)
        ]
        self.api = Server("api", (*program, "api", "--port", str(self.port)), folder / "api.log")
        self.workers = [
            Server("worker", (*worker, self.url), folder / f"worker-{number}.log")
            for number in range(workers)
        ]
        self._lease_ms = lease_ms
        self.engine_redis_url = redis_url  # a proxy's, where engines do not speak to Redis directly
        self.api_redis_url: str | None = None  # likewise
        self.settings: dict[str, str] = {}  # of engines and API, beside those that every run has

    def start(self) -> None:
        self.redis.start()
        for server in self.servers:
            self.spawn(server)

    @property
    def servers(self) -> tuple[Server, ...]:
        return (*self.engines, self.api, *self.workers)

    def spawn(self, server: Server, failpoints: str = "") -> None:
        """Start a process in the server's place; `failpoints` as DETENT_FAILPOINTS."""
        server.log.touch()
        server.since = server.log.stat().st_size
        url = self.api_redis_url if server.kind == "api" else self.engine_redis_url
        ours = ("DETENT_", "REDIS_URL", "PYTHONWARNINGS")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)} | {
            "DETENT_REDIS_URL": url or self.redis.url,
            "DETENT_LEASE_MS": str(self._lease_ms),
            "DETENT_LOG": "json",
            "DETENT_FAILPOINTS": failpoints,
            **self.settings,
        }
        with server.log.open("ab") as log:
            server.process = subprocess.Popen(
                (sys.executable, *server.arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=Path(__file__).resolve().parents[3],
            )

    def tend(self, server: Server) -> None:
        """Start a process again that has given up, before it had begun, because Redis did not answer: so would its supervisor."""
        process = server.process
        if process is None or process.poll() is None or process.returncode < 0:
            return
        with server.log.open("rb") as log:
            log.seek(server.since)
            gave_up = any(line.startswith(GAVE_UP) for line in log)
        if gave_up and server.holder() is None:
            self.spawn(server)

    def kill(self, server: Server) -> int:
        """SIGKILL; returns the dead process's id."""
        process = server.process
        assert process is not None
        process.send_signal(signal.SIGKILL)
        process.wait()
        return process.pid

    def kill_redis(self) -> int:
        """SIGKILL to Redis; returns when it is dead. `redis.revive` starts it again."""
        pid = self.redis.pid
        os.kill(pid, signal.SIGKILL)
        while self.redis.is_alive:
            time.sleep(0.001)
        return pid

    def signal_redis(self, number: signal.Signals) -> None:
        os.kill(self.redis.pid, number)

    def terminate(self, server: Server, seconds: float = ENDS_SECONDS) -> tuple[int, float]:
        """SIGTERM; the exit code, and how many seconds the end took. Raises TimeoutExpired when it does not end."""
        process = server.process
        assert process is not None
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        return process.wait(seconds), time.monotonic() - began

    async def ready(self, server: Server, seconds: float = 60.0) -> str:
        """Wait until the server's process has started; returns its holder name."""
        deadline = time.monotonic() + seconds
        while (holder := server.holder()) is None:
            self.tend(server)
            assert server.process is not None
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{server.kind} did not start: {server.log.read_text()[-2000:]}")
            await asyncio.sleep(0.05)
        return holder

    def close(self) -> None:
        """End everything, Redis last."""
        for server in (*self.workers, self.api, *self.engines):
            process = server.process
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                try:
                    process.wait(ENDS_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.redis.stop()
