"""What tests that need a Redis share: one embedded server and one cluster of three nodes for the whole session."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from engine import serve
from engine.serve import Engine
from engine.settings import Settings
from engine.store.server.embedded import EmbeddedRedis
from engine.store.server.server_program import end_with_parent, find_program

sys.path.insert(0, str(Path(__file__).parent / "store"))  # faulty.py and world.py serve others too

READY_SECONDS = 30.0


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedRedis]:
    """The embedded server on a unix socket. It is not flushed: ask for `url`."""
    folder = Path(tempfile.mkdtemp(prefix="dt"))
    running = EmbeddedRedis(folder / "d")
    running.start()
    yield running
    running.stop()
    shutil.rmtree(folder)


@pytest.fixture
def url(server: EmbeddedRedis) -> str:
    """The address of an empty standalone server."""
    with redis_py.Redis.from_url(server.url) as client:
        client.flushall()
        client.config_resetstat()
    return server.url


class Cluster:
    """Nodes on loopback that know one another. `node(n)` is a client of the n-th; slots are shared out evenly."""

    def __init__(self, size: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="dtc"))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._clients: list[Any] = []
        self.ports: list[int] = []
        self._bus = 0
        for _ in range(size):
            self.add()
        for number, client in enumerate(self._clients):
            first, last = (16384 * n // size for n in (number, number + 1))
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
        self.settle()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.ports[0]}"

    def node(self, number: int) -> Any:
        return self._clients[number]

    def identity(self, number: int) -> str:
        return str(self.node(number).execute_command("CLUSTER", "MYID"))

    def add(self) -> int:
        """Start one more node, without slots, and have it meet the first; returns its number."""
        number = len(self._processes)
        port, bus = _free_ports(2)
        self._bus = self._bus or bus  # of the first node: whom the others meet
        folder = self._folder / str(number)
        folder.mkdir()
        options = {
            "port": port, "cluster-port": bus, "bind": "127.0.0.1", "dir": folder, "save": "", "appendonly": "no",
            "cluster-enabled": "yes", "cluster-config-file": "nodes.conf", "cluster-node-timeout": 5000,
            "logfile": folder / "log", "enable-debug-command": "local",
        }  # fmt: skip
        program = find_program(None).path
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self._processes.append(
            subprocess.Popen(
                [str(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - one system function, no locks
            )
        )
        client = redis_py.Redis(port=port, decode_responses=True)
        self._clients.append(client)
        self.ports.append(port)
        _until(lambda: _answers(client))
        client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        if number:
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.ports[0], self._bus)
        return number

    def settle(self) -> None:
        """Wait until every running node knows every other and all slots."""
        running = [
            c for c, p in zip(self._clients, self._processes, strict=True) if p.poll() is None
        ]

        known = len(self._processes)

        def agreed() -> bool:
            infos = [client.execute_command("CLUSTER", "INFO") for client in running]
            wanted = (
                "cluster_state:ok",
                "cluster_slots_assigned:16384",
                f"cluster_known_nodes:{known}",
            )
            return all(text in info for info in infos for text in wanted)

        _until(agreed)

    def kill(self, number: int) -> None:
        process = self._processes[number]
        self._clients[number].close()
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()

    def flush(self) -> None:
        for client, process in zip(self._clients, self._processes, strict=True):
            if process.poll() is None:
                client.flushall()

    def stop(self) -> None:
        for number in range(len(self._processes)):
            self.kill(number)
        shutil.rmtree(self._folder)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Three nodes of a Redis Cluster."""
    running = Cluster(3)
    yield running
    running.stop()


@pytest.fixture
def cluster_url(cluster: Cluster) -> str:
    """The address of an empty cluster."""
    cluster.flush()
    return cluster.url


EngineMaker = Callable[..., Any]


@pytest.fixture
async def engines(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EngineMaker]:
    """Makes running engines on the standalone server: `await engines(lease_ms=500)`. They are stopped at the end.

    They sweep ten times a second, so that what only a sweep finds does not make the tests slow.
    """
    monkeypatch.setattr(serve, "SWEEP_SECONDS", 0.1)
    made: list[Engine] = []

    async def make(
        redis: Callable[[Any], Any] | None = None, *, advances: bool = True, **settings: Any
    ) -> Engine:
        defaults = {"partitions": 8, "lease_ms": 500, "drain_seconds": 5.0}
        engine = Engine(url, Settings(**(defaults | settings)), advances=advances)
        if redis is not None:
            engine.redis = redis(engine.redis)
        await engine.start()
        made.append(engine)
        return engine

    yield make
    await asyncio.gather(*(engine.stop() for engine in made))


@pytest.fixture
async def engine(engines: EngineMaker) -> Any:
    """A running engine with leases of half a second."""
    return await engines()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis_py.RedisError:
        return False


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + READY_SECONDS
    while not holds():
        assert time.monotonic() < end, "the nodes do not come up"
        time.sleep(0.02)
