"""Do others feel it when expressions are hostile? What ordinary executions take, with and without such beside them.

The engine runs in this process on uvloop. Ordinary executions, a Pass/Choice chain, are started a fixed number at a
time; the latency is from the call to start until the answer that the execution has succeeded. In every other round a
fixed number of hostile ones is kept open beside them: endless recursion in JSONata, or with `--jsonpath 1` paths that go
through the largest payload many times. The first round is not counted: each hostile step is tried in the loop once.
"""

from __future__ import annotations

import asyncio
import json
import time
from statistics import median
from typing import Any

from _lab import (
    Engine,
    Store,
    arguments,
    close,
    engine,
    machine,
    medians,
    percentile,
    run,
    show,
    store,
)
from _lab.chain import CALLER, INPUT, publish

from engine.documents import Document

STATES = 10
END_MS = 60_000
ENDLESS = "{% ($f := function($n) { $f($n + 1) }; $f(1)) %}"
ROWS = {"rows": [{"n": n, "tags": ["a", "b"]} for n in range(7_500)]}  # nearly 256 KiB
COUNTS = {f"n{number}.$": "States.ArrayLength($..n)" for number in range(10)}


def hostile(*, jsonpath: bool) -> tuple[bytes, Document]:
    """The definition, and what its executions are given."""
    if jsonpath:
        state: dict[str, Any] = {"Type": "Pass", "Parameters": COUNTS, "End": True}
        given = Document.of(ROWS)
    else:
        state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": ENDLESS, "End": True}
        given = Document.of({})
    return json.dumps({"StartAt": "A", "States": {"A": state}}).encode(), given


class Runs:
    """Starts executions of one definition and sees them end."""

    def __init__(self, running: Engine, definition: str, given: Document, status: str) -> None:
        self._running = running
        self._definition = definition
        self._given = given
        self._status = status
        self._next = 0

    async def one(self) -> float:
        """Start one and wait for its end; the seconds that took."""
        self._next += 1
        name = f"n{self._next}"
        began = time.perf_counter()
        started = await self._running.commands.start(
            CALLER, self._definition, name=name, input=self._given, version=None
        )
        view = await self._running.queries.describe(CALLER, started.execution.id, END_MS)
        assert view.status == self._status, (view.status, view.cause)
        return time.perf_counter() - began

    async def many(self, count: int, at_once: int) -> list[float]:
        """The seconds that each of `count` took."""
        left = iter(range(count))

        async def repeat() -> list[float]:
            return [await self.one() for _ in left]

        rows = await asyncio.gather(*(repeat() for _ in range(at_once)))
        return [seconds for row in rows for seconds in row]

    async def until(self, is_over: asyncio.Event) -> None:
        """One after the other."""
        while not is_over.is_set():
            await self.one()


async def measure(ordinary: Runs, count: int, at_once: int) -> dict[str, float]:
    began = time.perf_counter()
    taken = await ordinary.many(count, at_once)
    return {
        "p50_ms": 1000 * percentile(taken, 0.5),
        "p99_ms": 1000 * percentile(taken, 0.99),
        "per_second": count / (time.perf_counter() - began),
    }


async def compare(at: Store, options: Any) -> dict[str, Any]:
    """Rounds without and with hostile executions, in turns, on one engine."""
    alone, beside = [], []
    text, given = hostile(jsonpath=bool(options.jsonpath))
    async with engine(at.url) as running:
        await running.commands.publish(CALLER, "hostile", text, "json")
        chain = await publish(running, STATES)
        bad = Runs(running, "hostile", given, "SUCCEEDED" if options.jsonpath else "FAILED")
        await bad.one()
        ordinary = Runs(running, chain, Document.of(INPUT), "SUCCEEDED")
        for number in range(options.rounds + 1):
            quiet = await measure(ordinary, options.count, options.at)
            is_over = asyncio.Event()
            others = [asyncio.ensure_future(bad.until(is_over)) for _ in range(options.hostile)]
            loud = await measure(ordinary, options.count, options.at)
            is_over.set()
            await asyncio.gather(*others)  # what they have begun must not go on into the next round
            if number:
                alone.append(quiet)
                beside.append(loud)
        slow = running.counters.value("detent_transitions_slow_total")
    pairs = list(zip(beside, alone, strict=True))
    return {
        "alone": medians(alone),
        "beside": medians(beside),
        # Of each round by itself: a slow half minute is in both of its halves.
        "p50_ratio": median(loud["p50_ms"] / quiet["p50_ms"] for loud, quiet in pairs),
        "p99_ratio": median(loud["p99_ms"] / quiet["p99_ms"] for loud, quiet in pairs),
        "decided_apart": slow,
    }


async def main() -> None:
    options = arguments(
        __doc__ or "",
        rounds=(5, "rounds of each kind"),
        count=(1000, "ordinary executions in a round"),
        at=(8, "ordinary executions at once"),
        hostile=(5, "hostile executions at once, in every other round"),
        jsonpath=(0, "1: hostile paths, not JSONata"),
    )
    with store(options.data) as at:
        about = machine(at, options.data)
        show("machine", about)
        result = await compare(at, options)
    show("alone", result["alone"])
    show("beside hostile ones", result["beside"])
    show("ratio", {key: result[key] for key in ("p50_ratio", "p99_ratio", "decided_apart")})
    close(options, {"machine": about, **result})


if __name__ == "__main__":
    run(main())
