"""What does a large document cost that only passes through? A chain of ten Pass states carries 100 KiB.

Two engines in turns on one server: one writes every document where it is used, as it would without payloads, the other
is as it is set by default and stores a large one once. The same with a small document, which must cost the same in both.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from _lab import Store, arguments, close, engine, machine, medians, own_cpu, run, show, store
from _lab.chain import CALLER

from engine.documents import Document

STATES = 10
INLINE = {"payload_inline_bytes_max": 64 * 1024 * 1024}
SIZES = {"large": 100 * 1024, "small": 100}
SIDES: dict[str, dict[str, int]] = {"inline": INLINE, "once": {}}


def definition() -> bytes:
    table = {
        f"S{n}": {"Type": "Pass"} | ({"Next": f"S{n + 1}"} if n < STATES - 1 else {"End": True})
        for n in range(STATES)
    }
    return json.dumps({"StartAt": "S0", "States": table}).encode()


async def measure(at: Store, size: int, executions: int, **settings: int) -> dict[str, float]:
    """What a transition of the chain costs, its executions one after another ten at a time."""
    given = Document.of({"text": "x" * size})
    async with engine(at.url, **settings) as running:
        await running.commands.publish(CALLER, "carry", definition(), "json")

        async def one() -> None:
            started = await running.commands.start(
                CALLER, "carry", name=None, input=given, version=None
            )
            await running.queries.describe(CALLER, started.execution.id, 60_000)

        await asyncio.gather(*(one() for _ in range(10)))
        counted = running.counters.value("detent_transitions_total")
        log, cpu, redis_cpu, began = at.log_bytes(), own_cpu(), at.cpu(), time.perf_counter()
        for _ in range(0, executions, 10):
            await asyncio.gather(*(one() for _ in range(10)))
        took = time.perf_counter() - began
        done = running.counters.value("detent_transitions_total") - counted
        return {
            "log_bytes": (at.log_bytes() - log) / done,
            "cpu_us": (own_cpu() - cpu + at.cpu() - redis_cpu) / done * 1e6,
            "per_second": done / took,
        }


async def main() -> None:
    options = arguments(
        __doc__ or "", executions=(100, "executions a round"), rounds=(3, "rounds, in turns")
    )
    result: dict[str, Any] = {}
    with store(options.data) as at:
        at.client.config_set("auto-aof-rewrite-percentage", 0)
        result["machine"] = machine(at, options.data)
        show("machine", result["machine"])
        for name, size in SIZES.items():
            rounds: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
            for _ in range(options.rounds):
                for side, settings in SIDES.items():
                    rounds[side].append(await measure(at, size, options.executions, **settings))
            found: dict[str, Any] = {side: medians(figures) for side, figures in rounds.items()}
            found["ratio"] = {
                key: found["once"][key] / found["inline"][key]
                for key in ("log_bytes", "cpu_us", "per_second")
            }
            result[name] = found
            for side, figures in found.items():
                show(f"{name}, {side}", figures)
    close(options, result)


if __name__ == "__main__":
    run(main())
