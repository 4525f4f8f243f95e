"""Watching a herd from outside: timers that go before Redis says their time has come, and how unrelated work fares."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from typing import Any

from engine.documents import Document
from engine.errors import EngineError
from engine.serve import Engine
from engine.store.keys import Keys
from engine.views import Caller, Outcome
from tests.chaos.herd.parts import PROBE, PROBE_QUEUE

ME = Caller()
LOOK_SECONDS = 0.05
PROBE_SECONDS = 0.1  # between two probes
PROBE_WAIT_MS = 60_000

# Redis time, and how many timers of a partition are not due yet, at one moment.
PENDING = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
return {string.format('%.0f', now), redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%.0f', now), '+inf')}
"""


class Observer:
    """Reads the timers once, and then again and again how many are left: none may be gone before its time."""

    def __init__(self, client: Any, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._due: list[list[float]] = []
        self.findings: list[str] = []
        self.looks = 0

    async def count(self) -> int:
        """How many timers there are."""
        pipe = self._client.pipeline(transaction=False)
        for partition in range(self._keys.partitions):
            pipe.zcard(self._keys.timers(partition))
        return sum(await pipe.execute())

    async def begin(self) -> None:
        """Take note of every timer there is."""
        for partition in range(self._keys.partitions):
            key = self._keys.timers(partition)
            found = await self._client.zrange(key, 0, -1, withscores=True)
            self._due.append(sorted(score for _, score in found))

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        pipe = self._client.pipeline(transaction=False)
        for partition in range(self._keys.partitions):
            pipe.eval(PENDING, 1, self._keys.timers(partition))
        self.looks += 1
        for partition, (now, left) in enumerate(await pipe.execute()):
            due = self._due[partition]
            expected = len(due) - bisect_right(due, float(now))
            if left < expected:
                self.findings.append(
                    f"at {int(now)} partition {partition} has {left} timers of a later time, {expected} were set"
                )


class Probes:
    """Executions that have nothing to do with the herd: three states and a task, started all the time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.took: list[tuple[float, float]] = []  # (when it was started, seconds to its end)
        self.failed: list[str] = []

    async def run(self) -> None:
        """Start one after the other, on time whatever becomes of those before, until cancelled."""
        worker = asyncio.create_task(self._work())
        try:
            while True:
                self._count += 1
                task = asyncio.create_task(self._one(f"p-{self._count}"))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                await asyncio.sleep(PROBE_SECONDS)
        finally:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=PROBE_WAIT_MS / 1000)
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def _one(self, name: str) -> None:
        began = time.monotonic()
        given = Document.of({})
        started = await self._engine.commands.start(
            ME, PROBE, name=name, input=given, version=None, wait_ms=PROBE_WAIT_MS
        )
        if started.execution.status != "SUCCEEDED":
            self.failed.append(f"{name} is {started.execution.status} after a minute")
        self.took.append((began, time.monotonic() - began))

    async def _work(self) -> None:
        while True:
            try:
                tasks = await self._engine.commands.lease(
                    ME, PROBE_QUEUE, most=20, wait_ms=5000, lease_ms=10_000, worker="probe"
                )
                for task in tasks:
                    outcome = Outcome(task.token, output=Document.of({}), lease=task.lease)
                    await self._engine.commands.settle(ME, outcome)
            except EngineError:
                await asyncio.sleep(0.05)
