"""One run: a Redis that can be made to fail, an engine, an API, a load; and what is checked when it is over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detent import DetentError

from tests.chaos.outages.load import Load
from tests.chaos.outages.server import FailingRedis
from tests.chaos.outages.silence import SilentProxy
from tests.chaos.rig import chains, dump
from tests.chaos.rig.indexes import problems
from tests.chaos.rig.processes import Household, Server

LEASE_MS = 2000
SETTLE_SECONDS = 120.0
BACK_SECONDS = 5.0  # until something is acknowledged again, from Redis' first answer


@dataclass
class Run:
    redis: FailingRedis
    household: Household
    load: Load
    findings: dict[str, list[str]] = field(default_factory=dict)
    figures: Counter[str] = field(default_factory=Counter)
    shortfalls: list[str] = field(default_factory=list)
    proxy: SilentProxy | None = None  # between the engine and Redis
    slow: float = 1.0  # time-outs are so many times longer where others use the machine
    failures: list[tuple[float, float]] = field(
        default_factory=list
    )  # from, to: seconds of the monotonic clock

    def find(self, check: str, text: str) -> None:
        self.findings.setdefault(check, []).append(text)

    def expect(self, true: bool, check: str, text: str) -> None:
        self.findings.setdefault(check, [])
        if not true:
            self.find(check, text)

    async def health(self) -> dict[str, Any]:
        """What /healthz of the API says."""
        return dict(await self.load.client.health())

    async def ready(self, *servers: Server) -> None:
        """Wait until the processes have started, and the API takes requests."""
        for server in servers:
            await self.household.ready(server)
        await self.until(self._answers, 30.0)

    async def _answers(self) -> bool:
        try:
            await self.health()
        except DetentError:
            return False
        return True

    async def until(self, holds: Callable[[], Any], seconds: float) -> float | None:
        """Seconds until `holds` (which may be a coroutine function) was true; None where it was not in time."""
        began = time.monotonic()
        while time.monotonic() - began < seconds * self.slow:
            found = holds()
            if await found if asyncio.iscoroutine(found) else found:
                return time.monotonic() - began
            await asyncio.sleep(0.05)
        return None

    async def back(self, seconds: float = BACK_SECONDS) -> None:
        """Something new is acknowledged in time."""
        before = self.load.acknowledged
        took = await self.until(lambda: self.load.acknowledged > before, seconds)
        self.expect(
            took is not None,
            "back",
            f"nothing was acknowledged within {seconds} s of Redis' return",
        )
        self.figures["back_ms_max"] = max(
            self.figures["back_ms_max"], round(1000 * (took or seconds))
        )

    async def down(self, word: str, seconds: float = 3.0) -> None:
        """/healthz says `down` and why, in time, and a start is refused."""

        async def told() -> bool:
            found = await self.health()
            return found["status"] == "down" and any(word in reason for reason in found["reasons"])

        took = await self.until(told, seconds)
        self.expect(
            took is not None, "noticed", f"/healthz did not say {word!r}: {await self.health()}"
        )
        self.figures["noticed_ms"] = round(1000 * (took or 0))
        before = len(self.load.starts)
        await self.load.start()
        self.expect(len(self.load.starts) == before, "refused", "a start was acknowledged")

    def events(self, name: str) -> list[dict[str, Any]]:
        """Lines of the processes' logs that tell of an event."""
        found = []
        for log in sorted(self.household.folder.glob("*.log")):
            for line in log.read_text().splitlines():
                if f'"event":"{name}"' in line:
                    found.append(json.loads(line))  # noqa: PERF401 - two loops and a condition
        return found

    async def settle(self, *, lost_after: float = 0.0) -> None:
        """Let what there is come to its end, and check it. `lost_after`: seconds before each failure that may be lost."""
        load = self.load
        await load.quiet()
        client = dump.client_of(self.redis.url)
        try:
            await self.until(self._all_ended, SETTLE_SECONDS)
            for server in (self.household.api, *self.household.engines):
                self.household.terminate(server)
            found = await dump.snapshot(client, "detent")
        finally:
            await client.aclose()
        there = {each["id"]: each for each in dump.executions(found, "detent")}
        self._check_kept(there, lost_after)
        for key, each in there.items():
            self._check_one(key, each, may_repeat=lost_after > 0)
        self.findings["indexes"] = problems(found, "detent")
        self.findings["refused for good"] = load.failed if not lost_after else []
        self.findings["log"] = [str(e) for e in self.events("execution.quarantined")]
        self.figures |= {
            "starts": len(load.starts), "signals": len(load.signals), "executions": len(there),
            "refused": load.refused, "rollbacks_told": len(self.events("store.rolled_back")),
        }  # fmt: skip
        if load.acknowledged < 20:
            self.shortfalls.append(f"only {load.acknowledged} acknowledgements")

    async def _all_ended(self) -> bool:
        """Signal whoever still waits for it; whether nothing runs."""
        running = 0
        try:
            async for each in self.load.client.executions(status="RUNNING"):
                running += 1
                await self.load.client.signal(each["id"], "go", {"of": each["id"]}, id="go")
        except DetentError:
            return False
        return running == 0

    def _check_kept(self, there: dict[str, Any], lost_after: float) -> None:
        lost = [key for key in self.load.starts if key not in there]
        self.figures["starts_lost"] = len(lost)
        self.findings["lost"] = [
            f"{key} was acknowledged and is gone"
            for key in lost
            if not any(
                begun - lost_after <= self.load.starts[key] <= over
                for begun, over in self.failures
                if lost_after
            )
        ]
        if lost and not self.events("store.rolled_back"):
            self.find("told", f"{len(lost)} acknowledged starts are gone, and nobody was told")

    def _check_one(self, key: str, each: dict[str, Any], *, may_repeat: bool) -> None:
        records = each["records"]
        ids = [record["id"] for record in records]
        self.expect(ids == list(range(1, len(ids) + 1)), "sequence", f"{key} has record ids {ids}")
        self.findings.setdefault("chain", []).extend(f"{key} {t}" for t in chains.problems(records))
        self.expect(
            each["status"] == "SUCCEEDED", "ended", f"{key} is {each['status']}: {each['error']}"
        )
        signals = sum(record["type"] == "SignalReceived" for record in records)
        self.expect(signals == 1, "signals", f"{key} received {signals} signals")
        keys = self.load.performed.get(key.partition(":")[2], set())
        # Steps that were lost are made again, and need not come to the same task at the same revision.
        self.figures["effects_repeated"] += len(keys) > 1
        is_right = len(keys) >= 1 if may_repeat else len(keys) == 1
        self.expect(is_right, "effects", f"{key} was worked on under {len(keys)} keys")


@contextlib.asynccontextmanager
async def running(
    *, policy: str = "always", synced: bool = False, options: dict[str, str] | None = None,
    slow: float = 1.0, engines: int = 1, silent: bool = False,
) -> AsyncIterator[Run]:  # fmt: skip
    """Everything started and ready; ended and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="dto"))
    redis = FailingRedis(folder, policy=policy, synced=synced)
    redis.options = options or {}
    household = Household(folder, engines=engines, lease_ms=LEASE_MS)
    household.redis = redis  # type: ignore[assignment]
    load = Load(household.url)
    proxy = SilentProxy(folder / "proxy.sock", folder / "redis.sock")
    try:
        if silent:
            await proxy.start()
            household.engine_redis_url = proxy.url
        household.start()
        run = Run(redis, household, load, slow=slow, proxy=proxy if silent else None)
        await run.ready(household.api, *household.engines)
        yield run
    finally:
        await load.close()
        household.close()
        await proxy.close()
        shutil.rmtree(folder, ignore_errors=True)
