"""Redis is short of something, or is set up wrongly, or is meddled with; it goes on answering."""

from __future__ import annotations

import asyncio
import contextlib
import time

import redis as redis_py

from tests.chaos.outages.rig import Run, running

WAITING = 60  # executions that are under way when the memory is full


async def full_memory(n: int, seed: int, slow: float) -> Run:
    """maxmemory is reached: what is new is refused at once, what runs goes on to its end, and all goes on by itself."""
    async with running(slow=slow) as run:
        load = run.load
        await load.begin(0, works=False)
        keys = [key for key in [await load.start() for _ in range(WAITING)] if key]
        for key in keys:
            await load.signal(key)
        spare = await load.start()
        assert spare is not None
        with run.redis.client() as client:
            client.config_set("maxmemory", max(1, client.info("memory")["used_memory"] - 100_000))
            for deed in (load.start(), load.signal(spare)):
                began = time.monotonic()
                run.expect(not await deed, "refused", "something new was acknowledged")
                took = time.monotonic() - began
                run.expect(took < 1.0 * slow, "at once", f"a refusal took {took:.1f} s")
            await load.work()
            counted = load.client.executions
            ended = 0

            async def drained() -> bool:
                nonlocal ended
                ended = len([each async for each in counted(status="SUCCEEDED")])
                return ended >= len(keys)

            await run.until(drained, 30.0)
            run.figures |= {"under_way": len(keys), "drained": ended}
            run.expect(
                ended >= 0.99 * len(keys), "drained", f"{ended} of {len(keys)} came to their end"
            )
            for server in (
                run.household.engines[0],
                run.household.api,
            ):  # a process can start on a full Redis, too
                run.household.kill(server)
                run.household.spawn(server)
                await run.ready(server)
            client.config_set("maxmemory", 0)
        took_ms = await run.until(load.start, 10.0)
        run.expect(took_ms is not None, "resumed", "no start was acknowledged within 10 s")
        await run.settle()
        return run


async def evicting(n: int, seed: int, slow: float) -> Run:
    """A policy that evicts is set while all runs: noticed within ten seconds, told, and taken back; refused at the start."""
    async with running(slow=slow) as run:
        await run.load.begin()
        await asyncio.sleep(1.0)
        with run.redis.client() as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
            await run.down("allkeys-lru", 10.5)
            told = [e for e in run.events("promise.changed") if "allkeys-lru" in e["reasons"]]
            run.expect(bool(told), "logged", "no log line tells of the policy")
            engine = run.household.engines[0]
            run.household.kill(engine)
            run.household.spawn(engine)
            code = await asyncio.to_thread(engine.process.wait, 30 * slow) if engine.process else 0
            run.expect(code != 0, "start refused", "an engine started on a Redis that evicts")
            client.config_set("maxmemory-policy", "noeviction")
            run.household.spawn(engine)
        await run.back(12.0)
        await run.settle()
        return run


async def scripts_forgotten(n: int, seed: int, slow: float) -> Run:
    """SCRIPT FLUSH ten times a second: nobody notices."""
    async with running(slow=slow) as run:
        await run.load.begin()
        with run.redis.client() as client:
            for _ in range(10 * n):
                client.script_flush()
                await asyncio.sleep(0.1)
        run.expect(run.load.refused == 0, "unnoticed", f"{run.load.refused} calls were refused")
        await run.settle()
        return run


async def rewriting(n: int, seed: int, slow: float) -> Run:
    """BGREWRITEAOF every two seconds: nobody notices."""
    async with running(slow=slow) as run:
        await run.load.begin()
        with run.redis.client() as client:
            for _ in range(n):
                with contextlib.suppress(redis_py.ResponseError):
                    client.bgrewriteaof()
                await asyncio.sleep(2.0)
        run.expect(run.load.refused == 0, "unnoticed", f"{run.load.refused} calls were refused")
        await run.settle()
        return run


async def full_house(n: int, seed: int, slow: float) -> Run:
    """maxclients is reached and connections are cut: refused, and all goes on when there is room."""
    async with running(slow=slow) as run:
        await run.load.begin()
        await asyncio.sleep(1.0)
        with run.redis.client() as client:
            client.config_set("maxclients", 1)
            client.client_kill_filter(_type="normal", skipme=True)
            client.client_kill_filter(_type="pubsub", skipme=True)
            before = run.load.acknowledged
            await asyncio.sleep(1.0)
            run.expect(
                run.load.acknowledged <= before + 4,
                "refused",
                "calls were answered without a connection",
            )
            client.config_set("maxclients", 1000)
        await run.back(10.0)
        await run.settle()
        return run


async def deleted(n: int, seed: int, slow: float) -> Run:
    """The keys of executions are deleted by hand: told where they would have gone on, and never made again."""
    async with running(slow=slow) as run:
        load = run.load
        await load.begin(0)
        keys = [key for key in [await load.start() for _ in range(20)] if key]
        victims = keys[:5]
        await asyncio.sleep(1.0)
        with run.redis.client() as client:
            for key in victims:
                [found] = client.keys(f"*:x:{key}")
                client.delete(found, *client.keys(f"*:x:{key}:*"))
                tag = found.partition(b":default:")[0]
                client.zadd(tag + b":ready", {f"default:{key}": 0})
            took = await run.until(
                lambda: len(run.events("execution.missing")) >= len(victims), 10.0
            )
            run.expect(
                took is not None,
                "told",
                f"{len(run.events('execution.missing'))} of {len(victims)} were told of",
            )
            for key in victims:
                run.expect(
                    not await load.signal(key), "refused", f"a signal to {key} was acknowledged"
                )
                left = [*client.keys(f"*:x:{key}"), *client.keys(f"*:x:{key}:*")]
                run.expect(not left, "made again", f"{left} is there again")
                load.starts.pop(key)
        load.failed.clear()
        for key in keys[5:]:
            await load.signal(key)
        await run.until(lambda: len(load.performed) >= len(keys) - 5, 20.0)
        for key in victims:
            run.expect(
                key.partition(":")[2] not in load.performed, "made again", f"{key} was worked on"
            )
        run.figures |= {"deleted": len(victims), "told": len(run.events("execution.missing"))}
        return run
