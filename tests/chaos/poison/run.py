"""Poison among good executions: it is set aside and found, the good ones go on, and a person lets it go on.

Engines in which some decisions fall over (`engine.py`) run beside the API; a process that dies is started again, as a
supervisor would. First without poison (quiet), then with all that leaves the engines alive (poison), then with what kills
them (deaths). At the end sound engines take over, what was overwritten is mended, and everything set aside is released.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp

from engine.store.executions import CLAIMS_MAX
from engine.store.keys import Keys, ref_of
from tests.chaos.hostile.doors import told
from tests.chaos.hostile.neighbours import Neighbours, percentile, slowness
from tests.chaos.hostile.served import until_ready
from tests.chaos.poison.kinds import GARBAGE, Kind, kinds
from tests.chaos.poison.patched import PREFIX
from tests.chaos.rig import dump
from tests.chaos.rig.processes import DETENT, Household, Server
from tests.chaos.rig.verdicts import verdict_of

NAMESPACE = "default"
RATIO_MAX = 1.5
BUSY = 1.5
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Plan:
    """`good` executions in each of three phases; one poisoned execution in each of `partitions`, of `kinds` kinds."""

    seed: int = 1
    kinds: int = 14
    good: int = 1700
    ratio_max: float = (
        RATIO_MAX  # of the p99 of good ones, beside poison over without; 0: too few to be judged
    )
    partitions: int = 64
    engines: int = 2
    lease_ms: int = 2000


@dataclass
class Poisoned:
    """One poisoned execution, and what was stored where it was overwritten."""

    kind: Kind
    id: str
    key: str
    kept: bytes | None = None


class Keeper:
    """Starts engines again that have died, and counts."""

    def __init__(self, household: Household) -> None:
        self._household = household
        self.deaths = 0

    async def keep(self) -> None:
        while True:
            for server in self._household.engines:
                if server.process is not None and server.process.poll() is not None:
                    self.deaths += 1
                    self._household.spawn(server)
            await asyncio.sleep(0.05)


class Run:
    """One run; `findings` by the name of the check."""

    def __init__(self, plan: Plan, household: Household, client: aiohttp.ClientSession) -> None:
        self.plan = plan
        self._household = household
        self._http = client
        self._redis = dump.client_of(household.redis.url)
        self._keys = Keys("detent", 64)
        self.findings: dict[str, list[str]] = {
            name: [] for name in ("ends", "innocents", "found", "released", "processes", "others")
        }
        self.counts: Counter[str] = Counter()
        self.poisoned: list[Poisoned] = []

    def chosen(self) -> list[Kind]:
        every = kinds()
        return random.Random(f"poison/{self.plan.seed}").sample(
            every, min(self.plan.kinds, len(every))
        )

    async def publish(self, chosen: list[Kind]) -> None:
        for kind in chosen:
            await told(self._http, "PUT", f"/v1/definitions/{PREFIX}{kind.name}", kind.definition)

    async def start(self, chosen: list[Kind], *, deadly: bool) -> list[Poisoned]:
        """One in each partition, its kind in turn; those whose turn it is in this phase."""
        begun = []
        for partition in range(self.plan.partitions):
            kind = chosen[partition % len(chosen)]
            if kind.deadly != deadly:
                continue
            one = await self._start(kind, self._name_in(partition, kind))
            begun.append(one)
            self.counts[kind.name] += 1
        self.poisoned += begun
        return begun

    def _name_in(self, partition: int, kind: Kind) -> str:
        """A name that puts the execution into this partition."""
        number = 0
        while True:
            ref = ref_of(NAMESPACE, f"{PREFIX}{kind.name}:n{number}")
            if self._keys.partition_of(ref) == partition:
                return f"n{number}"
            number += 1

    async def _start(self, kind: Kind, name: str) -> Poisoned:
        path = f"/v1/definitions/{PREFIX}{kind.name}/executions"
        started = await told(self._http, "POST", path, {"name": name})
        keys = self._keys.of(ref_of(NAMESPACE, started["id"]))
        one = Poisoned(kind, started["id"], keys.execution)
        if not kind.field:
            return one
        await self._until_resting(one)
        if kind.field == "inbox":
            await self._redis.rpush(keys.inbox, GARBAGE)
        else:
            one.kept = await self._redis.hget(keys.execution, kind.field)
            await self._redis.hset(keys.execution, kind.field, GARBAGE)
            await self._redis.hset(keys.execution, "ready", "0")
        await told(self._http, "POST", f"/v1/executions/{one.id}/signals/go", {"payload": 1})
        return one

    async def _until_resting(self, one: Poisoned) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            view = await told(self._http, "GET", f"/v1/executions/{one.id}")
            own = await self._redis.hget(one.key, "own")
            if view.get("waiting_signals") and not own:
                return
            assert time.monotonic() < deadline, view
            await asyncio.sleep(0.02)

    async def judge(self, begun: list[Poisoned]) -> None:
        """Each has come to the end that its kind has to come to, and none took more claims than are allowed."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for one in begun:
            if one.kind.end == "ABORTED":
                await told(self._http, "POST", f"/v1/executions/{one.id}/terminate")
            while True:
                view = await told(self._http, "GET", f"/v1/executions/{one.id}")
                end = "quarantined" if "quarantined" in view else view["status"]
                if end != "RUNNING" or time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.1)
            if end != one.kind.end:
                self.findings["ends"].append(f"{one.id}: {end} instead of {one.kind.end}")
            claims = int(await self._redis.hget(one.key, "claims") or 0)
            if claims > CLAIMS_MAX:
                self.findings["ends"].append(f"{one.id} was claimed {claims} times")

    async def listed(self) -> None:
        """Who looks for what is set aside finds the poison, and nothing else."""
        right = {one.id for one in self.poisoned if one.kind.end == "quarantined"}
        page = await told(self._http, "GET", "/v1/executions?quarantined=true&limit=1000")
        found = {one["id"] for one in page["executions"]}
        self.findings["found"] += [f"{name} is not listed" for name in sorted(right - found)]
        self.findings["innocents"] += [f"{name} is set aside" for name in sorted(found - right)]
        self.counts["quarantined"] = len(found)

    async def release(self) -> None:
        """With the overwritten bytes back and sound engines, everything goes on to its success."""
        for one in self.poisoned:
            if one.kind.end != "quarantined":
                continue
            if one.kept is not None:
                await self._redis.hset(one.key, one.kind.field, one.kept)
                await self._redis.hset(one.key, "ready", "")
            elif one.kind.field == "inbox":
                keys = self._keys.of(ref_of(NAMESPACE, one.id))
                await self._redis.lrem(keys.inbox, 1, GARBAGE)
            await told(self._http, "POST", f"/v1/executions/{one.id}/release", {"reason": "mended"})
            view = await told(self._http, "GET", f"/v1/executions/{one.id}?wait=30")
            if view["status"] != "SUCCEEDED":
                self.findings["released"].append(
                    f"{one.id}: {view['status']} {view.get('quarantined')}"
                )
            self.counts["released"] += 1

    async def listed_none(self) -> None:
        """Nobody is set aside any more."""
        page = await told(self._http, "GET", "/v1/executions?quarantined=true")
        left = [one["id"] for one in page["executions"]]
        self.findings["released"] += [f"{name} is still set aside" for name in left]

    async def close(self) -> None:
        await self._redis.aclose()


