"""A herd of timers: many executions wait for the same second, and it comes; with kills, while engines die.

None may fire early by Redis' time, none may be lost or fire twice, unrelated executions go on meanwhile, and no script
may hold up Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.clock import iso
from engine.documents import Document
from engine.serve import Engine
from engine.settings import Settings
from engine.store import codec
from engine.store.keys import Keys
from tests.chaos.herd.parts import Judged, Member, definitions, judge, retrying, share
from tests.chaos.herd.watching import ME, Observer, Probes
from tests.chaos.rig import dump
from tests.chaos.rig.processes import Household
from tests.chaos.rig.verdicts import verdict_of

KINDS = ("wait",) * 7 + ("timeout", "heartbeat", "retry")
STARTS_AT_ONCE = 200
WARM_UP = 400  # executions that show how fast this machine parks
LEAD_FACTOR, LEAD_SECONDS = 1.5, 6.0
RETRY_SECONDS_MIN = 3
SLOW_SCRIPT_US = 10_000
PROBE_SECONDS_MAX = 2.0
READ_AT_ONCE = 500
PROBES_UNDER_WAY = 60  # at most, when the herd has ended


@dataclass(frozen=True)
class Plan:
    """`idle`: nothing else runs on this machine, so that bounds of time are held against the run."""

    n: int = 100_000
    kills: int = 0
    seed: int = 1
    lease_ms: int = 5000
    settle_seconds: float = 240.0
    idle: bool = False
    mutant: str = ""


class Herd:
    """One run: park, wait, watch, read what is left."""

    def __init__(self, plan: Plan, house: Household, engine: Engine, client: Any) -> None:
        self._plan = plan
        self._house = house
        self._engine = engine
        self._client = client
        self._chance = random.Random(f"herd/{plan.seed}")
        self._keys = Keys("detent", 64)
        self._members: list[Member] = []
        self._retries: set[int] = set()
        self.observer = Observer(client, self._keys)
        self.probes = Probes(engine)
        self.shortfalls: list[str] = []
        self.figures: dict[str, Any] = {"n": plan.n}
        self.killed_holding = 0

    async def run(self) -> Judged:
        for name, text in definitions():
            await self._engine.commands.publish(ME, name, text, "json")
        at = await self._moment()
        probing = asyncio.create_task(self.probes.run())
        try:
            await self._park(at)
            await self._client.config_set("slowlog-log-slower-than", SLOW_SCRIPT_US)
            await self.observer.begin()
            await asyncio.sleep(max(0.0, at - 1 - time.time()))
            await self._client.slowlog_reset()
            observing = asyncio.create_task(self.observer.run())
            await asyncio.sleep(max(0.0, at - time.time()))
            fired = time.monotonic()
            await self._kill()
            await self._settled()
            self._time(fired)
            observing.cancel()
            await asyncio.gather(observing, return_exceptions=True)
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
        return await self._read()

    async def _moment(self) -> float:
        """The second that all will wait for: as far ahead as this machine needs to park them."""
        began = time.time()
        past = [Member(f"w-{n}", "wait", int(began * 1000)) for n in range(WARM_UP)]
        await self._start_all(past)
        while await dump.running(self._client, self._keys, "default"):
            await asyncio.sleep(0.02)
        each = (time.time() - began) / WARM_UP
        return float(int(time.time() + self._plan.n * each * LEAD_FACTOR + LEAD_SECONDS) + 1)

    async def _park(self, at: float) -> None:
        began = time.time()
        plan = self._plan
        kinds = [KINDS[number % len(KINDS)] for number in range(plan.n)]
        self._chance.shuffle(kinds)
        await self._start_all([Member(f"m-{n}", kind) for n, kind in enumerate(kinds)], at)
        self.figures["parked_seconds"] = round(time.time() - began, 1)
        while time.time() < at - 1 and await self.observer.count() < plan.n:
            await asyncio.sleep(0.1)
        if (parked := await self.observer.count()) < plan.n:
            self.shortfalls.append(f"{parked} of {plan.n} timers were set when the second came")

    async def _start_all(self, members: list[Member], at: float | None = None) -> None:
        coming = iter(members)

        async def lane() -> None:
            for member in coming:
                await self._start(member, at)

        await asyncio.gather(*(lane() for _ in range(STARTS_AT_ONCE)))

    async def _start(self, member: Member, at: float | None) -> None:
        """Start one, and note when it is due: in the second that begins at `at`."""
        moment = member.at_ms if at is None else int(at * 1000)
        left = max(RETRY_SECONDS_MIN, int((moment / 1000) - time.time()) + 1)
        definition, given, seconds = f"herd-{member.kind}", {"seconds": left}, left
        if member.kind == "wait":
            given = {"at": iso(moment)}
        elif member.kind == "retry":
            seconds = left - 1  # the first attempt takes one
            definition = await self._retrying(seconds)
        started = await self._engine.commands.start(
            ME, definition, name=member.id, input=Document.of(given), version=None
        )
        if (
            at is not None
        ):  # a moment is cut to the second; the others fall due within the one that begins then
            self._members.append(Member(started.execution.id, member.kind, moment, seconds))

    async def _retrying(self, seconds: int) -> str:
        name, text = retrying(seconds)
        if seconds not in self._retries:
            await self._engine.commands.publish(ME, name, text, "json")
            self._retries.add(seconds)
        return name

    async def _kill(self) -> None:
        """Kill engines, whichever is up, while the herd fires."""
        house = self._house
        for number in range(self._plan.kills):
            if not await dump.running(self._client, self._keys, "default"):
                self.shortfalls.append(f"only {number} kills fell into the herd's time")
                return
            server = self._chance.choice(house.engines)
            holder = await house.ready(server)
            await asyncio.sleep(self._chance.uniform(0, 0.3))
            house.kill(server)
            self.killed_holding += bool(await dump.held(self._client, self._keys, holder))
            house.spawn(server)

    async def _settled(self) -> None:
        """Wait until no timer is due any more and, but for probes, nothing runs."""
        deadline = time.monotonic() + self._plan.settle_seconds
        most = PROBES_UNDER_WAY
        while time.monotonic() < deadline:
            running = await dump.running(self._client, self._keys, "default")
            if running <= most and not await self._due():
                return
            await asyncio.sleep(0.1)

    async def _due(self) -> int:
        return sum(
            [
                await self._client.zcard(self._keys.timers(partition))
                for partition in range(self._keys.partitions)
            ]
        )

    def _time(self, fired: float) -> None:
        """What probes took before the herd's second, and while it fired."""
        ended = time.monotonic()
        calm = [took for began, took in self.probes.took if began < fired - PROBE_SECONDS_MAX]
        meanwhile = [took for began, took in self.probes.took if began >= fired - 0.5]
        self.figures |= {
            "fired_seconds": round(ended - fired, 1),
            "probe_p99_ms_before": _ms(share(calm, 0.99)),
            "probe_p50_ms_meanwhile": _ms(share(meanwhile, 0.5)),
            "probe_p99_ms_meanwhile": _ms(share(meanwhile, 0.99)),
            "probes_meanwhile": len(meanwhile),
        }

    async def _read(self) -> Judged:
        judged = Judged()
        for start in range(0, len(self._members), READ_AT_ONCE):
            part = self._members[start : start + READ_AT_ONCE]
            pipe = self._client.pipeline(transaction=False)
            for member in part:
                keys = self._keys.of(f"default:{member.id}")
                pipe.hget(keys.execution, "status")
                pipe.lrange(keys.history, 0, -1)
            replies = await pipe.execute()
            for member, status, records in zip(part, replies[::2], replies[1::2], strict=True):
                read = [codec.unpack_record(record, {}) for record in records]
                judge(judged, member, status.decode() if status else None, read)
        return judged

    async def slow_scripts(self) -> list[str]:
        """Scripts that have held up Redis for longer than they may, the longest first."""
        names = {}
        for entry in await self._client.slowlog_get(1000):
            text = entry["command"].decode("latin-1")
            if text.startswith("EVALSHA"):
                names[entry["id"]] = (entry["duration"], text[:60])
        return [f"{us / 1000:.1f} ms: {text}" for us, text in sorted(names.values(), reverse=True)]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


