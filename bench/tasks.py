"""What does a task step cost, over HTTP and back? Five Task states, one server, one worker, each a process of its own.

This process starts executions and waits for each one's end, a fixed number at a time: the latency is a caller's, from
the request to start until the answer that it has succeeded. The worker is `detent.Worker` with a function that returns
at once. Rounds of each concurrency take turns with the floor: recorded commits of a Pass/Choice chain, replayed on the
same server, under a prefix of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from _lab import Store, arguments, close, cpu_of, folder, machine, medians, percentile, run, show
from _lab.chain import INPUT, Replay, record

ROOT = Path(__file__).resolve().parents[1]
STEPS = 5
CONCURRENCIES = (1, 32, 256)
READY_SECONDS = 30.0
END_SECONDS = 15.0


def definition() -> dict[str, Any]:
    states: dict[str, Any] = {}
    for number in range(STEPS):
        last = number == STEPS - 1
        following = {"End": True} if last else {"Next": f"T{number + 1}"}
        states[f"T{number}"] = {
            "Type": "Task",
            "Resource": "activity:bench",
            "ResultPath": "$.done",
            **following,
        }
    return {"StartAt": "T0", "States": states}


def work(url: str) -> None:
    """The worker's process."""
    from detent import Worker

    worker = Worker(url, concurrency=256)

    @worker.task("bench")
    async def perform(_: Any) -> Any:
        return {"ok": True}

    worker.run()


@contextlib.contextmanager
def process(*program: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("DETENT_", "REDIS_URL"))}
    started = subprocess.Popen(
        [sys.executable, *program], cwd=ROOT, env={**ours, **environment}, stdin=subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def caller(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with a server that knows the definition."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector) as session:
        async with session.put("/v1/definitions/bench", json=definition()) as answer:
            assert answer.status == 201, await answer.text()
        yield session


async def one(session: aiohttp.ClientSession) -> str:
    """Start an execution and wait until it has succeeded; its id."""
    at = "/v1/definitions/bench/executions?wait=60"
    async with session.post(at, json={"input": INPUT}) as answer:
        seen = await answer.json()
    assert seen.get("status") == "SUCCEEDED", seen
    identifier: str = seen["id"]
    return identifier


async def load(
    session: aiohttp.ClientSession,
    store: Store,
    pids: tuple[int, int],
    concurrency: int,
    count: int,
) -> dict[str, float]:
    """Run `count` executions, `concurrency` at a time."""
    left, taken = iter(range(count)), []

    async def keep_going() -> None:
        for _ in left:
            began = time.perf_counter()
            await one(session)
            taken.append(time.perf_counter() - began)

    before = [*(cpu_of(pid) for pid in pids), store.cpu(), store.scripts()]
    began = time.perf_counter()
    await asyncio.gather(*(keep_going() for _ in range(concurrency)))
    took = time.perf_counter() - began
    after = [*(cpu_of(pid) for pid in pids), store.cpu(), store.scripts()]
    server, worker, redis_cpu, scripts = (b - a for a, b in zip(before, after, strict=True))
    async with session.get(f"/v1/executions/{await one(session)}") as answer:
        transitions = count * (await answer.json())["revision"]
    return {
        "executions_per_second": count / took,
        "steps_per_second": count * STEPS / took,
        "p50_ms": percentile(taken, 0.5) * 1000,
        "p99_ms": percentile(taken, 0.99) * 1000,
        "commits_per_second": transitions / took,
        "commits_per_step": transitions / count / STEPS,
        "scripts_per_second": scripts / took,
        "scripts_per_step": scripts / count / STEPS,
        "server_us": server / transitions * 1e6,
        "redis_us": redis_cpu / transitions * 1e6,
        "worker_us": worker / transitions * 1e6,
    }


async def measure(options: Any, at: Store, url: str, pids: tuple[int, int]) -> dict[str, Any]:
    replay = Replay(await record(at, 10, 300, prefix="floor"), at.url)
    rounds: dict[int, list[dict[str, float]]] = {c: [] for c in CONCURRENCIES}
    ratios: dict[int, list[float]] = {c: [] for c in CONCURRENCIES}
    floors: dict[int, list[dict[str, float]]] = {1: [], 100: []}
    counts = {1: options.executions // 10, 32: options.executions, 256: options.executions * 2}
    async with caller(url) as session:
        await load(session, at, pids, 32, 50)
        for _ in range(options.rounds):
            for batch, most in ((1, 500), (100, None)):
                await replay.restore()
                floors[batch].append(await replay.run(at, batch, most))
            for concurrency in CONCURRENCIES:
                found = await load(session, at, pids, concurrency, counts[concurrency])
                rounds[concurrency].append(found)
                floor = floors[1 if concurrency == 1 else 100][-1]
                ratios[concurrency].append(found["commits_per_second"] / floor["per_second"])
                found["scripts_ratio"] = found["scripts_per_second"] / floor["per_second"]
    await replay.close()
    result: dict[str, Any] = {}
    for concurrency in CONCURRENCIES:
        figures = medians(rounds[concurrency])
        cpu = figures["server_us"] + figures["redis_us"]
        result[f"at_once_{concurrency}"] = {
            **figures,
            "cpu_us": cpu,
            "ratio": median(ratios[concurrency]),
        }
    result["floor_one_at_a_time"] = medians(floors[1])
    result["floor_batches_of_100"] = medians(floors[100])
    return result


async def main() -> None:
    options = arguments(
        __doc__ or "",
        executions=(300, "executions at 32 at once; a tenth at 1, twice as many at 256"),
        rounds=(3, "rounds, all in turns"),
    )
    async with serving(options.data) as (url, at, pids):
        result: dict[str, Any] = {"machine": machine(at, options.data)}
        show("machine", result["machine"])
        result |= await measure(options, at, url, pids)
    for name, figures in result.items():
        if name != "machine":
            show(name.replace("_", " "), figures)
    close(options, result)


@contextlib.asynccontextmanager
async def serving(data: str | None) -> AsyncIterator[tuple[str, Store, tuple[int, int]]]:
    """A server and a worker of this file, in processes of their own: URL, the server's store, their process ids."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with folder(data) as path, contextlib.ExitStack() as stack:
        serve = ("-c", "from cli.main import main; main()", "serve", "--port", str(port))
        server = stack.enter_context(
            process(*serve, "--data", str(path), DETENT_LOG_LEVEL="warning")
        )
        at = await joined(path)
        await ready(url)
        worker = stack.enter_context(process(__file__, "work", url))
        yield url, at, (server.pid, worker.pid)


async def ready(url: str) -> None:
    """Return when the server answers that it is."""
    deadline = time.monotonic() + READY_SECONDS
    async with aiohttp.ClientSession(url) as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get("/readyz") as answer:
                    if answer.status == 200:
                        return
            assert time.monotonic() < deadline, "the server does not become ready"
            await asyncio.sleep(0.05)


async def joined(path: Path) -> Store:
    """The server's own store, once it is there."""
    deadline = time.monotonic() + READY_SECONDS
    while not (path / "redis.url").exists():
        assert time.monotonic() < deadline, "the server does not start"
        await asyncio.sleep(0.05)
    return Store((path / "redis.url").read_text().strip())


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(sys.argv[2])
    else:
        run(main())
