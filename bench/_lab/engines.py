"""Engine processes of which one is killed now and then: for benchmarks that ask what happens meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from _lab import Engine, Settings, Store, engine
from engine.store.server.server_program import end_with_parent

KILLED: list[int] = []  # process ids


@asynccontextmanager
async def engines(at: Store, count: int, kill_seconds: float) -> AsyncIterator[Engine]:
    """Engine processes of which one is killed now and then and replaced; and the face that does not advance anything."""
    if not count:
        async with engine(at.url, task_lease_seconds=600) as running:
            yield running
        return
    processes = [await engine_process(at.url) for _ in range(count)]
    killing = asyncio.get_running_loop().create_task(_kill(at.url, processes, kill_seconds))
    running = Engine(at.url, Settings(redis_url=at.url, log_level="error"), advances=False)
    await running.start()
    try:
        yield running
    finally:
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)
        await running.stop()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def engine_process(url: str) -> asyncio.subprocess.Process:
    """An engine that has started: one that is killed while it starts would prove nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli", "engine"),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "REDIS_URL": url, "DETENT_LOG_LEVEL": "info", "DETENT_LEASE_MS": "1000"},
        preexec_fn=end_with_parent(os.getpid()),
    )
    assert process.stderr is not None
    async for line in process.stderr:
        if b"engine.started" in line:
            break
    reading = asyncio.get_running_loop().create_task(_read(process.stderr))
    _READING.add(reading)
    reading.add_done_callback(_READING.discard)
    return process


_READING: set[asyncio.Task[None]] = set()


async def _read(log: asyncio.StreamReader) -> None:
    """Take what a process says, so that it never waits for a reader; show what went wrong."""
    async for line in log:
        if b"ERROR" in line or b'"error"' in line:
            sys.stderr.write(line.decode(errors="replace"))


async def _kill(url: str, processes: list[asyncio.subprocess.Process], seconds: float) -> None:
    chance = random.Random(4)
    while True:
        await asyncio.sleep(seconds * chance.uniform(0.5, 1.5))
        number = chance.randrange(len(processes))
        processes[number].send_signal(signal.SIGKILL)
        await processes[number].wait()
        KILLED.append(processes[number].pid)
        processes[number] = await engine_process(url)