@contextlib.asynccontextmanager
async def _world(plan: Plan) -> AsyncIterator[Herd]:
    folder = Path(tempfile.mkdtemp(prefix="dt-herd-"))
    house = Household(folder, engines=2, lease_ms=plan.lease_ms, mutant=plan.mutant)
    try:
        house.start()
        for server in house.engines:
            await house.ready(server)
        engine = Engine(house.redis.url, Settings(), advances=False)
        await engine.start()
        client = dump.client_of(house.redis.url)
        try:
            yield Herd(plan, house, engine, client)
        finally:
            await client.aclose()
            await engine.stop()
    finally:
        house.close()
        shutil.rmtree(folder)


async def run(plan: Plan) -> dict[str, Any]:
    """One run; returns its verdict."""
    async with _world(plan) as herd:
        judged = await herd.run()
        slow = await herd.slow_scripts()
        left = await herd.observer.count()
    findings = judged.findings
    findings["early"] = (herd.observer.findings + findings["early"])[:1000]
    findings["left"] = [f"{left} timers are left"] if left else []
    findings["probes"] = herd.probes.failed
    figures = herd.figures | {
        "judged": len(judged.late_ms),
        "late_ms_p50": share(judged.late_ms, 0.5),
        "late_ms_p99": share(judged.late_ms, 0.99),
        "late_ms_max": max(judged.late_ms, default=None),
        "looks": herd.observer.looks,
        "kills_on_held_claims": herd.killed_holding,
        "scripts_over_10_ms": slow[:5],
    }
    if plan.idle:
        p99 = figures["probe_p99_ms_meanwhile"] or 0.0
        findings["latency"] = [f"p99 of probes is {p99} ms"] if p99 > 2000 else []
        findings["scripts"] = slow
    shortfalls = herd.shortfalls
    if herd.observer.looks < 10:
        shortfalls.append(f"the timers were looked at only {herd.observer.looks} times")
    if plan.kills and herd.killed_holding < plan.kills // 2:
        shortfalls.append(f"only {herd.killed_holding} of {plan.kills} kills hit a held claim")
    return verdict_of(findings, shortfalls=shortfalls, figures=figures, plan=asdict(plan))
