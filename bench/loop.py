"""Does a loop cost more the longer it runs? One execution, two states, a million iterations with --iterations 1000000.

The definition keeps its newest 1,000 history records. The engine runs in this process, the embedded server in its own.
Measured are windows of a thousand iterations: five from when the history has reached its limit, five at the end; what
a window costs per iteration is the median of its five. Ratios are the end against the beginning, so 1 is flat.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from _lab import Engine, Store, arguments, close, engine, machine, own_cpu, run, show, store
from _lab.chain import CALLER

from engine.documents import Document
from engine.store.keys import ExecutionKeys, Keys

KEPT = 1000
WINDOW = 1000  # iterations
WINDOWS = 5
PER_ITERATION = 2  # transitions
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Reading(NamedTuple):
    """What has been used up to a moment."""

    iterations: float
    scripts: int
    log_bytes: int
    engine_us: float
    redis_us: float


def definition(iterations: int) -> bytes:
    """Counts to `iterations` by a Pass and a Choice."""
    again = {"Variable": "$.n", "NumericLessThan": iterations, "Next": "Count"}
    states = {
        "Count": {
            "Type": "Pass",
            "Parameters": {"n.$": "States.MathAdd($.n, 1)"},
            "Next": "Again",
        },
        "Again": {"Type": "Choice", "Choices": [again], "Default": "Done"},
        "Done": {"Type": "Succeed"},
    }
    top = {"StartAt": "Count", "Detent": {"HistoryRecords": KEPT}, "States": states}
    return json.dumps(top).encode()


def read(running: Engine, at: Store) -> Reading:
    done = running.counters.value("detent_transitions_total") / PER_ITERATION
    return Reading(done, at.scripts(), at.log_bytes(), own_cpu() * 1e6, at.cpu() * 1e6)


async def until(running: Engine, iterations: float) -> None:
    while running.counters.value("detent_transitions_total") / PER_ITERATION < iterations:
        await asyncio.sleep(0.002)


async def windows(running: Engine, at: Store, start: float) -> dict[str, float]:
    """What an iteration costs, the median of windows that follow each other from `start`."""
    await until(running, start)
    await _calm(at)
    readings = [read(running, at)]
    for _ in range(WINDOWS):
        await until(running, readings[-1].iterations + WINDOW)
        readings.append(read(running, at))
    costs: dict[str, list[float]] = {
        "scripts": [],
        "log_bytes": [],
        "engine_us": [],
        "redis_us": [],
    }
    for before, after in itertools.pairwise(readings):
        for name, values in costs.items():
            spent = getattr(after, name) - getattr(before, name)
            values.append(spent / (after.iterations - before.iterations))
    at.client.config_set("auto-aof-rewrite-percentage", 100)
    return {"at": readings[0].iterations, **{name: median(each) for name, each in costs.items()}}


async def _calm(at: Store) -> None:
    """The log is not rewritten while it is measured."""
    at.client.config_set("auto-aof-rewrite-percentage", 0)
    while at.client.info("persistence")["aof_rewrite_in_progress"]:  # type: ignore[index]
        await asyncio.sleep(0.01)


def memory(at: Store, keys: ExecutionKeys) -> dict[str, int]:
    """Bytes of the whole server, of the execution's keys, and of this process."""
    names = list(at.client.scan_iter(match=f"{keys.execution}*"))
    used = [at.client.memory_usage(name, samples=0) or 0 for name in names]
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "redis_bytes": at.memory(),
        "execution_bytes": sum(used),
        "engine_bytes": pages * PAGE_BYTES,
    }


async def main() -> None:
    options = arguments(__doc__ or "", iterations=(100_000, "iterations, at least 20,000"))
    margin = (WINDOWS + 2) * WINDOW
    with store(options.data) as at:
        result: dict[str, Any] = {"machine": machine(at, options.data)}
        show("machine", result["machine"])
        async with engine(at.url) as running:
            await running.commands.publish(CALLER, "loop", definition(options.iterations), "json")
            started = await running.commands.start(
                CALLER, "loop", name=None, input=Document.of({"n": 0}), version=None
            )
            keys = Keys(running.settings.prefix, running.settings.partitions).of(
                f"{CALLER.namespace}:{started.execution.id}"
            )
            first = await windows(running, at, WINDOW)
            before = memory(at, keys)
            last = await windows(running, at, options.iterations - margin)
            after = memory(at, keys)
            view = await running.queries.describe(CALLER, started.execution.id, 600_000)
            assert view.status == "SUCCEEDED", view
            assert view.output.value == {"n": options.iterations}
        result |= {"first": first, "last": last, "memory_first": before, "memory_last": after}
        result["ratio"] = {name: last[name] / first[name] for name in first if name != "at"}
        result["memory_ratio"] = {name: after[name] / before[name] for name in before}
    for name, figures in result.items():
        if name != "machine":
            show(name, figures)
    close(options, result)


if __name__ == "__main__":
    run(main())
