"""A primary that dies while its replicas are down: what was acknowledged must be at a replica.

Starts are asked for before and meanwhile; then the primary is killed, and a replica comes back and takes its place. An
engine that awaits replicas has acknowledged nothing meanwhile. (A replica that is only frozen would not do: what it was
sent waits for it in its socket.)
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

import httpx2

from engine.store.keys import Keys, ref_of
from tests.chaos.rig import dump
from tests.chaos.rig.processes import Household
from tests.chaos.rig.verdicts import verdict_of
from tests.chaos.sentinel.servers import Options, Servers, answers, until

STARTS = 10  # before the replicas are down, and while they are
ANSWER_SECONDS = 4.0
DEFINITION = {"StartAt": "P", "States": {"P": {"Type": "Wait", "Seconds": 3600, "End": True}}}


async def run(mutant: str = "") -> dict[str, Any]:
    """One run; returns its verdict."""
    folder = Path(tempfile.mkdtemp(prefix="dt-unwaited-"))
    servers = Servers(folder, Options(min_replicas=0))
    house = Household(folder, engines=0, lease_ms=1000, mutant=mutant)
    try:
        servers.start(sentinels=False)
        house.api_redis_url = "redis://{}:{}".format(*servers.servers[0].address)
        house.settings = {"DETENT_WAIT_REPLICAS": "1"}
        house.spawn(house.api)
        await house.ready(house.api)
        before, during, there = await _play(house, servers)
    finally:
        house.close()
        servers.close()
        shutil.rmtree(folder)
    lost = sorted({*before, *during} - there)
    return verdict_of(
        {"lost": [f"{name} was acknowledged, and is at no replica" for name in lost]},
        shortfalls=[]
        if len(before) == STARTS
        else ["not all was acknowledged while there were replicas"],
        figures={"acknowledged before": len(before), "without replicas": len(during)},
        plan={"mutant": mutant},
    )


async def _play(house: Household, servers: Servers) -> tuple[list[str], list[str], set[str]]:
    """What was acknowledged with replicas and without, and what the replica has in the end."""
    primary, *replicas = servers.servers
    async with httpx2.AsyncClient(base_url=house.url, timeout=ANSWER_SECONDS) as http:
        await _listens(http)
        (await http.put("/v1/definitions/d", json=DEFINITION)).raise_for_status()
        before = await _started(http, "before")
        for replica in replicas:
            replica.kill()
        during = await _started(http, "during")
    primary.kill()
    replicas[0].spawn()
    await asyncio.to_thread(until, lambda: answers(replicas[0]))
    await asyncio.to_thread(replicas[0].ask, "REPLICAOF", "NO", "ONE")
    client = dump.client_of("redis://{}:{}".format(*replicas[0].address))
    try:
        keys = Keys("detent", 64)
        names = [*before, *during]
        found = [
            await client.exists(keys.of(ref_of("default", f"d:{name}")).execution) for name in names
        ]
    finally:
        await client.aclose()
    return before, during, {name for name, is_there in zip(names, found, strict=True) if is_there}


async def _listens(http: httpx2.AsyncClient) -> None:
    """Return when the API answers: it says that it has started a moment before it listens."""
    async with asyncio.timeout(30):
        while True:
            try:
                await http.get("/healthz")
            except httpx2.HTTPError:
                await asyncio.sleep(0.05)
                continue
            return


async def _started(http: httpx2.AsyncClient, when: str) -> list[str]:
    """The names whose start was acknowledged."""

    async def start(name: str) -> str | None:
        try:
            answer = await http.post("/v1/definitions/d/executions", json={"name": name})
        except httpx2.HTTPError:
            return None
        return name if answer.is_success else None

    names = await asyncio.gather(*(start(f"{when}-{number}") for number in range(STARTS)))
    return [name for name in names if name is not None]
