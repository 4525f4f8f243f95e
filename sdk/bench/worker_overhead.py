"""What a worker costs per task: `python sdk/bench/worker_overhead.py`.

A server in a process of its own answers every exchange with as many tasks as it asks for, without looking at the
results; so the figures are the worker's own. CPU is the worker process's, user and system.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import platform
import re
import resource
import socket
import subprocess
import sys
import time

from aiohttp import web

import detent

SECONDS = 3.0
INPUT = {"order": "o-1842", "amount": 1250, "currency": "EUR", "lines": [{"sku": "a", "n": 2}] * 3}
OUTPUT = {"paid": True, "receipt": "r-99812", "amount": 1250}


def serve(port: int) -> None:
    numbers = itertools.count()
    row = json.dumps(
        {
            "token": "T%d",
            "lease": "L%d",
            "queue": "q",
            "execution": "order:1",
            "definition": "order",
            "state": "Charge",
            "attempt": 1,
            "input": INPUT,
            "idempotency_key": "K%d",
            "lease_until": "2026-11-22T10:00:30.000Z",
        }
    )
    token = re.compile(rb'"token":"(T\d+)"')

    async def exchange(request: web.Request) -> web.Response:
        body = await request.read()
        most = int(re.search(rb'"max":(\d+)', body).group(1))
        tasks = ",".join(
            row % (number, number, number) for number in itertools.islice(numbers, most)
        )
        settled = ",".join(
            f'{{"token":"{match.decode()}","status":"accepted"}}' for match in token.findall(body)
        )
        text = f'{{"results":[{settled}],"tasks":[{tasks}]}}'
        return web.Response(text=text, content_type="application/json")

    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/queues/q/exchange", exchange)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


async def measure(url: str, kind: str, concurrency: int) -> None:
    worker = detent.Worker(url, concurrency=concurrency)
    count = 0

    async def act_async(_: object) -> object:
        nonlocal count
        count += 1
        return OUTPUT

    async def act_pause(_: object) -> object:
        nonlocal count
        await asyncio.sleep(0.02)
        count += 1
        return OUTPUT

    def act_sync(_: object) -> object:
        nonlocal count
        count += 1
        return OUTPUT

    worker.task("q")({"async": act_async, "20 ms": act_pause, "sync": act_sync}[kind])
    async with worker:
        await asyncio.sleep(0.5)
        before, began, cpu = count, time.perf_counter(), _cpu()
        await asyncio.sleep(SECONDS)
        done, took, used = count - before, time.perf_counter() - began, _cpu() - cpu
    print(
        f"{kind:>6} handlers, {concurrency:>4} at once: {done / took:>7.0f} tasks/s,"
        f" {used / done * 1e6:>6.1f} us CPU a task, {used / took:>4.0%} of a core"
    )


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, __file__, "serve", str(port)])
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    try:
        await asyncio.sleep(1)
        for kind, concurrency in itertools.product(("async", "20 ms", "sync"), (10, 100, 500)):
            await measure(f"http://127.0.0.1:{port}", kind, concurrency)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    else:
        asyncio.run(main())
