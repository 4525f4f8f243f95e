"""What does Express save? A chain of Pass states started over HTTP and waited for: EXPRESS beside STANDARD.

One server process on uvloop with the embedded server, appendfsync always, and a client in a process of its own that holds
many requests open at once. Both definitions have the same text; rounds take turns.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import aiohttp
from _lab import arguments, close, engine, machine, medians, own_cpu, percentile, run, show, store

from api.app import create_app
from api.server import serving
from engine.settings import Settings
from engine.views import Caller

STATES = 5
INPUT = {"order": "o-1842", "amount": 1250, "currency": "EUR", "customer": {"tier": "gold"}}
TYPES = ("STANDARD", "EXPRESS")


def definition() -> bytes:
    """A chain of Pass states, each adding a field."""
    states: dict[str, Any] = {
        f"S{number}": {
            "Type": "Pass",
            "Parameters": {"at": number, "amount.$": "$.amount"},
            "ResultPath": f"$.seen{number}",
            "Next": f"S{number + 1}",
        }
        for number in range(STATES - 1)
    }
    states[f"S{STATES - 1}"] = {"Type": "Pass", "End": True}
    return json.dumps({"StartAt": "S0", "States": states}).encode()


async def _load(url: str, executions: int, at_once: int) -> dict[str, float]:
    """Start so many executions and wait for each one's end; seconds of each, and of all."""
    body = json.dumps({"input": INPUT})
    headers = {"Content-Type": "application/json"}
    taken: list[float] = []
    left = iter(range(executions))
    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def one_after_the_other() -> None:
            for _ in left:
                began = time.perf_counter()
                async with session.post(url, data=body) as answer:
                    ended = await answer.json()
                assert ended["status"] == "SUCCEEDED", ended
                taken.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
        seconds = time.perf_counter() - began
    return {
        "per_second": executions / seconds,
        "p50_ms": percentile(taken, 0.5) * 1000,
        "p99_ms": percentile(taken, 0.99) * 1000,
    }


def _client(orders: Any) -> None:
    """The client's process: performs what it is told to, until told None."""
    while (order := orders.recv()) is not None:
        orders.send(asyncio.run(_load(*order)))


@contextmanager
def client() -> Iterator[Any]:
    """A way to the client's process, which ends with the block."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_client, args=(theirs,), daemon=True
    )
    process.start()
    try:
        yield ours
    finally:
        ours.send(None)
        process.join()


async def main() -> None:
    options = arguments(
        __doc__ or "",
        executions=(2_000, "executions a round, of each type"),
        rounds=(5, "rounds of both, in turns"),
        at_once=(32, "requests held open at once"),
    )
    result: dict[str, Any] = {}
    with store(options.data) as at, client() as orders:
        result["machine"] = machine(at, options.data)
        show("machine", result["machine"])
        settings = Settings(port=0, log_level="warning")
        async with engine(at.url) as running:
            for kind in TYPES:
                await running.commands.publish(Caller(), kind, definition(), "json", kind)
            async with serving(create_app(running, settings), settings) as server:

                async def measure(kind: str, executions: int) -> dict[str, float]:
                    url = f"http://127.0.0.1:{server.port}/v1/definitions/{kind}/executions?wait=60"
                    own, redis_cpu = own_cpu(), at.cpu()
                    orders.send((url, executions, options.at_once))
                    figures: dict[str, float] = await asyncio.to_thread(orders.recv)
                    server_us = (own_cpu() - own) / executions * 1e6
                    return figures | {
                        "server_us": server_us,
                        "redis_us": (at.cpu() - redis_cpu) / executions * 1e6,
                    }

                rounds: dict[str, list[dict[str, float]]] = {kind: [] for kind in TYPES}
                for kind in TYPES:
                    await measure(kind, 200)
                for _ in range(options.rounds):
                    for kind in TYPES:
                        rounds[kind].append(await measure(kind, options.executions))
    for kind in TYPES:
        result[kind.lower()] = medians(rounds[kind])
        show(f"{kind}, chain of {STATES}", result[kind.lower()])
    pairs = zip(rounds["EXPRESS"], rounds["STANDARD"], strict=True)
    result["ratio"] = median(ours["per_second"] / theirs["per_second"] for ours, theirs in pairs)
    show("EXPRESS over STANDARD", {"ratio": result["ratio"]})
    close(options, result)


if __name__ == "__main__":
    run(main())
