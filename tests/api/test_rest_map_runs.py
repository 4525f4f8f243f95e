"""Map Runs over REST, on a running engine."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from api.app import create_app

WAIT = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "W",
    "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}},
}
MAP = {"Type": "Map", "Label": "L", "MaxConcurrency": 1, "ItemProcessor": WAIT, "End": True}
DEFINITION = {"StartAt": "M", "States": {"M": MAP}}


@pytest.fixture
async def http(engine: Any) -> Any:
    transport = httpx2.ASGITransport(app=create_app(engine, engine.settings))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8083") as client:
        yield client


async def the_run(http: Any) -> dict[str, Any]:
    while not (runs := (await http.get("/v1/executions/d:n/map-runs")).json()["map_runs"]):
        pass
    return runs[0]


async def test_a_run_is_listed_read_and_changed_until_it_has_ended(http):
    await http.put("/v1/definitions/d", content=json.dumps(DEFINITION), headers=JSON)
    assert (await http.get("/v1/executions/d:n/map-runs")).json() == {"map_runs": []}
    await http.post("/v1/definitions/d/executions", json={"name": "n", "input": [1, 2, 3]})
    run = await the_run(http)
    assert (run["execution"], run["state"], run["max_concurrency"]) == ("d:n", "M", 1)
    address = f"/v1/map-runs/{run['id']}"
    changed = await http.patch(address, json={"max_concurrency": 2, "tolerated_failure_count": 1})
    assert (changed.json()["max_concurrency"], changed.json()["tolerated_failure_count"]) == (2, 1)
    while (run := (await http.get(address)).json())["items"]["running"] != 2:
        pass
    assert run["items"]["pending"] == 1
    await http.post("/v1/executions/d:n/stop", json={})
    while "stopped" not in (run := (await http.get(address)).json()):
        pass
    assert (run["status"], run["executions"]["aborted"]) == ("ABORTED", 2)
    refused = await http.patch(address, json={"max_concurrency": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "map_run_closed")


async def test_a_run_that_is_not_there_is_said_to_be_so(http):
    for answer in (
        await http.get("/v1/map-runs/d~L:none"),
        await http.patch("/v1/map-runs/d~L:none", json={"max_concurrency": 1}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "map_run_not_found")


JSON = {"Content-Type": "application/json"}
