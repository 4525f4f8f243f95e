"""Orders under load while primaries are cut off, frozen and killed, and a verdict over what is left.

Engines and API know nothing but the sentinels. A cut takes the primary away from the two replicas (with the engine and
the callers beside it, where there are namespaces), leaves it so until after another has taken its place, and heals.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import redis

from engine.store.keys import Keys
from tests.chaos.orders.load import Callers, Workers
from tests.chaos.orders.plan import DEFINITION, orders
from tests.chaos.rig import checker, dump
from tests.chaos.rig.journal import Journal
from tests.chaos.rig.verdicts import verdict_of
from tests.chaos.sentinel import network
from tests.chaos.sentinel.fleet import TOKEN, Fleet, Spot
from tests.chaos.sentinel.probes import Probes
from tests.chaos.sentinel.servers import Options, Place, Process, Servers, signal

HERE = Path(__file__).parent
ORDER = HERE.parent / "orders" / "order.yaml"
RECOVERY_SECONDS = 2.0  # beyond failover and lease
WHOLE_SECONDS = 90.0
FAILOVER_SECONDS = 60.0
CUT_SECONDS = 0.5  # what was acknowledged before still had left
CYCLE_SECONDS = 16.0  # of a cut, about: starts are spread over them
HOWS = {"namespaces": ("isolate", "isolate", "kill", "freeze"), "loopback": ("kill", "freeze")}


@dataclass(frozen=True)
class Plan:
    """What a run does. `network` is "namespaces" or "loopback"; `prefix` what the namespaces' names begin with."""

    executions: int = 600
    cuts: int = 20
    seed: int = 1
    network: str = "loopback"
    prefix: str = ""
    waits: bool = True
    hows: tuple[str, ...] = ()  # of the cuts, in turn; () those of the network
    engines: int = 2  # on loopback; in namespaces one with the majority and one beside each server
    lease_ms: int = 5000
    cut_seconds: float = 9.0
    settle_seconds: float = 120.0
    ports: tuple[int, ...] = ()
    kills: int = 0  # of engines; the checker asks
    held_min: int = 0


