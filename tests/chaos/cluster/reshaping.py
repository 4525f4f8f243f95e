"""What is done to a cluster under load: slots move, masters die, also in the middle of a move, nodes come and go."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any

from redis.crc import key_slot

from engine.store.keys import Keys
from tests.chaos.cluster.nodes import Cluster, Move, until
from tests.chaos.rig.journal import Journal

HOLD_MS = 15_000  # longer than it takes a replica to catch up; the master is killed meanwhile
BATCHES = 12  # a slot's keys are moved in about so many portions
OWN_SLOTS = 4  # given to a node that joins, before it is emptied again


@dataclass(frozen=True)
class Steps:
    """How often each is done. `killed_moving`: a master dies in the middle of a move, source and target in turns."""

    moves: int = 30
    failovers: int = 3
    killed_moving: int = 2
    joins: int = 1
    pause_seconds: tuple[float, float] = (0.02, 0.25)  # between portions of a slot

    @property
    def all(self) -> list[str]:
        return [
            *["move"] * self.moves,
            *["failover"] * self.failovers,
            *["kill_moving"] * self.killed_moving,
            *["join"] * self.joins,
        ]


class Reshaping:
    """Does the steps in a seeded order and writes down what it did, with times of `time.monotonic`.

    `awaits`: acknowledgements await replicas, so that a master may be killed at any moment. Otherwise its writes are held
    up before the kill until a replica has them all: asynchronous replication loses what it has not passed on.
    """

    def __init__(
        self, steps: Steps, cluster: Cluster, seed: int, journal: Journal, *, awaits: bool
    ) -> None:
        self._steps = steps
        self._cluster = cluster
        self._chance = random.Random(f"reshaping/{seed}")
        self._journal = journal
        self._awaits = awaits
        self._keys = Keys("detent", 64)
        self._killed_moving = 0
        self.done = 0

    @property
    def total(self) -> int:
        return len(self._steps.all)

    async def run(self) -> None:
        whats = self._steps.all
        self._chance.shuffle(whats)
        for what in whats:
            await asyncio.sleep(self._chance.uniform(0.1, 0.5))
            began = time.monotonic()
            more = await asyncio.to_thread(getattr(self, f"_{what}"))
            self._journal.add(what=what, t0=began, t1=time.monotonic(), **more)
            self.done += 1

    def _slot(self) -> int:
        """A slot in which a partition, the catalog or the store's own hash lies."""
        names = [self._keys.ready(partition) for partition in range(self._keys.partitions)]
        names += [self._keys.catalog("default"), self._keys.layout]
        return key_slot(self._chance.choice(names).encode())

    def _move(self) -> dict[str, Any]:
        """Move a slot as `--cluster reshard` does, with pauses."""
        slot = self._slot()
        target = self._other(self._cluster.owner(slot))
        return {"slot": slot, "keys": self._moved(Move(self._cluster, slot, target))}

    def _moved(self, move: Move) -> int:
        move.begin()
        moved = self._some(move, 1.0)
        move.finish()
        return moved

    def _some(self, move: Move, share: float) -> int:
        """Move that share of the keys that the slot has now, in portions; returns how many."""
        node = self._cluster.node(move.source)
        there = int(node.execute_command("CLUSTER", "COUNTKEYSINSLOT", move.slot))
        moved = 0
        while moved < there * share:
            count = move.keys(max(1, there // BATCHES))
            if not count:
                break
            moved += count
            time.sleep(self._chance.uniform(*self._steps.pause_seconds))
        return moved

    def _failover(self) -> dict[str, Any]:
        """Kill a master; its replica takes over, and the killed one comes back as a replica."""
        return self._lose(self._chance.choice(self._replicated()))

    def _kill_moving(self) -> dict[str, Any]:
        """Kill the source or the target of a move when half of the keys are there, and mend the slot."""
        slot = self._slot()
        masters = self._replicated()
        source = self._cluster.owner(slot)
        move = Move(self._cluster, slot, self._chance.choice([n for n in masters if n != source]))
        move.begin()
        moved = self._some(move, 0.5)
        victim = (move.source, move.target)[self._killed_moving % 2]
        self._killed_moving += 1
        lost = self._lose(victim)
        began = time.monotonic()
        mended = fix(self._cluster, slot)
        return lost | {
            "slot": slot,
            "keys": moved,
            "mended": mended,
            "fix": time.monotonic() - began,
        }

    def _join(self) -> dict[str, Any]:
        """Add a node, give it some slots, take them away again, and let it go."""
        cluster = self._cluster
        newcomer = cluster.add()
        cluster.settle()
        slots = dict.fromkeys(self._slot() for _ in range(OWN_SLOTS))
        homes = {slot: cluster.owner(slot) for slot in slots}
        # A master that loses its last slot becomes a replica at once, so that it is filled before it is emptied.
        moves = [(slot, newcomer) for slot in slots] + [*homes.items()]
        keys = 0
        windows = []
        for slot, target in moves:
            began = time.monotonic()
            keys += self._moved(Move(cluster, slot, target))
            windows.append((slot, began, time.monotonic()))
        cluster.forget(newcomer)
        return {"keys": keys, "windows": windows}

    def _lose(self, victim: int) -> dict[str, Any]:
        cluster = self._cluster
        if not self._awaits:
            self._pass_on(victim)
        began = time.monotonic()
        cluster.kill(victim)
        until(lambda: victim not in cluster.masters(), "a replica takes over")
        taken = time.monotonic()
        cluster.restart(victim)
        until(lambda: bool(self._ready_again(victim)), "the killed one is a replica")
        cluster.settle()
        return {"victim": victim, "killed": began, "taken": taken}

    def _ready_again(self, victim: int) -> bool:
        return any(victim in self._cluster.replicas(master) for master in self._cluster.masters())

    def _pass_on(self, master: int) -> None:
        """Hold up the writes of a master, and wait until a replica has those before."""
        node = self._cluster.node(master)
        node.execute_command("CLIENT", "PAUSE", HOLD_MS, "WRITE")
        sent = int(node.info("replication")["master_repl_offset"])

        def has_all() -> bool:
            told = node.info("replication")
            slaves = [
                told[name] for name in told if name.startswith("slave") and name[5:].isdigit()
            ]
            return any(slave["offset"] >= sent for slave in slaves)

        until(has_all, "a replica has everything")

    def _replicated(self) -> list[int]:
        found = [m for m in self._cluster.masters() if self._cluster.replicas(m)]
        assert len(found) > 1, "masters without replicas"
        return found

    def _other(self, number: int) -> int:
        return self._chance.choice([m for m in self._cluster.masters() if m != number])


def fix(cluster: Cluster, slot: int) -> int:
    """End a move that was broken off, as `--cluster fix` does; returns how many keys had to be moved for that.

    Where the owner still migrates, to the one node that has keys or imports, the move is finished. Otherwise (the owner was
    promoted, and its server does not pass the state of a move on to replicas) its keys are fetched back. Keys that two
    nodes have are an error (BUSYKEY): nobody knows which is right.
    """
    owner = cluster.owner(slot)
    masters = [number for number in cluster.masters() if cluster.alive(number)]
    others = [
        n for n in masters if n != owner and (_keys(cluster, n, slot) or _open(cluster, n, slot))
    ]
    if _open(cluster, owner, slot) and len(others) == 1:
        move = Move(cluster, slot, others[0])
        move.begin()
        left = _keys(cluster, owner, slot)
        move.finish()
        return left
    moved = 0
    for number in others:
        node = cluster.node(number)
        node.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.identity(owner))
        while keys := node.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
            moved += len(keys)
            port = cluster.ports[owner]
            node.execute_command("MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", *keys)
    for number in masters:
        cluster.node(number).execute_command("CLUSTER", "SETSLOT", slot, "STABLE")
    return moved


def _keys(cluster: Cluster, number: int, slot: int) -> int:
    return int(cluster.node(number).execute_command("CLUSTER", "COUNTKEYSINSLOT", slot))


def _open(cluster: Cluster, number: int, slot: int) -> bool:
    """Whether a node migrates or imports the slot, by its own word."""
    told = str(cluster.node(number).execute_command("CLUSTER", "NODES"))
    mine = next(line for line in told.splitlines() if "myself" in line.split(" ")[2])
    return f"[{slot}-" in mine
