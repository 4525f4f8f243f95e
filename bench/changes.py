"""What does it cost to keep the changes of executions for followers? Rounds with and without, in turns.

One engine process and no HTTP. Executions of five Task states are started all at once, their tasks leased and settled in
this process as they come: seven changes an execution, which is more for its work than most definitions have. Every commit
of a step that parks writes one more entry.
"""

from __future__ import annotations

import asyncio
import json
import time
from statistics import median
from typing import Any

from _lab import Store, arguments, close, engine, machine, medians, own_cpu, run, show, store

from engine.documents import EMPTY_OBJECT, Document
from engine.serve import Engine
from engine.settings import Settings
from engine.views import Caller, Outcome

ME = Caller()
STEPS = 5
DONE = Document.of({"ok": True})
END_MS = 60_000


def definition() -> bytes:
    states: dict[str, Any] = {}
    for number in range(STEPS):
        following = {"End": True} if number == STEPS - 1 else {"Next": f"T{number + 1}"}
        states[f"T{number}"] = {"Type": "Task", "Resource": "activity:bench", **following}
    return json.dumps({"StartAt": "T0", "States": states}).encode()


async def work(running: Engine) -> None:
    """Settle every task at once."""
    while True:
        tasks = await running.commands.lease(
            ME, "bench", most=100, wait_ms=1000, lease_ms=30_000, worker="w"
        )
        outcomes = [Outcome(task.token, output=DONE, lease=task.lease) for task in tasks]
        await running.commands.settle_many(ME, outcomes)


async def measure(at: Store, executions: int, kept: int) -> dict[str, float]:
    at.client.flushall()
    async with engine(at.url, changes_kept=kept) as running:
        await running.commands.publish(ME, "bench", definition(), "json")
        workers = [asyncio.create_task(work(running)) for _ in range(4)]
        ours, theirs, began = own_cpu(), at.cpu(), time.perf_counter()

        async def one(number: int) -> None:
            started = await running.commands.start(
                ME, "bench", name=str(number), input=EMPTY_OBJECT, version=None
            )
            await running.queries.closed(ME, started.execution.id, END_MS)

        await asyncio.gather(*(one(number) for number in range(executions)))
        seconds = time.perf_counter() - began
        steps = executions * STEPS
        figures = {
            "steps_per_second": steps / seconds,
            "engine_us": (own_cpu() - ours) / steps * 1e6,
            "redis_us": (at.cpu() - theirs) / steps * 1e6,
            "memory": float(at.memory()),
        }
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return figures


async def main() -> None:
    options = arguments(
        __doc__ or "", executions=(400, "executions of five steps"), rounds=(7, "rounds of each")
    )
    kept = Settings().changes_kept or 64_000
    without, with_them = [], []
    with store(options.data) as at:
        result: dict[str, Any] = {"machine": machine(at, options.data)}
        show("machine", result["machine"])
        await measure(at, options.executions, 0)
        for number in range(options.rounds):
            # Who goes first changes, so that a machine that gets slower favours neither.
            for is_kept in (number % 2 == 0, number % 2 == 1):
                figures = await measure(at, options.executions, kept if is_kept else 0)
                (with_them if is_kept else without).append(figures)
    result["without"], result["with"] = medians(without), medians(with_them)
    for key in ("steps_per_second", "engine_us", "redis_us"):
        pairs = zip(with_them, without, strict=True)
        result[f"{key}_ratio"] = median(ours[key] / other[key] for ours, other in pairs)
    cpu = [
        (ours["engine_us"] + ours["redis_us"]) / (other["engine_us"] + other["redis_us"])
        for ours, other in zip(with_them, without, strict=True)
    ]
    result["cpu_ratio"] = median(cpu)
    show("without", result["without"])
    show("with", result["with"])
    show("ratios", {key: value for key, value in result.items() if key.endswith("_ratio")})
    close(options, result)


if __name__ == "__main__":
    run(main())
