"""A Redis Cluster on loopback: masters and replicas that are killed and come back, slots that move, nodes that join."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import redis as redis_py
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.store.server.server_program import end_with_parent, find_program

SLOTS = 16384
READY_SECONDS = 60.0
NODE_TIMEOUT_MS = 5000
DURABLE = {"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no"}


class Cluster:
    """Nodes on loopback that know one another, by number. Slots are shared out evenly among the first `masters`.

    `replicas` nodes follow, each the replica of the master of its number, modulo `masters`. `options` are settings of
    every node beside those that a cluster needs; with `config`, a file, its own hold instead. Ports are free ones, or taken from `ports`, two for each node.
    """

    def __init__(
        self,
        masters: int,
        replicas: int = 0,
        *,
        ports: Iterator[int] | None = None,
        options: dict[str, str] | None = None,
        config: Path | None = None,
        password: str | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dtc"))
        self._options = {"appendonly": "no"} | (options or {})
        self._given = ports
        self._config = config
        self._password = password
        self._processes: list[subprocess.Popen[bytes]] = []
        self._clients: list[Any] = []
        self._buses: list[int] = []
        self._gone: set[int] = set()
        self.ports: list[int] = []
        for _ in range(masters):
            self.add()
        for number, client in enumerate(self._clients):
            first, last = (SLOTS * n // masters for n in (number, number + 1))
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
        self.settle()
        for number in range(masters, masters + replicas):
            self.add()
            self.settle()
            self.replicate(number, number % masters)

    @property
    def url(self) -> str:
        user = f":{self._password}@" if self._password else ""
        return f"redis://{user}127.0.0.1:{self.ports[0]}"

    @property
    def numbers(self) -> range:
        return range(len(self._processes))

    def node(self, number: int) -> Any:
        """A client of that node, for commands of the cluster; it never sends anything twice."""
        return self._clients[number]

    def identity(self, number: int) -> str:
        return str(self.node(number).execute_command("CLUSTER", "MYID"))

    def alive(self, number: int) -> bool:
        return self._processes[number].poll() is None

    def add(self) -> int:
        """Start one more node, without slots, and have it meet another; returns its number."""
        number = len(self._processes)
        port, bus = free_ports(2) if self._given is None else (next(self._given), next(self._given))
        self.ports.append(port)
        self._buses.append(bus)
        (self.folder / str(number)).mkdir()
        self._processes.append(self._spawn(number))
        retry = Retry(NoBackoff(), 0)
        client = redis_py.Redis(
            port=port,
            password=self._password,
            decode_responses=True,
            retry=retry,
            socket_timeout=30,
        )
        self._clients.append(client)
        until(lambda: answers(client), "the node starts")
        client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        known = next((n for n in range(number) if self.alive(n)), None)
        if known is not None:
            where = (self.ports[known], self._buses[known])
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", *where)
        return number

    def replicate(self, number: int, of: int) -> None:
        """Make a node without slots the replica of another, and wait until it has all of its data."""
        until(lambda: self._tell(number, "CLUSTER", "REPLICATE", self.identity(of)), "they meet")
        self.synced(number)

    def synced(self, number: int) -> None:
        """Wait until a replica is linked to its master."""
        until(lambda: self._is_linked(number), "the replica is linked")

    def settle(self) -> None:
        """Wait until every running node knows every other and all slots."""
        running = [number for number in self.numbers if self.alive(number)]
        wanted = ("cluster_state:ok", f"cluster_slots_assigned:{SLOTS}")
        known = f"cluster_known_nodes:{len(self._processes) - len(self._gone)}"

        def agreed() -> bool:
            infos = [self._told(number, "CLUSTER", "INFO") for number in running]
            return all(text in info for info in infos for text in (*wanted, known))

        until(agreed, "the nodes agree")

    def kill(self, number: int) -> None:
        """SIGKILL; what the node had on disk stays."""
        process = self._processes[number]
        self._clients[number].close()
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()

    def restart(self, number: int) -> None:
        """Start a killed node again, on its port and with its folder."""
        self._processes[number] = self._spawn(number)
        until(lambda: answers(self.node(number)), "the node starts again")

    def forget(self, number: int) -> None:
        """End a node that serves no slots, and have all others forget it; numbers stay as they are."""
        identity = self.identity(number)
        self.kill(number)
        self._gone.add(number)
        for other in self.numbers:
            if self.alive(other):
                self.node(other).execute_command("CLUSTER", "FORGET", identity)

    def flush(self) -> None:
        for number in self.numbers:
            if self.is_master(number):
                self.node(number).flushall()

    def stop(self) -> None:
        for number in self.numbers:
            self.kill(number)
        shutil.rmtree(self.folder)

    def masters(self) -> dict[int, list[tuple[int, int]]]:
        """The ranges of slots of each master that serves any, as a running node sees it; dead ones are among them."""
        asked = next(number for number in self.numbers if self.alive(number))
        found: dict[int, list[tuple[int, int]]] = {}
        for first, last, master, *_ in self.node(asked).execute_command("CLUSTER", "SLOTS"):
            found.setdefault(self.ports.index(int(master[1])), []).append((first, last))
        return found

    def owner(self, slot: int) -> int:
        """The number of the master that serves a slot."""
        for number, ranges in self.masters().items():
            if any(first <= slot <= last for first, last in ranges):
                return number
        raise AssertionError(f"nobody serves slot {slot}")

    def replicas(self, master: int) -> list[int]:
        """The running replicas of a master that are linked to it."""
        identity = self.identity(master)
        lines = self.node(master).execute_command("CLUSTER", "REPLICAS", identity)
        found = [
            self.ports.index(int(line.split()[1].split("@")[0].split(":")[1])) for line in lines
        ]
        return [number for number in found if self._is_linked(number)]

    def is_master(self, number: int) -> bool:
        """Whether a node runs and is a master, by its own word."""
        return self._said(number).get("role") == "master"

    def _is_linked(self, number: int) -> bool:
        return self._said(number).get("master_link_status") == "up"

    def _said(self, number: int) -> dict[str, Any]:
        try:
            return dict(self.node(number).info("replication"))
        except redis_py.RedisError:
            return {}

    def _told(self, number: int, *words: Any) -> str:
        try:
            return str(self.node(number).execute_command(*words))
        except redis_py.RedisError:
            return ""

    def _tell(self, number: int, *words: Any) -> bool:
        return bool(self._told(number, *words))

    def _spawn(self, number: int) -> subprocess.Popen[bytes]:
        folder = self.folder / str(number)
        place = {
            "port": self.ports[number], "cluster-port": self._buses[number], "bind": "127.0.0.1", "dir": folder,
            "logfile": folder / "log",
        }  # fmt: skip
        usual = {
            "save": "", "cluster-enabled": "yes", "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": NODE_TIMEOUT_MS, "enable-debug-command": "local", **self._options,
        }  # fmt: skip
        options = place if self._config else place | usual
        arguments = [str(self._config)] if self._config else []
        arguments += [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        return subprocess.Popen(
            [str(find_program(None).path), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - one system function, no locks
        )


class Move:
    """A slot on its way from one node to another, step by step: begin, keys (as often as it takes), finish."""

    def __init__(self, cluster: Cluster, slot: int, target: int) -> None:
        self.cluster, self.slot, self.target = cluster, slot, target
        self.source = cluster.owner(slot)
        assert self.source != target

    def begin(self) -> None:
        source, target = (self.cluster.identity(n) for n in (self.source, self.target))
        self._on(self.target, "IMPORTING", source)
        self._on(self.source, "MIGRATING", target)

    def keys(self, most: int) -> int:
        """Move at most so many keys; returns how many there were."""
        node = self.cluster.node(self.source)
        keys: Sequence[str] = node.execute_command("CLUSTER", "GETKEYSINSLOT", self.slot, most)
        if keys:
            port = self.cluster.ports[self.target]
            try:
                node.execute_command("MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", *keys)
            except redis_py.ResponseError as error:
                there = self.cluster.node(self.target)
                others = there.execute_command("CLUSTER", "GETKEYSINSLOT", self.slot, 10**6)
                both = sorted({*keys} & {*others})
                raise AssertionError(
                    f"{error}; slot {self.slot}, both nodes have {both}"
                ) from error
        return len(keys)

    def finish(self) -> None:
        """Move what is left, and tell every master; the target first, so that the slot is never nobody's."""
        while self.keys(100):
            pass
        masters = [n for n in self.cluster.masters() if self.cluster.alive(n)]
        others = [n for n in masters if n not in (self.source, self.target)]
        for number in (self.target, self.source, *others):
            self._on(number, "NODE", self.cluster.identity(self.target))

    def _on(self, number: int, *words: str) -> None:
        """Tell a master; it refuses for as long as it has not heard that the other one is a master.

        One that has lost its last slot may be a replica by now, and learns from its master.
        """
        node = self.cluster.node(number)

        def agrees() -> bool:
            try:
                node.execute_command("CLUSTER", "SETSLOT", self.slot, *words)
            except redis_py.ResponseError as error:
                if "only with masters" in str(error):
                    return not self.cluster.is_master(number)
                raise
            return True

        until(agrees, "the nodes agree who is a master")


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def answers(client: Any) -> bool:
    """Whether the node can be asked: it runs and has loaded its data."""
    try:
        return bool(client.ping())
    except redis_py.RedisError:
        return False


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until it holds; `what` says so in the error of its never coming true."""
    end = time.monotonic() + READY_SECONDS
    while not holds():
        assert time.monotonic() < end, f"in vain awaited: {what}"
        time.sleep(0.02)
