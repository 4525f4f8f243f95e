"""Faults at random moments: processes killed, frozen and ended, Redis killed and frozen, replies lost; and what they hit."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import redis.exceptions

from engine.store.keys import Keys
from tests.chaos.rig import dump
from tests.chaos.rig.journal import Journal
from tests.chaos.rig.processes import Household, Server
from tests.chaos.rig.proxy import LossyProxy
from tests.chaos.rig.recovery import Recovery

READY_SECONDS = 90.0
AIM_SECONDS = 10.0
OTHERS_UP = 0.8  # part of the kills of an engine that wait until the others are up
BURSTS = ("lose", "delay", "hang")
BURST_SECONDS = (0.5, 2.0)
BURST_LOSS = 0.2  # part of commits whose reply is lost in a burst


@dataclass(frozen=True)
class Schedule:
    """How many of each fault. `held_min`: kills of engines and API that must hit a held claim.

    A pause stops an engine for longer than its lease; a drain is a SIGTERM; a burst loses, delays or withholds the
    replies of Redis, to engines and API alike.
    """

    engine_kills: int = 0
    api_kills: int = 0
    worker_kills: int = 0
    redis_kills: int = 0
    pauses: int = 0
    drains: int = 0
    redis_pauses: int = 0
    bursts: int = 0
    held_min: int = 0
    lease_ms: int = 5000
    gap_seconds: tuple[float, float] = (0.2, 1.2)
    seed: int = 1

    @property
    def claim_kills(self) -> int:
        """Kills of processes that can hold claims."""
        return self.engine_kills + self.api_kills

    @property
    def counts(self) -> dict[str, int]:
        return {
            "engine": self.engine_kills,
            "api": self.api_kills,
            "worker": self.worker_kills,
            "redis": self.redis_kills,
            "pause": self.pauses,
            "drain": self.drains,
            "redis_pause": self.redis_pauses,
            "burst": self.bursts,
        }


class Faults:
    """Carries a schedule out, one fault after the other but for pauses, which others may meet.

    Each fault is a line of the journal: what, when (`t0`, `t1`: seconds since 1970), and what it hit.
    """

    def __init__(
        self,
        schedule: Schedule,
        household: Household,
        client: Any,
        journal: Journal,
        proxy: LossyProxy | None = None,
    ) -> None:
        self._schedule = schedule
        self._household = household
        self._client = client
        self._journal = journal
        self._proxy = proxy
        self._chance = random.Random(f"faults/{schedule.seed}")
        self._keys = Keys("detent", 64)
        self._recovery = Recovery(client, self._keys, journal, self._able)
        self._busy: set[int] = set()  # servers (by id()) that a fault is at work on
        self._apart: set[asyncio.Task[None]] = set()
        self._cut_off = False  # Redis is down, stopped, or hard to reach
        self._drained = 0
        self._bursts = 0
        self._kills = 0
        self._hits = 0  # kills that hit a held claim
        self.done = 0
        self.last = time.time()  # when the last fault was over

    @property
    def total(self) -> int:
        return sum(self._schedule.counts.values())

    @property
    def active(self) -> bool:
        """Whether there are faults to come, or one is at work."""
        return self.done < self.total or bool(self._busy)

    async def run(self) -> None:
        deeds: dict[str, Callable[[], Awaitable[None]]] = {
            "engine": lambda: self._kill_holder(self._free(self._household.engines)),
            "api": lambda: self._kill_holder(self._household.api),
            "worker": self._kill_worker,
            "redis": self._kill_redis,
            "pause": self._pause,
            "drain": self._drain,
            "redis_pause": self._pause_redis,
            "burst": self._burst,
        }
        whats = [what for what, count in self._schedule.counts.items() for _ in range(count)]
        self._chance.shuffle(whats)
        for what in whats:
            await asyncio.sleep(self._chance.uniform(*self._schedule.gap_seconds))
            await deeds[what]()
            self.done += 1
            self.last = time.time()
        while self._apart:
            await asyncio.gather(*self._apart)
        await self._recovery.ended()
        self.last = time.time()

    def _free(self, servers: list[Server]) -> Server:
        """One that no other fault is at work on: at least one engine is left to go on."""
        free = [server for server in servers if id(server) not in self._busy]
        return self._chance.choice(free or servers)

    def _able(self) -> bool:
        """Whether an engine is up, and reaches Redis."""
        return not self._cut_off and any(
            id(server) not in self._busy and server.holder() is not None
            for server in self._household.engines
        )

    # Processes

    async def _kill_holder(self, server: Server) -> None:
        """Kill a process that is at work; count the claims it held by what stands in Redis after its death."""
        household, began = self._household, time.time()
        holder = await household.ready(server, READY_SECONDS)
        await asyncio.sleep(self._chance.uniform(0.0, 0.6))
        if server in household.engines and self._chance.random() < OTHERS_UP:
            for other in household.engines:
                await household.ready(other, READY_SECONDS)
        aimed = bool(holder) and self._behind()
        if aimed:
            await self._stop_at_work(server, holder)
        at = time.time()
        pid = household.kill(server)
        held = await self._asked(dump.held, holder) if holder else []
        household.spawn(server)
        self._kills += 1
        self._hits += bool(held)
        self._recovery.watch(held, at)
        self._journal.add(
            what="kill", kind=server.kind, pid=pid, held=held, aimed=aimed, t0=began, t1=time.time()
        )

    def _behind(self) -> bool:
        """Whether fewer kills have hit a held claim by now than the schedule needs."""
        wanted = self._schedule.held_min * (self._kills + 1)
        return self._hits * self._schedule.claim_kills < wanted

    async def _stop_at_work(self, server: Server, holder: str) -> None:
        """Stop a process at random moments until it holds something; it goes on where that takes too long."""
        assert server.process is not None
        deadline = time.monotonic() + AIM_SECONDS
        while time.monotonic() < deadline:
            server.process.send_signal(signal.SIGSTOP)
            if await self._asked(dump.held, holder):
                return
            server.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(self._chance.uniform(0.0, 0.02))

    async def _kill_worker(self) -> None:
        began = time.time()
        server = self._chance.choice(self._household.workers)
        await self._household.ready(server, READY_SECONDS)
        pid = self._household.kill(server)
        self._household.spawn(server)
        self._journal.add(
            what="kill", kind="worker", pid=pid, held=[], aimed=False, t0=began, t1=time.time()
        )

    async def _drain(self) -> None:
        """SIGTERM to each process in turn, while the callers go on."""
        began = time.time()
        servers = [self._household.api, *self._household.engines]
        server = servers[self._drained % len(servers)]
        self._drained += 1
        holder = await self._household.ready(server, READY_SECONDS)
        code, seconds = await asyncio.to_thread(self._household.terminate, server)
        held = await self._asked(dump.held, holder) if holder else []
        self._household.spawn(server)
        self._journal.add(
            what="drain", kind=server.kind, code=code, seconds=seconds, held=held,
            t0=began, t1=time.time(),
        )  # fmt: skip

    async def _pause(self) -> None:
        """Stop an engine until its claims have lapsed and others have them; then let it go on, a zombie."""
        server = self._free(self._household.engines)
        if id(server) in self._busy:  # every engine is stopped: one at least has to go on first
            await asyncio.gather(*self._apart)
        holder = await self._household.ready(server, READY_SECONDS)
        process = server.process
        assert process is not None
        seconds = self._schedule.lease_ms / 1000 * self._chance.uniform(1.2, 2.0) + 0.5
        await self._stop_at_work(server, holder)  # a zombie that holds nothing proves nothing
        process.send_signal(signal.SIGSTOP)
        began = time.time()
        held = await self._asked(dump.held, holder)
        self._recovery.watch(held, began)

        async def go_on() -> None:
            try:
                await asyncio.sleep(seconds)
            finally:
                process.send_signal(signal.SIGCONT)
                self._busy.discard(id(server))
            self._journal.add(
                what="pause", kind=server.kind, pid=process.pid, held=held, t0=began, t1=time.time()
            )

        self._busy.add(id(server))
        task = asyncio.create_task(go_on())
        self._apart.add(task)
        task.add_done_callback(self._apart.discard)
        if len(self._busy) == len(self._household.engines):
            await task

    # Redis, and the way to it

    async def _kill_redis(self) -> None:
        """SIGKILL, and a start on what is on the disk."""
        began, server = time.time(), self._household.redis
        self._cut_off = True
        pid = self._household.kill_redis()
        await asyncio.sleep(self._chance.uniform(0.0, 1.0))
        await server.revive()
        self._cut_off = False
        self._journal.add(
            what="kill", kind="redis", pid=pid, held=[], aimed=False, t0=began, t1=time.time()
        )

    async def _pause_redis(self) -> None:
        began = time.time()
        seconds = self._schedule.lease_ms / 1000 * self._chance.uniform(0.2, 1.5)
        self._cut_off = True
        self._household.signal_redis(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._household.signal_redis(signal.SIGCONT)
            self._cut_off = False
        self._journal.add(what="redis_pause", kind="redis", t0=began, t1=time.time())

    async def _burst(self) -> None:
        assert self._proxy is not None, "a burst needs the proxy"
        began = time.time()
        how = BURSTS[self._bursts % len(BURSTS)]
        self._bursts += 1
        self._cut_off = True
        self._proxy.trouble(how, BURST_LOSS)
        try:
            await asyncio.sleep(self._chance.uniform(*BURST_SECONDS))
        finally:
            self._proxy.trouble("", 0.0)
            self._cut_off = False
        self._journal.add(what="burst", kind=how, t0=began, t1=time.time())

    async def _asked(self, what: Any, holder: str) -> list[str]:
        """Ask Redis, which may just have come back."""
        while True:
            try:
                found: list[str] = await what(self._client, self._keys, holder)
                return found
            except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
                await asyncio.sleep(0.05)
