"""The kill test: orders under load while engine and API processes are killed, and a verdict over what is left.

    python -m tests.chaos.orders.kill --executions 2000 --kills 50 --seed 1

Writes its files into --folder (a temporary one by default) and the verdict to verdict.json there. Exit code: 0 pass,
1 fail, 2 invalid (too little was provoked to prove anything).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.store.keys import Keys
from tests.chaos.orders.load import Callers, Workers
from tests.chaos.orders.plan import orders
from tests.chaos.rig import checker, dump
from tests.chaos.rig.journal import Journal
from tests.chaos.rig.processes import Household, Server
from tests.chaos.rig.proxy import LossyProxy
from tests.chaos.rig.verdicts import show

HERE = Path(__file__).parent
CONCURRENT_STARTS = 20
AHEAD = 3  # shares of the orders that are started before their fault, so that there is always work
READY_SECONDS = 60.0
AIM_SECONDS = 10.0


@dataclass(frozen=True)
class Plan:
    """What a run does. `held_min`: kills that must hit a held claim. `loss`: part of commits whose reply is lost."""

    executions: int = 2000
    kills: int = 50
    held_min: int = 30
    seed: int = 1
    engines: int = 2
    lease_ms: int = 5000
    api_share: float = 0.1  # of the kills
    gap_seconds: tuple[float, float] = (0.2, 1.2)  # between kills
    pauses: int = 0  # an engine is stopped for longer than its lease, and goes on
    drains: int = 0  # an engine or the API is told to end, in turn, and started again
    loss: float = 0.0
    losses_min: int = 0
    settle_seconds: float = 120.0  # after the last kill, until everything has ended
    mutant: str = ""


class Faults:
    """Kills and pauses, at random moments, and what they hit."""

    def __init__(self, plan: Plan, household: Household, client: Any, journal: Journal) -> None:
        self._plan = plan
        self._household = household
        self._client = client
        self._journal = journal
        self._chance = random.Random(f"faults/{plan.seed}")
        self._keys = Keys("detent", 64)
        self._drained = 0
        self._kills = 0
        self._hits = 0  # kills that hit a held claim
        self.done = 0

    @property
    def total(self) -> int:
        return self._plan.kills + self._plan.pauses + self._plan.drains

    async def run(self) -> None:
        plan = self._plan
        api = round(plan.kills * plan.api_share)
        whats = ["api"] * api + ["engine"] * (plan.kills - api)
        whats += ["pause"] * plan.pauses + ["drain"] * plan.drains
        self._chance.shuffle(whats)
        for what in whats:
            await asyncio.sleep(self._chance.uniform(*self._plan.gap_seconds))
            match what:
                case "pause":
                    await self._pause()
                case "drain":
                    await self._drain()
                case _:
                    await self._kill(what)
            self.done += 1

    async def _kill(self, kind: str) -> None:
        """Kill a process that is at work; count the claims it held by what stands in Redis after its death."""
        household = self._household
        server = household.api if kind == "api" else self._chance.choice(household.engines)
        holder = await self._household.ready(server, READY_SECONDS)
        await asyncio.sleep(self._chance.uniform(0.0, 0.6))
        aimed = bool(holder) and self._behind()
        if aimed:
            await self._stop_at_work(server, holder)
        pid = self._household.kill(server)
        held = await dump.held(self._client, self._keys, holder) if holder else []
        self._household.spawn(server)
        self._kills += 1
        self._hits += bool(held)
        self._journal.add(what="kill", kind=server.kind, pid=pid, held=held, aimed=aimed)

    def _behind(self) -> bool:
        """Whether fewer kills have hit a held claim by now than the plan needs."""
        return self._hits * self._plan.kills < self._plan.held_min * (self._kills + 1)

    async def _stop_at_work(self, server: Server, holder: str) -> None:
        """Too many kills have met an idle process: stop this one at random moments until it holds something."""
        assert server.process is not None
        deadline = time.monotonic() + AIM_SECONDS
        while time.monotonic() < deadline:
            server.process.send_signal(signal.SIGSTOP)
            if await dump.held(self._client, self._keys, holder):
                return
            server.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(self._chance.uniform(0.0, 0.02))

    async def _drain(self) -> None:
        """SIGTERM to each process in turn, while the callers go on."""
        servers = [self._household.api, *self._household.engines]
        server = servers[self._drained % len(servers)]
        self._drained += 1
        holder = await self._household.ready(server, READY_SECONDS)
        code, seconds = await asyncio.to_thread(self._household.terminate, server)
        held = await dump.held(self._client, self._keys, holder) if holder else []
        self._household.spawn(server)
        self._journal.add(what="drain", kind=server.kind, code=code, seconds=seconds, held=held)

    async def _pause(self) -> None:
        """Stop an engine until its claims have lapsed and others have them; then let it go on, a zombie."""
        server = self._chance.choice(self._household.engines)
        holder = await self._household.ready(server, READY_SECONDS)
        process = server.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        held = await dump.held(self._client, self._keys, holder)
        try:
            await asyncio.sleep(self._plan.lease_ms / 1000 * 1.5 + 1.0)
        finally:
            process.send_signal(signal.SIGCONT)
        self._journal.add(what="pause", kind=server.kind, pid=process.pid, held=held)


async def _load(plan: Plan, callers: Callers, faults: Faults) -> None:
    """Start the orders, spread over the faults, so that each fault meets work."""
    gate = asyncio.Semaphore(CONCURRENT_STARTS)

    async def start(order: Any) -> None:
        async with gate:
            await callers.start(order)

    async with asyncio.TaskGroup() as group:
        for order in orders(plan.seed, plan.executions):
            while order.number * faults.total >= plan.executions * (faults.done + AHEAD):
                await asyncio.sleep(0.05)
            group.create_task(start(order))
            if order.number % 5 == 0:
                await asyncio.sleep(0.02)


async def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """One run; returns its verdict, which lies in the folder too."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(asdict(plan)), encoding="utf-8")
    began = time.monotonic()
    ops, effects, faulty = (
        Journal(folder / f"{name}.jsonl") for name in ("ops", "effects", "faults")
    )
    try:
        async with _household(plan, folder) as household:
            client = dump.client_of(household.redis.url)
            try:
                await _drive(plan, household, client, (ops, effects, faulty))
                for server in (household.api, *household.engines):
                    household.terminate(server)
                await dump.write(client, "detent", folder)
            finally:
                await client.aclose()
    finally:
        for journal in (ops, effects, faulty):
            journal.close()
    found = checker.verdict(checker.read(folder))
    found["seconds"] = round(time.monotonic() - began, 1)
    (folder / "verdict.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    return found


async def _drive(
    plan: Plan, household: Household, client: Any, journals: tuple[Journal, Journal, Journal]
) -> None:
    ops, effects, faulty = journals
    callers = Callers(household.url, ops)
    workers = Workers(household.url, plan.seed, effects, ops)
    try:
        await callers.publish((HERE / "order.yaml").read_bytes())
        await workers.start()
        faults = Faults(plan, household, client, faulty)
        async with asyncio.TaskGroup() as group:
            group.create_task(faults.run())
            group.create_task(_load(plan, callers, faults))
        await callers.quiet()
        await _settled(client, plan.settle_seconds)
    finally:
        await workers.stop()
        await callers.close()


async def _settled(client: Any, seconds: float) -> None:
    """Wait until nothing runs any more. What still does when the time is over, the checker will name."""
    keys = Keys("detent", 64)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and await dump.running(client, keys, "default"):
        await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def _household(plan: Plan, folder: Path) -> AsyncIterator[Household]:
    household = Household(folder, engines=plan.engines, lease_ms=plan.lease_ms, mutant=plan.mutant)
    proxy = None
    household.redis.start()
    try:
        if plan.loss:
            proxy = LossyProxy(household.redis.url, folder, loss=plan.loss, seed=plan.seed)
            household.engine_redis_url = await proxy.start()
        for server in (*household.engines, household.api):
            household.spawn(server)
        for server in (*household.engines, household.api):
            await household.ready(server, READY_SECONDS)
        yield household
    finally:
        household.close()
        if proxy is not None:
            await proxy.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=Plan.executions)
    parser.add_argument("--kills", type=int, default=Plan.kills)
    parser.add_argument("--held-min", type=int, help="kills that must hit a held claim: 60 %%")
    parser.add_argument("--pauses", type=int, default=Plan.pauses)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--lease-ms", type=int, default=Plan.lease_ms)
    parser.add_argument("--settle-seconds", type=float, default=Plan.settle_seconds)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--mutant", default="", help="of tests/chaos/broken/engine.py")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    logging.getLogger("detent").setLevel(logging.ERROR)
    plan = Plan(
        executions=given.executions,
        kills=given.kills,
        held_min=given.kills * 6 // 10 if given.held_min is None else given.held_min,
        pauses=given.pauses,
        seed=given.seed,
        lease_ms=given.lease_ms,
        settle_seconds=given.settle_seconds,
        loss=given.loss,
        losses_min=1 if given.loss else 0,
        mutant=given.mutant,
    )
    folder = given.folder or Path(tempfile.mkdtemp(prefix="detent-kill-"))
    found = asyncio.run(run(plan, folder))
    print(f"The files of the run are in {folder}.", file=sys.stderr)
    return show(found)


if __name__ == "__main__":
    sys.exit(main())
