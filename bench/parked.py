"""Does waiting cost anything? Start and signal with few executions parked on a signal, and with very many.

Two stores of their own, one with 100 parked and one with --count, each with an engine in this process; starts and
signals go to both in turns, so that whatever else the machine does falls on both. Every start parks one more and every
signal ends one, so the numbers stay. What a parked execution occupies is told beside it, with and without what is the
caller's (input and name) or history.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import deque
from statistics import median
from typing import Any

from _lab import (
    Engine,
    Store,
    arguments,
    close,
    engine,
    machine,
    own_cpu,
    percentile,
    run,
    show,
    store,
)
from _lab.chain import CALLER, INPUT

from engine.documents import Document
from engine.store.keys import Keys

FEW = 100
AT_ONCE = 400  # starts in flight while the store is filled
PARK_SECONDS = 600.0
SAMPLED = 300
STATE = {"Type": "Task", "Resource": "signal:go", "ResultPath": "$.signal", "End": True}
DEFINITION = json.dumps({"StartAt": "Wait", "States": {"Wait": STATE}}).encode()


class Lot:
    """A store, its engine, and the executions parked there, the longest parked first."""

    def __init__(self, running: Engine, at: Store) -> None:
        self.running, self.at = running, at
        self.keys = Keys(running.settings.prefix, running.settings.partitions)
        self.parked: deque[str] = deque()
        self.taken: dict[str, list[float]] = {"start": [], "signal": []}

    async def fill(self, count: int) -> dict[str, float]:
        """Park `count` executions; what it took, and what it left in memory."""
        await self.running.commands.publish(CALLER, "park", DEFINITION, "json")
        memory, cpu, began = self.at.memory(), own_cpu(), time.perf_counter()
        redis_cpu, counted = self.at.cpu(), self._transitions()
        numbers = iter(range(count))

        async def keep_going() -> None:
            for number in numbers:
                await self._start(f"p-{number}")

        await asyncio.gather(*(keep_going() for _ in range(AT_ONCE)))
        await self._settled(count)
        transitions = self._transitions() - counted
        took = time.perf_counter() - began
        return {
            "parked": count,
            "parked_per_second": count / took,
            "engine_us": (own_cpu() - cpu) / transitions * 1e6,
            "redis_us": (self.at.cpu() - redis_cpu) / transitions * 1e6,
            "bytes_each": (self.at.memory() - memory) / count,
            **self._shares(count),
        }

    async def turn(self, number: int) -> None:
        """One start and one signal, each timed until it is acknowledged."""
        began = time.perf_counter()
        await self._start(f"t-{number}")
        started = time.perf_counter()
        await asyncio.sleep(0.002)  # it parks meanwhile, and does not stand in the signal's way
        signalled = time.perf_counter()
        payload = Document.of({"by": "bench"})
        await self.running.commands.signal(CALLER, self.parked.popleft(), "go", payload, None)
        self.taken["signal"].append(time.perf_counter() - signalled)
        self.taken["start"].append(started - began)
        await asyncio.sleep(0.002)

    def p50(self, what: str) -> float:
        return median(self.taken[what]) * 1e6

    def p99(self, what: str) -> float:
        return percentile(self.taken[what], 0.99) * 1e6

    async def _start(self, name: str) -> None:
        given = Document.of(INPUT)
        started = await self.running.commands.start(
            CALLER, "park", name=name, input=given, version=None
        )
        self.parked.append(started.execution.id)

    async def _settled(self, count: int) -> None:
        """Return when every execution rests in the waiting state."""
        deadline = time.monotonic() + PARK_SECONDS
        while self._resting() < count:
            assert time.monotonic() < deadline, f"{self._resting()} of {count} are parked"
            await asyncio.sleep(0.05)

    def _resting(self) -> int:
        keys = self.keys
        pipeline = self.at.client.pipeline(transaction=False)
        for partition in range(keys.partitions):
            pipeline.zcard(keys.resting(partition, CALLER.namespace, "park", "Wait"))
        return sum(pipeline.execute())

    def _transitions(self) -> float:
        return self.running.counters.value("detent_transitions_total")

    def _shares(self, count: int) -> dict[str, float]:
        """Mean bytes of a sample's history, and of what the caller gave: its input and, twice, its name."""
        history = caller = 0
        names = random.sample(self.parked, min(count, SAMPLED))
        for identifier in names:
            keys = self.keys.of(f"{CALLER.namespace}:{identifier}")
            history += self.at.client.memory_usage(keys.history, samples=0) or 0  # type: ignore[operator]
            caller += len(Document.of(INPUT).text) + len(identifier)
        return {"history_bytes": history / len(names), "caller_bytes": caller / len(names)}


async def main() -> None:
    options = arguments(
        __doc__ or "",
        count=(100_000, "executions parked in the large store"),
        turns=(1000, "starts and signals timed in each store"),
    )
    async with contextlib.AsyncExitStack() as stack:
        lots = []
        for _ in range(2):
            at = stack.enter_context(store(options.data))
            lots.append(Lot(await stack.enter_async_context(engine(at.url)), at))
        few, many = lots
        about = machine(few.at, options.data)
        show("machine", about)
        await few.fill(FEW)
        filled = await many.fill(options.count)
        filled["own_bytes"] = (
            filled["bytes_each"] - filled["history_bytes"] - filled["caller_bytes"]
        )
        filled["cpu_us"] = filled["engine_us"] + filled["redis_us"]
        show("filling", filled)
        for number in range(options.turns):
            for lot in lots if number % 2 else reversed(lots):
                await lot.turn(number)
        result: dict[str, Any] = {"machine": about, "filling": filled}
        for what in ("start", "signal"):
            result[what] = {
                "p50_us_few": few.p50(what),
                "p50_us_many": many.p50(what),
                "p99_us_few": few.p99(what),
                "p99_us_many": many.p99(what),
                "ratio": many.p50(what) / few.p50(what),
            }
            show(what, result[what])
    close(options, result)


if __name__ == "__main__":
    run(main())