async def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """One run; returns its verdict."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    household = Household(folder, engines=plan.engines, lease_ms=plan.lease_ms)
    for server in household.engines:
        server.arguments = ("-m", "tests.chaos.poison.patched", "engine")
    with contextlib.ExitStack() as ends:
        ends.callback(household.close)
        household.start()
        for server in (household.api, *household.engines):
            await household.ready(server)
        async with aiohttp.ClientSession(household.url) as client:
            await until_ready(client)
            return await _phases(plan, household, client, began)


async def _phases(
    plan: Plan, household: Household, client: aiohttp.ClientSession, began: float
) -> dict[str, Any]:
    one = Run(plan, household, client)
    neighbours, keeper = Neighbours(client, 0), Keeper(household)
    keeping = asyncio.create_task(keeper.keep())
    pace: list[float] = []
    try:
        await neighbours.publish()
        await neighbours.measure("warm", plan.good // 10)
        pace.append(slowness())
        await neighbours.measure("quiet", plan.good)
        chosen = one.chosen()
        await one.publish(chosen)
        alive, _ = await asyncio.gather(
            one.start(chosen, deadly=False), neighbours.measure("poison", plan.good)
        )
        pace.append(slowness())
        await one.judge(alive)
        if keeper.deaths:
            one.findings["processes"].append(
                f"{keeper.deaths} engines have died of what is not deadly"
            )
        deadly, _ = await asyncio.gather(
            one.start(chosen, deadly=True), neighbours.measure("deaths", plan.good)
        )
        await one.judge(deadly)
        pace.append(slowness())
        before = keeper.deaths
        if before > CLAIMS_MAX * len(deadly):
            one.findings["processes"].append(f"{before} deaths of {len(deadly)} that are deadly")
        await one.listed()
        keeping.cancel()
        await _sound(household)
        await one.release()
        await one.listed_none()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await one.close()
    return _verdict(one, neighbours, keeper, pace, time.monotonic() - began)


async def _sound(household: Household) -> None:
    """Engines without a fault take over."""
    for server in household.engines:
        _end(server)
        server.arguments = (*DETENT, "engine")
        household.spawn(server)
    for server in household.engines:
        await household.ready(server)


def _end(server: Server) -> None:
    assert server.process is not None
    server.process.terminate()
    server.process.wait()


def _verdict(
    one: Run, neighbours: Neighbours, keeper: Keeper, pace: list[float], seconds: float
) -> dict[str, Any]:
    one.findings["others"] += neighbours.failures
    latencies, busy = neighbours.figures(), percentile(pace, 0.5)
    shortfalls = []
    if one.plan.ratio_max and latencies["poison_p99_ratio"] > one.plan.ratio_max:
        said = f"p99 of others is {latencies['poison_p99_ratio']} times that without poison"
        if busy > BUSY:
            shortfalls.append(f"{said}, on a machine that is {busy:.1f} times slower than its CPU")
        else:
            one.findings["others"].append(said)
    if not one.counts["quarantined"]:
        shortfalls.append("nothing was set aside")
    figures = {
        **dict(sorted(one.counts.items())),
        **latencies,
        "deaths": keeper.deaths,
        "slowness_p50": round(busy, 2),
        "seconds": round(seconds, 1),
    }
    return verdict_of(one.findings, shortfalls=shortfalls, figures=figures, plan=asdict(one.plan))
