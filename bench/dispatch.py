"""How long does a task lie in its queue while a worker waits for it? One worker over HTTP, tasks at a steady rate.

Executions of one Task state are started so many a second, whatever becomes of them, against one server with one worker
process of the SDK that is never full. The delay of a task is the time of its TaskStarted record, the moment of its lease
by Redis, less that of its TaskScheduled record: whole milliseconds. In turns with it, the same client makes bare requests
at the same rate (GET /healthz): what a round trip costs there and then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from statistics import median
from typing import Any

import aiohttp
from _lab import arguments, close, cpu_of, machine, medians, percentile, run, show
from tasks import serving

WARM_UP = 50
DEFINITION = {
    "StartAt": "Work",
    "States": {"Work": {"Type": "Task", "Resource": "activity:bench", "End": True}},
}


async def steadily(count: int, rate: int, do: Callable[[int], Awaitable[None]]) -> float:
    """Begin `do` so many times a second, each at its time whether or not those before it have ended; seconds it took."""
    began = time.perf_counter()
    doing = []
    for number in range(count):
        await asyncio.sleep(began + number / rate - time.perf_counter())
        doing.append(asyncio.ensure_future(do(number)))
    await asyncio.gather(*doing)
    return time.perf_counter() - began


async def delay_ms(session: aiohttp.ClientSession, identifier: str) -> float:
    """From schedule to lease, as the execution's history tells. Raises AssertionError for one that has not succeeded."""
    async with session.get(f"/v1/executions/{identifier}/history") as answer:
        events = (await answer.json())["events"]
    at = {event["type"]: datetime.fromisoformat(event["timestamp"]) for event in events}
    assert "ExecutionSucceeded" in at, events
    started, scheduled = (
        next(at[kind] for kind in at if kind.endswith(end) and kind != "ExecutionStarted")
        for end in ("Started", "Scheduled")
    )
    return (started - scheduled).total_seconds() * 1000


async def turn(session: aiohttp.ClientSession, count: int, rate: int) -> dict[str, float]:
    """Tasks at a steady rate, then bare requests at the same."""
    identifiers: list[str] = []
    trips: list[float] = []

    async def start(_: int) -> None:
        async with session.post(
            "/v1/definitions/bench/executions?wait=60", json={"input": {}}
        ) as answer:
            seen = await answer.json()
        assert seen.get("status") == "SUCCEEDED", seen
        identifiers.append(seen["id"])

    async def ask(_: int) -> None:
        began = time.perf_counter()
        async with session.get("/healthz") as answer:
            await answer.read()
        trips.append((time.perf_counter() - began) * 1000)

    took = await steadily(count, rate, start)
    await steadily(count, rate, ask)
    delays = [await delay_ms(session, identifier) for identifier in identifiers]
    return {
        "p50_ms": percentile(delays, 0.5),
        "p99_ms": percentile(delays, 0.99),
        "tasks_per_second": count / took,
        "trip_p50_ms": percentile(trips, 0.5),
        "trip_p99_ms": percentile(trips, 0.99),
    }


async def main() -> None:
    options = arguments(
        __doc__ or "",
        rate=(200, "tasks a second"),
        seconds=(5, "of each round"),
        rounds=(5, "rounds of tasks and of bare requests, in turns"),
    )
    async with serving(options.data) as (url, at, (server, _)):
        result: dict[str, Any] = {"machine": machine(at, options.data)}
        show("machine", result["machine"])
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(url, connector=connector) as session:
            async with session.put("/v1/definitions/bench", json=DEFINITION) as answer:
                assert answer.status == 201, await answer.text()
            await turn(session, WARM_UP, options.rate)
            own, redis_cpu = cpu_of(server), at.cpu()
            count = options.rate * options.seconds
            rounds = [await turn(session, count, options.rate) for _ in range(options.rounds)]
            own, redis_cpu = cpu_of(server) - own, at.cpu() - redis_cpu
    total = count * options.rounds
    result["dispatch"] = {
        **medians(rounds),
        "ratio": median(one["p50_ms"] / one["trip_p50_ms"] for one in rounds),
        # Of everything: the start, the task, the bare requests and the reading of histories.
        "server_us": own / total * 1e6,
        "redis_us": redis_cpu / total * 1e6,
    }
    show("from schedule to lease", result["dispatch"])
    close(options, result)


if __name__ == "__main__":
    run(main())
