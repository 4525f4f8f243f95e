"""The stage of a run: household, proxy and journals, put up and taken down; and waiting until nothing runs any more."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis.exceptions

from engine.store.keys import Keys
from tests.chaos.rig import dump
from tests.chaos.rig.faults import READY_SECONDS, Faults
from tests.chaos.rig.journal import Journal
from tests.chaos.rig.processes import Household
from tests.chaos.rig.proxy import LossyProxy

LOOK_SECONDS = 0.5
KEYS = Keys("detent", 64)


@dataclass
class Stage:
    """What a load plays on. `client` is a plain client beside the engine's own."""

    folder: Path
    household: Household
    client: Any
    ops: Journal
    effects: Journal
    faults: Journal
    proxy: LossyProxy | None = None


@contextlib.asynccontextmanager
async def stage(
    folder: Path,
    plan: Mapping[str, Any],
    household: Household,
    *,
    seed: int,
    loss: float = 0.0,
    api_too: bool = False,
    proxied: bool = False,
) -> AsyncIterator[Stage]:
    """Everything runs inside; at the end all processes are ended, and what is in Redis lies in the folder.

    `loss`: part of commits whose reply is lost all the time; `proxied`: a proxy that troubles only when it is told to;
    `api_too`: the API speaks through it as well.
    """
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    journals = [Journal(folder / f"{name}.jsonl") for name in ("ops", "effects", "faults")]
    proxy = None
    household.redis.start()
    try:
        if loss or proxied:
            proxy = LossyProxy(household.redis.url, folder, loss=loss, seed=seed, watch=not proxied)
            household.engine_redis_url = await proxy.start()
            household.api_redis_url = household.engine_redis_url if api_too else None
        client = dump.client_of(household.redis.url)
        try:
            for server in household.servers:
                household.spawn(server)
            for server in household.servers:
                await household.ready(server, READY_SECONDS)
            yield Stage(folder, household, client, *journals, proxy)
            for server in (household.api, *household.engines):
                await asyncio.to_thread(household.terminate, server)
            await dump.write(client, "detent", folder)
        finally:
            await client.aclose()
    finally:
        household.close()
        if proxy is not None:
            await proxy.close()
        for journal in journals:
            journal.close()


async def settled(client: Any, seconds: float) -> None:
    """Wait until nothing runs any more. What still does when the time is over, the checker will name."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and await running(client):
        await asyncio.sleep(LOOK_SECONDS)


async def running(client: Any) -> int:
    """How many executions have not ended; asks until Redis answers."""
    while True:
        try:
            return await dump.running(client, KEYS, "default")
        except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
            await asyncio.sleep(LOOK_SECONDS)


async def spread(faults: Faults, share: float, ahead: int) -> None:
    """Return once so many of the faults have been that this share of the load may begin: each fault is to meet work."""
    while share * faults.total >= faults.done + ahead and faults.done < faults.total:
        await asyncio.sleep(0.05)
