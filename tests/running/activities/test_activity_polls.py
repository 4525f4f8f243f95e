"""GetActivityTask as a client sees it: a poll that ends without a task, too many polls, a server that stops."""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest
from desk import ME, until

from api.app import create_app
from api.aws.operations import activities
from api.rest import receive
from engine.settings import Settings
from engine.store.catalog.activities import Encryption

ARN = "arn:aws:states:us-east-1:000000000000:activity:pay"


@pytest.fixture
async def app(engine):
    await engine.activities.create(ME, "pay", Encryption(), {})
    return create_app(engine, Settings())


async def poll(app, **more):
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8083") as http:
        headers = {"x-amz-target": "AWSStepFunctions.GetActivityTask"}
        body = json.dumps({"activityArn": ARN, **more})
        response = await http.post("/", headers=headers, content=body)
        return response.status_code, response.json()


async def test_a_poll_without_a_task_ends_with_a_token_that_is_null(app, monkeypatch):
    monkeypatch.setattr(activities, "POLL_MS", 50)
    assert await poll(app) == (200, {"taskToken": None})


async def test_a_test_of_a_state_that_a_stop_ends_is_to_be_tried_again(app):
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8083") as http:
        wait = {"Type": "Wait", "Seconds": 3600, "End": True}
        asked = http.post(
            "/",
            headers={"x-amz-target": "AWSStepFunctions.TestState"},
            content=json.dumps({"definition": json.dumps(wait)}),
        )
        answer = asyncio.ensure_future(asked)
        await until(lambda: app.state.waits._waiting)
        app.state.waits.stopping.set()
        told = (await answer).json()
    assert told["__type"] == "ServiceUnavailableException"


async def test_one_poll_too_many_is_refused_by_name(app, monkeypatch):
    monkeypatch.setattr(receive, "POLLERS_MAX", 1)
    first = asyncio.ensure_future(poll(app))
    await until(lambda: app.state.waits._pollers)
    status, told = await poll(app)
    assert (status, told["__type"]) == (400, "ActivityWorkerLimitExceeded")
    app.state.waits.stopping.set()
    assert await first == (200, {"taskToken": None})


async def test_a_workers_name_that_records_cannot_hold_is_refused(app):
    status, told = await poll(app, workerName="a|b")
    assert (status, told["__type"]) == (400, "ValidationException")
