"""Redis ends: killed, cut from the power, started on another folder, emptied, long in loading, out of disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx2

from tests.chaos.outages.rig import Run, running
from tests.chaos.outages.server import shim

# A second between two flushes, up to two that a write may be put off for, and one for a server that has little of the
# processor. Flushes come on top: the one that was under way, and the write's own.
EVERYSEC_SECONDS = 4.0
SLOW_DISK_SECONDS = 1.8  # of one flush


async def crashes(how: str, policy: str, n: int, seed: int, slow: float) -> Run:
    """SIGKILL ("kill"; on a "slow-disk") or power cut ("cut"), `n` times under load."""
    chance = random.Random(f"{how}/{policy}/{seed}")
    synced = how == "cut"
    async with running(policy=policy, synced=how != "kill", slow=slow) as run:
        if how == "slow-disk":
            run.redis.sync_seconds = SLOW_DISK_SECONDS  # from the next start on
        await run.load.begin()
        for _ in range(n):
            await asyncio.sleep(chance.uniform(0.5, 1.5))
            began = time.monotonic()
            if synced:
                run.figures["bytes_cut"] += run.redis.cut()
            else:
                run.redis.kill()
            ended = time.monotonic()
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            await asyncio.to_thread(run.redis.start)
            run.failures.append((began, ended))
            await run.back()
        run.figures["crashes"] = n
        flush = run.redis.flush_seconds
        run.figures["flush_ms_max"] = round(flush * 1000)
        await run.settle(lost_after=EVERYSEC_SECONDS + 2 * flush if policy == "everysec" else 0.0)
        if synced and policy == "everysec" and not run.figures["bytes_cut"]:
            run.shortfalls.append("no cut took anything")
        return run


def may_cut() -> str | None:
    """Why there can be no power cut here, if so."""
    return None if shim() is not None else "there is no C compiler"


async def wrong_folder(n: int, seed: int, slow: float) -> Run:
    """Redis comes back on an empty folder: nothing is written there, and work goes on when it is on the right one."""
    async with running(slow=slow) as run:
        await run.load.begin()
        await asyncio.sleep(1.0)
        run.redis.kill()
        other = run.redis.data.parent / "other"
        await asyncio.to_thread(lambda: run.redis.start(data=other))
        await run.down("no store", 15.0)
        with run.redis.client() as client:
            run.expect(client.dbsize() == 0, "untouched", f"the empty store has {client.keys('*')}")
        run.redis.kill()
        await asyncio.to_thread(run.redis.start)
        await run.back(10.0)
        await run.settle()
        return run


async def flushed(n: int, seed: int, slow: float) -> Run:
    """FLUSHALL under load: noticed, refused, nothing made again; a new start of the processes begins anew."""
    async with running(slow=slow) as run:
        await run.load.begin()
        await asyncio.sleep(1.0)
        with run.redis.client() as client:
            client.flushall()
            await run.down("no store", 5.0)
            await run.load.quiet()
            await asyncio.sleep(0.5)
            halves = [
                key
                for key in client.keys("*:x:*")
                if key.count(b":") == 5 and not client.hexists(key, "s")
            ]
            run.expect(not halves, "blank", f"made again without a beginning: {halves[:5]}")
            for server in (*run.household.engines, run.household.api):
                run.household.kill(server)
                run.household.spawn(server)
                await run.ready(server)
            run.load.starts.clear()
            run.load.signals.clear()
            run.load.failed.clear()  # for a second, until it is noticed, an emptied store has nothing to find
            await run.load.begin(works=False)
            await run.back(10.0)
            await asyncio.sleep(1.0)
        await run.settle()
        return run


async def loading(n: int, seed: int, slow: float) -> Run:
    """Redis takes long to load: 503 with Retry-After, then all goes on."""
    async with running(slow=slow) as run:
        await run.load.begin()
        await asyncio.sleep(1.0)
        with run.redis.client() as client:
            client.bgrewriteaof()  # what is loaded below is a copy, whose keys can be loaded slowly
            await run.until(lambda: not client.info("persistence")["aof_rewrite_in_progress"], 20)
            keys = client.dbsize()
        run.redis.kill()
        run.redis.options = {
            "key-load-delay": str(9_000_000 // keys),
            "loading-process-events-interval-bytes": "1024",
        }
        run.redis.start(wait=False)
        where = f"{run.household.url}/v1/definitions/outage/executions"
        async with httpx2.AsyncClient() as http:
            answers = [await http.post(where, json={}, timeout=30) for _ in range(3)]
        told = [
            a.status_code for a in answers if a.status_code == 503 and "retry-after" in a.headers
        ]
        run.figures["refused_while_loading"] = len(told)
        run.expect(bool(told), "loading", f"answers were {[a.status_code for a in answers]}")
        await asyncio.to_thread(run.redis.await_ready)
        await run.back(10.0)
        await run.settle()
        return run


async def full_disk(policy: str, n: int, seed: int, slow: float) -> Run | str:
    """The disk fills up; there is room again. A string says why that cannot be done here."""
    async with running(policy=policy, slow=slow) as run:
        place = run.redis.data.parent / "small"
        place.mkdir()
        for server in (run.household.api, *run.household.engines):
            run.household.kill(server)
        run.redis.kill()
        mounted = await asyncio.to_thread(_mount, place)
        if mounted is not None:
            return mounted
        try:
            run.redis.data = place
            await asyncio.to_thread(run.redis.start)
            for server in (run.household.api, *run.household.engines):
                run.household.spawn(server)
                await run.ready(server)
            await _fill(run, place)
        finally:
            run.redis.stop()
            run.household.close()
            subprocess.run(["umount", "-l", str(place)], check=False)
        return run


async def _fill(run: Run, place: Path) -> None:
    await run.load.begin()
    await asyncio.sleep(1.0)
    began = time.monotonic()
    ballast = place / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, b"\0" * 4096)
    os.close(descriptor)
    refused = run.load.refused
    took = await run.until(lambda: run.load.refused > refused + 3, 15.0)
    run.expect(took is not None, "refused", "nothing was refused on a full disk")
    run.figures["redis_ended"] = int(not run.redis.is_alive)
    before = run.load.acknowledged
    await asyncio.sleep(1.0)
    run.expect(
        run.load.acknowledged == before, "refused", "something was acknowledged on a full disk"
    )
    run.failures.append((began, time.monotonic()))
    ballast.unlink()
    os.sync()
    if not run.redis.is_alive:
        await asyncio.to_thread(run.redis.start)
    await run.back(10.0)
    everysec = run.redis.client().config_get("appendfsync")["appendfsync"] == "everysec"
    await run.settle(lost_after=EVERYSEC_SECONDS if everysec else 0.0)


def _mount(place: Path) -> str | None:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        None if done.returncode == 0 else f"a small disk cannot be mounted: {done.stderr.strip()}"
    )


async def stalls(n: int, seed: int, slow: float) -> Run:
    """Redis is stopped, paused, asleep: for less and for more than a lease, and than a link waits."""
    chance = random.Random(f"stalls/{seed}")
    async with running(slow=slow) as run:
        await run.load.begin()
        for number in range(n):
            await asyncio.sleep(chance.uniform(0.3, 1.0))
            match number % 3:
                case 0:
                    with run.redis.client() as client:
                        client.client_pause(4000)
                case 1:
                    run.redis.signal(signal.SIGSTOP)
                    await asyncio.sleep(chance.uniform(1.0, 10.0))
                    run.redis.signal(signal.SIGCONT)
                case _:
                    await asyncio.to_thread(_sleep, run.redis.client(), chance.uniform(1.0, 6.0))
            await run.back(10.0)
        run.figures["stalls"] = n
        await run.settle()
        return run


def _sleep(client: Any, seconds: float) -> None:
    with client:
        client.execute_command("DEBUG", "SLEEP", seconds)


async def silence(n: int, seed: int, slow: float) -> Run:
    """The engine's connections are half open for ten seconds, others' are not: its claims lapse, and it comes back."""
    async with running(slow=slow, silent=True) as run:
        assert run.proxy is not None
        await run.load.begin()
        await asyncio.sleep(1.0)
        run.proxy.passing.clear()
        await asyncio.sleep(10.0)
        run.proxy.passing.set()
        lost = await run.until(lambda: run.events("store.found"), 15.0)
        run.expect(lost is not None, "back", "the engine has not found Redis again")
        run.expect(
            bool(run.events("store.lost")), "told", "the engine has not told that Redis is silent"
        )
        await run.settle()
        return run
