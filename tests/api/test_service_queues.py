"""Integrations that Detent does not call: workers take them from queues named like the call, over HTTP and by the SDK."""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest
from detent import Worker

from api.app import create_app
from api.server import serving
from engine.settings import Settings

STATES = {
    "Put": {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Parameters": {"TableName": "orders", "Item.$": "$.item"},
        "ResultPath": "$.put",
        "Next": "Read",
    },
    "Read": {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Parameters": {"Bucket": "b", "Key.$": "$.item.id"},
        "ResultPath": "$.read",
        "End": True,
    },
}


@pytest.fixture
async def server(engine):
    settings = Settings(port=0, drain_seconds=2)
    async with serving(create_app(engine, settings), settings) as running:
        yield f"http://127.0.0.1:{running.port}"


@pytest.fixture
async def http(server):
    async with httpx2.AsyncClient(base_url=server, timeout=60) as client:
        yield client


async def start(http: httpx2.AsyncClient) -> list[dict]:
    """Publish and start `d:n`; returns the warnings."""
    text = json.dumps({"StartAt": "Put", "States": STATES})
    published = await http.put("/v1/definitions/d", content=text)
    assert published.status_code == 201
    given = {"name": "n", "input": {"item": {"id": "7"}}}
    assert (await http.post("/v1/definitions/d/executions", json=given)).status_code == 201
    return published.json()["problems"]


async def test_publishing_says_which_queues_need_workers(http):
    warnings = await start(http)
    assert [(w["code"], w["severity"], w["pointer"]) for w in warnings] == [
        ("performed_by_workers", "warning", "/States/Put/Resource"),
        ("performed_by_workers", "warning", "/States/Read/Resource"),
    ]
    assert "queue dynamodb:putItem" in warnings[0]["message"]
    assert "queue s3:getObject" in warnings[1]["message"]


@pytest.mark.parametrize("queue", ["dynamodb:putItem", "dynamodb%3AputItem"])
async def test_a_queue_with_a_colon_is_reached_escaped_or_not(http, queue):
    await start(http)
    leased = await http.post(f"/v1/queues/{queue}/lease", json={"wait_seconds": 30})
    [task] = leased.json()["tasks"]
    assert task["queue"] == "dynamodb:putItem"
    assert task["input"] == {"TableName": "orders", "Item": {"id": "7"}}


async def test_a_worker_of_the_sdk_performs_them_and_the_history_names_the_services(http, server):
    worker = Worker(server)

    @worker.task("dynamodb:putItem")
    def put(given):
        return {"put": given["Item"]}

    @worker.task("s3:getObject")
    def read(given):
        return {"Body": given["Key"]}

    await start(http)
    async with worker, asyncio.timeout(60):
        ended = (await http.get("/v1/executions/d:n?wait=30")).json()
    assert ended["output"] == {
        "item": {"id": "7"},
        "put": {"put": {"id": "7"}},
        "read": {"Body": "7"},
    }
    events = (await http.get("/v1/executions/d:n/history?limit=100")).json()["events"]
    told = [
        event["taskScheduledEventDetails"] for event in events if event["type"] == "TaskScheduled"
    ]
    assert [(details["resourceType"], details["resource"]) for details in told] == [
        ("dynamodb", "putItem"),
        ("aws-sdk:s3", "getObject"),
    ]