class Cuts:
    """Takes primaries away, one after the other, and notes what came of it."""

    def __init__(self, plan: Plan, servers: Servers, probes: Probes, journal: Journal) -> None:
        self._plan = plan
        self._servers = servers
        self._probes = probes
        self._journal = journal
        self._chance = random.Random(f"cuts/{plan.seed}")
        self.done = 0
        self.shortfalls: list[str] = []

    async def run(self) -> None:
        hows = self._plan.hows or HOWS[self._plan.network]
        for number in range(self._plan.cuts):
            if not await self._becomes(self._servers.whole, WHOLE_SECONDS):
                self.shortfalls.append(f"before cut {number} the servers did not come together")
                return
            await asyncio.sleep(self._chance.uniform(0.5, 2.5))
            await self._cut(hows[number % len(hows)])
            self.done += 1

    async def _cut(self, how: str) -> None:
        primary = await asyncio.to_thread(self._servers.primary)
        if primary is None:
            self.shortfalls.append("sentinels did not agree on a primary")
            return
        at = time.monotonic()
        self._begin(how, primary)
        unheard = self._servers.servers.index(primary) if how == "isolate" else None
        elsewhere = await self._becomes(
            lambda: self._servers.primary(unheard) not in (None, primary), FAILOVER_SECONDS
        )
        failover = time.monotonic() - at
        allowed = failover + self._plan.lease_ms / 1000 + RECOVERY_SECONDS
        recovered = await self._probes.recovered(at, 3 * allowed) if elsewhere else None
        await asyncio.sleep(max(0.0, at + self._plan.cut_seconds - time.monotonic()))
        self._end(how, primary)
        self._journal.add(
            what="cut",
            how=how,
            server=self._servers.servers.index(primary),
            at=at,
            until=time.monotonic(),
            failover=failover if elsewhere else None,
            recovered=recovered,
            allowed=allowed,
            lag=self._probes.lag(at),
        )

    def _begin(self, how: str, primary: Process) -> None:
        match how:
            case "isolate":
                network.cut(self._plan.prefix, self._servers.servers.index(primary))
            case "freeze":
                primary.signal(signal.SIGSTOP)
            case _:
                primary.kill()

    def _end(self, how: str, primary: Process) -> None:
        """What was the primary comes back, and still takes itself for one."""
        match how:
            case "isolate":
                network.heal(self._plan.prefix, self._servers.servers.index(primary))
            case "freeze":
                primary.signal(signal.SIGCONT)
            case _:
                primary.spawn()

    @staticmethod
    async def _becomes(fulfilled: Any, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if await asyncio.to_thread(fulfilled):
                return True
            await asyncio.sleep(0.05)
        return False


class Via:
    """A journal that notes by which engine a caller has gone."""

    def __init__(self, journal: Journal, number: int) -> None:
        self._journal = journal
        self._number = number

    def add(self, **line: Any) -> None:
        self._journal.add(via=self._number, **line)


async def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """One run; returns its verdict. The files of the run are left in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(asdict(plan)), encoding="utf-8")
    options = Options() if plan.waits else Options(min_replicas=0)
    places, spots = _places(plan)
    servers = Servers(folder, options, places, plan.ports[:6])
    fleet = Fleet(folder, spots, plan.ports[6:], _settings(plan, servers.url))
    journals = [Journal(folder / f"{name}.jsonl") for name in ("ops", "effects", "faults")]
    try:
        servers.start()
        fleet.start()
        await fleet.ready()
        cuts = await _drive(plan, servers, fleet, journals)
        fleet.close()
        await _dump(servers, folder)
    finally:
        fleet.close()
        servers.close()
        for journal in journals:
            journal.close()
    return _verdict(plan, folder, cuts)


def _places(plan: Plan) -> tuple[list[Place] | None, list[Spot]]:
    if plan.network == "loopback":
        return None, [Spot() for _ in range(plan.engines)]
    names = [network.node_of(plan.prefix, number) for number in range(network.NODES)]
    places = [Place(network.host("data", n), network.within(name)) for n, name in enumerate(names)]
    beside = [
        Spot(network.host("watch", n), network.within(name), n) for n, name in enumerate(names)
    ]
    return places, [Spot(), *beside]


def _settings(plan: Plan, url: str) -> dict[str, str]:
    return {
        "DETENT_REDIS_URL": url,
        "DETENT_TOKEN": TOKEN,
        "DETENT_LEASE_MS": str(plan.lease_ms),
        "DETENT_WAIT_REPLICAS": "1" if plan.waits else "0",
        "DETENT_PROMISE_MIN": "ha" if plan.waits else "none",
        "DETENT_LOG": "json",
    }


async def _drive(plan: Plan, servers: Servers, fleet: Fleet, journals: Sequence[Journal]) -> Cuts:
    ops, effects, faulty = journals
    probes = Probes(fleet.urls[0], TOKEN)
    callers = [
        Callers(url, Via(ops, number), token=TOKEN)  # type: ignore[arg-type]
        for number, url in enumerate(fleet.urls)
    ]
    workers = Workers(fleet.urls[0], plan.seed, effects, ops, token=TOKEN)
    cuts = Cuts(plan, servers, probes, faulty)
    probing = asyncio.create_task(probes.run())
    try:
        await callers[0].publish(ORDER.read_bytes())
        await workers.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(cuts.run())
            group.create_task(_load(plan, callers, cuts))
        for caller in callers:
            await caller.quiet()
        await _settled(servers, plan.settle_seconds)
    finally:
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)
        await workers.stop()
        for caller in callers:
            await caller.close()
    return cuts


async def _load(plan: Plan, callers: Sequence[Callers], cuts: Cuts) -> None:
    """Start the orders by all engines in turn, spread over the cuts; without waiting once the cuts are over."""
    gap = CYCLE_SECONDS * plan.cuts / plan.executions
    async with asyncio.TaskGroup() as group:
        for order in orders(plan.seed, plan.executions):
            group.create_task(callers[order.number % len(callers)].start(order))
            await asyncio.sleep(gap if cuts.done < plan.cuts else gap / 10)


def _client(servers: Servers) -> Any:
    primary = servers.primary()
    assert primary is not None, "there is no primary"
    return dump.client_of(f"redis://{primary.host}:{primary.port}")


async def _settled(servers: Servers, seconds: float) -> None:
    """Wait until nothing runs any more. What still does when the time is over, the checker will name."""
    keys = Keys("detent", 64)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await asyncio.to_thread(servers.primary) is not None:
            client = _client(servers)
            try:
                if not await dump.running(client, keys, "default"):
                    return
            except redis.RedisError:
                pass
            finally:
                await client.aclose()
        await asyncio.sleep(0.3)


async def _dump(servers: Servers, folder: Path) -> None:
    client = _client(servers)
    try:
        await dump.write(client, "detent", folder)
    finally:
        await client.aclose()


def _verdict(plan: Plan, folder: Path, cuts: Cuts) -> dict[str, Any]:
    evidence = checker.read(folder)
    ours = {k: v for k, v in evidence.executions.items() if k.startswith(f"{DEFINITION}:")}
    evidence = replace(evidence, executions=ours)
    made = [line for line in evidence.faults if line["what"] == "cut"]
    lost = sum(1 for op in evidence.acknowledged("start") if op["key"] not in ours)
    alarms = sum(
        "store.rolled_back" in line
        for path in folder.glob("*.log")
        for line in path.read_text(encoding="utf-8").splitlines()
    )
    figures = _figures(evidence, made) | {"starts_lost": lost, "rollback_alarms": alarms}
    short = [*cuts.shortfalls]
    if len(made) < plan.cuts:
        short.append(f"{len(made)} of {plan.cuts} cuts were made")
    short += [f"cut {n} brought no failover" for n, c in enumerate(made) if c["failover"] is None]
    if plan.waits:
        findings = {each.__name__: list(each(evidence)) for each in checker.CHECKS}
        findings["recovery"] = _slow(made)
        if figures["starts_acknowledged"] < plan.executions * 0.95:
            short.append("fewer than 95 % of the starts were acknowledged")
        if figures["calls_during_cuts"] < len(made):
            short.append("too few calls were on their way while there was no primary")
        if any(cut["how"] == "isolate" for cut in made) and not figures["calls_beside_isolated"]:
            short.append("nobody called the engine beside a primary that was isolated")
    else:
        # Without WAIT nothing is promised of a lost primary; a run that loses nothing has not tried.
        findings = {
            "told": [f"{lost} acknowledged starts were lost, and no process said so"]
            if lost and not alarms
            else []
        }
        if not lost:
            short.append("nothing was lost, so what the other run shows is no merit of WAIT")
    return verdict_of(findings, shortfalls=short, figures=figures, plan=asdict(plan))


def _slow(made: Sequence[dict[str, Any]]) -> list[str]:
    """Cuts after which nothing went on for longer than promised, by more than this process itself was held up."""
    found = []
    for number, cut in enumerate(made):
        recovered = cut["recovered"]
        allowed = cut["allowed"] + 2 * cut["lag"]
        if cut["failover"] is not None and (recovered is None or recovered > allowed):
            shown = "never" if recovered is None else f"after {recovered:.1f} s"
            found.append(f"cut {number} ({cut['how']}): went on {shown}, {allowed:.1f} s were due")
    return found


def _figures(evidence: checker.Evidence, made: Sequence[dict[str, Any]]) -> dict[str, Any]:
    known = checker.figures(evidence)
    names = ("executions", "starts_acknowledged", "signals_acknowledged", "transitions", "effects")
    during = [op for op in evidence.ops if any(_spans(op, cut) for cut in made)]
    isolated = [cut for cut in made if cut["how"] == "isolate"]
    beside = [
        (op, cut)
        for op in during
        for cut in isolated
        if op["via"] == cut["server"] + 1 and _spans(op, cut)
    ]
    doomed = [
        op
        for op, cut in beside
        if op["type"] == "ok" and cut["at"] + CUT_SECONDS < op["t1"] < cut["until"]
    ]
    failovers = sorted(cut["failover"] for cut in made if cut["failover"] is not None)
    recoveries = sorted(cut["recovered"] for cut in made if cut["recovered"] is not None)
    hows = [cut["how"] for cut in made]
    return {name: known[name] for name in names} | {
        "cuts": {how: hows.count(how) for how in dict.fromkeys(hows)},
        "calls_during_cuts": len(during),
        "calls_beside_isolated": len(beside),
        "acknowledged_beside_isolated": len(doomed),
        "failover_seconds": _spread(failovers),
        "recovery_seconds": _spread(recoveries),
        "lag_seconds_max": round(max((cut["lag"] for cut in made), default=0.0), 2),
    }


def _spans(op: dict[str, Any], cut: dict[str, Any]) -> bool:
    """Whether an operation was on its way, or begun, while the primary was away."""
    return "t0" in op and op["t0"] < cut["until"] and op["t1"] > cut["at"]


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {"median": round(values[len(values) // 2], 2), "max": round(values[-1], 2)}
