"""Express executions and the end of their process: killed, they are gone; nothing of them is anywhere else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
import redis as redis_py

from tests.chaos.rig.processes import Household

NAP = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 120, "End": True}}})


@pytest.fixture
async def house(tmp_path) -> Any:
    household = Household(tmp_path, engines=0, lease_ms=5000)
    household.start()
    await household.ready(household.api)
    yield household
    household.close()


async def listening(http: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await http.get("/readyz")).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)


async def test_a_killed_process_takes_its_express_executions_with_it_and_the_next_serves_on(house):
    async with httpx2.AsyncClient(base_url=house.url, timeout=60) as http:
        await listening(http)
        await http.put("/v1/definitions/nap?type=EXPRESS", content=NAP)
        with redis_py.Redis.from_url(house.redis.url) as client:
            keys = set(client.scan_iter("*"))
            started = (await http.post("/v1/definitions/nap/executions", json={})).json()
            waiting = asyncio.create_task(
                http.post("/v1/definitions/nap/executions?wait=60", json={})
            )
            while "detent_express_running 2" not in (await http.get("/metrics")).text:
                await asyncio.sleep(0.05)
            house.kill(house.api)
            with pytest.raises(httpx2.TransportError):
                await waiting
            assert set(client.scan_iter("*")) == keys
        house.spawn(house.api)
        await house.ready(house.api)
        await listening(http)
        gone = await http.get(f"/v1/executions/{started['id']}")
        assert (gone.status_code, gone.json()["code"]) == (404, "execution_not_found")
        again = await http.post("/v1/definitions/nap/executions", json={})
        assert again.json()["status"] == "RUNNING"


async def test_a_process_that_is_told_to_end_says_how_many_it_cut_short(house):
    async with httpx2.AsyncClient(base_url=house.url, timeout=60) as http:
        await listening(http)
        await http.put("/v1/definitions/nap?type=EXPRESS", content=NAP)
        for _ in range(3):
            await http.post("/v1/definitions/nap/executions", json={})
    code, _ = await asyncio.to_thread(house.terminate, house.api)
    assert code == 0
    lines = [json.loads(line) for line in house.api.log.read_text().splitlines()]
    assert [line["count"] for line in lines if line["event"] == "express.stopped"] == [3]
