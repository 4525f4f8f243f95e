"""Three Redis servers, of which two replicate the first, and three sentinels: started, killed, frozen, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.store.server.server_program import end_with_parent, find_program
from tests.chaos.rig.processes import free_port

SERVICE = "orders"
READY_SECONDS = 60.0


@dataclass
class Place:
    """Where a server and a sentinel run. `within` opens a command that is to run there (`ip netns exec NAME`)."""

    host: str = "127.0.0.1"
    within: Sequence[str] = ()


@dataclass(frozen=True)
class Options:
    """`min_replicas` 0 lets a primary write alone. `quorum` sentinels must agree that it is gone."""

    min_replicas: int = 1
    lag_seconds: int = 1
    appendfsync: str = "always"
    down_after_ms: int = 1500
    quorum: int = 2


@dataclass
class Process:
    """A server or sentinel; what it was started with, to start it again."""

    host: str
    port: int
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    client: Any = field(default=None, repr=False)

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def spawn(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - one system function, no locks
            )

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def ask(self, *command: Any) -> Any:
        """Raises redis-py's errors; waits a second at most."""
        if self.client is None:
            self.client = redis.Redis(
                host=self.host,
                port=self.port,
                socket_timeout=1,
                socket_connect_timeout=1,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
            )
        return self.client.execute_command(*command)


class Servers:
    """`servers[0]` is the primary at first. Nothing outlives `close`, nor the process that called `start`."""

    def __init__(
        self,
        folder: Path,
        options: Options,
        places: Sequence[Place] | None = None,
        ports: Sequence[int] = (),
    ) -> None:
        self._options = options
        self._places = places or [Place()] * 3
        chosen = iter(ports or [free_port() for _ in range(6)])
        self._program = str(find_program(None).path)
        self.servers = [self._made(folder / f"redis-{n}", n, next(chosen)) for n in range(3)]
        self.sentinels = [self._made(folder / f"sentinel-{n}", n, next(chosen)) for n in range(3)]

    @property
    def url(self) -> str:
        hosts = ",".join(f"{each.host}:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    def start(self, *, sentinels: bool = True) -> None:
        """Return when both replicas are in step and every sentinel knows all others and both."""
        for number, server in enumerate(self.servers):
            self._configure(server, self._server_options(number))
            server.spawn()
        until(lambda: answers(self.servers[0]))
        until(lambda: in_step(self.servers[0]) == 2)
        if not sentinels:
            return
        for sentinel in self.sentinels:
            self._configure(sentinel, self._sentinel_options())
            sentinel.command.append("--sentinel")
            sentinel.spawn()
        until(lambda: all(knows_all(sentinel) for sentinel in self.sentinels))

    def close(self) -> None:
        for each in (*self.sentinels, *self.servers):
            if each.client is not None:
                each.client.close()
            if each.process is not None and each.process.poll() is None:
                each.kill()

    def primary(self, unheard: int | None = None) -> Process | None:
        """The server that most sentinels name by now; None where they do not agree. `unheard`: one that is cut off."""
        asked = [each for number, each in enumerate(self.sentinels) if number != unheard]
        with ThreadPoolExecutor(len(asked)) as pool:
            votes = list(pool.map(_named, asked))
        named = [each for each in self.servers if votes.count(each.address) >= 2]
        return named[0] if named else None

    def whole(self) -> bool:
        """Whether the primary has two replicas in step, and every sentinel sees all others."""
        primary = self.primary()
        if primary is None:
            return False
        try:
            return in_step(primary) == 2 and all(knows_all(each) for each in self.sentinels)
        except redis.RedisError:
            return False

    def _made(self, folder: Path, number: int, port: int) -> Process:
        folder.mkdir(parents=True)
        place = self._places[number]
        command = [*place.within, self._program, str(folder / "server.conf")]
        return Process(place.host, port, command, folder / "log")

    def _configure(self, process: Process, options: Sequence[tuple[str, Any]]) -> None:
        folder = process.log.parent
        common = [("port", process.port), ("bind", process.host), ("dir", folder)]
        common += [("protected-mode", "no"), ("daemonize", "no")]
        lines = [f"{name} {value}" for name, value in (*common, *options)]
        (folder / "server.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _server_options(self, number: int) -> list[tuple[str, Any]]:
        options = self._options
        chosen: list[tuple[str, Any]] = [
            ("appendonly", "yes"),
            ("appendfsync", options.appendfsync),
            ("no-appendfsync-on-rewrite", "no"),
            ("save", '""'),
            ("maxmemory-policy", "noeviction"),
            ("min-replicas-to-write", options.min_replicas),
            ("min-replicas-max-lag", options.lag_seconds),
            ("repl-diskless-sync-delay", 0),
            ("repl-ping-replica-period", 1),
            ("enable-debug-command", "local"),
        ]
        if number:
            chosen.append(("replicaof", "{} {}".format(*self.servers[0].address)))
        return chosen

    def _sentinel_options(self) -> list[tuple[str, Any]]:
        host, port = self.servers[0].address
        options = self._options
        return [
            ("sentinel monitor", f"{SERVICE} {host} {port} {options.quorum}"),
            ("sentinel down-after-milliseconds", f"{SERVICE} {options.down_after_ms}"),
            ("sentinel failover-timeout", f"{SERVICE} 6000"),
            ("sentinel parallel-syncs", f"{SERVICE} 2"),
        ]


def _named(sentinel: Process) -> tuple[str, int] | None:
    try:
        host, port = sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
    except (redis.RedisError, TypeError):
        return None
    return host, int(port)


def answers(process: Process) -> bool:
    try:
        return bool(process.ask("PING"))
    except redis.RedisError:
        return False


def in_step(primary: Process) -> int:
    """How many replicas follow a primary, by what it heard of them within the last second. Raises redis-py's errors."""
    said = primary.ask("INFO", "replication")
    if said["role"] != "master":
        return 0
    rows = [said.get(f"slave{number}") for number in range(2)]
    return sum(row is not None and row["state"] == "online" and row["lag"] <= 1 for row in rows)


def knows_all(sentinel: Process) -> bool:
    try:
        flat = sentinel.ask("SENTINEL", "MASTER", SERVICE)
    except redis.RedisError:
        return False
    fields = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
    return (
        int(fields["num-other-sentinels"]) == 2
        and int(fields["num-slaves"]) == 2
        and "down" not in str(fields["flags"])
    )


def until(fulfilled: Callable[[], bool], seconds: float = READY_SECONDS) -> float:
    """Wait for a condition; returns how many seconds it took. Raises TimeoutError."""
    began = time.monotonic()
    while not fulfilled():
        if time.monotonic() - began > seconds:
            raise TimeoutError("the servers did not come to that state")
        time.sleep(0.05)
    return time.monotonic() - began


__all__ = ["SERVICE", "Options", "Place", "Process", "Servers", "signal", "until"]
