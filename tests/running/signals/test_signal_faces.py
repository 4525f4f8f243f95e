"""Signals over HTTP and with the SDK, at a real server."""

from __future__ import annotations

import asyncio
import json

import httpx2
import jsonschema
import pytest
from detent import Client

from api import openapi
from api.app import create_app
from api.server import serving
from engine.settings import Settings

DOCUMENT = openapi.build()
SCHEMA = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}
ORDER = {
    "Detent": {"SearchAttributes": {"customer": "$.customer"}},
    "StartAt": "Pay",
    "States": {
        "Pay": {
            "Type": "Task",
            "Resource": "activity:pay",
            "ResultPath": None,
            "Next": "A",
        },
        "A": {
            "Type": "Task",
            "Resource": "signal:go",
            "Parameters": {"Schema": SCHEMA},
            "End": True,
        },
    },
}
PATH = "/v1/executions/d:n/signals/go"


@pytest.fixture
async def base(engine):
    settings = Settings(port=0, drain_seconds=2)
    async with serving(create_app(engine, settings), settings) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def http(base):
    async with httpx2.AsyncClient(base_url=base, timeout=30) as client:
        await client.put("/v1/definitions/d", content=json.dumps(ORDER))
        yield client


@pytest.fixture
async def client(base, http):
    async with Client(base) as client:
        yield client


async def started(http, name="n", **more):
    body = {"name": name, "input": {"customer": "c"}} | more
    return await http.post("/v1/definitions/d/executions", json=body)


def as_published(response, path, method):
    """The answer, held against the published schema."""
    shown = DOCUMENT["paths"][path][method]["responses"][str(response.status_code)]
    schema = shown["content"][response.headers["content-type"]]["schema"]
    jsonschema.validate(response.json(), schema | {"components": DOCUMENT["components"]})
    return response.status_code, response.json()


async def pay(client):
    [task] = await client.lease("pay", wait_seconds=10)
    await client.succeed(task["token"], {}, lease=task["lease"])


async def test_an_answer_that_waits_tells_which_state_took_the_signal(http, client):
    await started(http)
    sending = http.post(
        PATH + "?wait=consumed&wait_seconds=20", json={"payload": {"ok": True}, "id": "a"}
    )
    waiting = asyncio.ensure_future(sending)
    await pay(client)
    status, sent = as_published(await waiting, "/v1/executions/{id}/signals/{signal}", "post")
    assert (status, sent["status"], sent["state"], sent["duplicate"]) == (
        200,
        "consumed",
        "A",
        False,
    )
    page = await http.get(f"/v1/executions/d:n/history?after={sent['record'] - 1}&limit=1")
    assert page.json()["events"][0]["type"] == "SignalConsumed"
    again = await http.post(PATH, json={"payload": {"ok": True}, "id": "a"})
    assert (again.status_code, again.json()["duplicate"], again.json()["status"]) == (
        200,
        True,
        "consumed",
    )


async def test_a_signal_that_nobody_took_while_the_sender_waited_is_accepted(http):
    await started(http)
    body = {"payload": {"ok": True}, "id": "a", "ttl_seconds": 3600}
    answer = await http.post(PATH + "?wait=consumed&wait_seconds=0.05", json=body)
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    status, page = as_published(
        await http.get("/v1/executions/d:n/signals"), "/v1/executions/{id}/signals", "get"
    )
    [listed] = page["signals"]
    assert (status, listed["id"], listed["status"]) == (200, "a", "accepted")
    assert listed["expires"] > listed["received"]
    described = (await http.get("/v1/executions/d:n")).json()["signals"]
    assert described[0]["expires"] == listed["expires"]


async def test_an_unfit_payload_is_refused_with_its_place_for_each_state(http):
    await started(http)
    refused = await http.post(PATH, json={"payload": {"ok": 1}})
    assert (refused.status_code, refused.json()["code"]) == (422, "signal_invalid")
    [state] = refused.json()["states"]
    assert (state["state"], state["problems"][0]["pointer"]) == ("A", "/ok")
    assert (await http.get("/v1/executions/d:n/signals")).json()["signals"] == []


async def test_a_start_with_a_signal_says_whether_it_started_or_only_sent(http):
    signal = {"name": "go", "payload": {"ok": True}, "id": "a"}
    path = "/v1/definitions/{name}/executions"
    first = as_published(await started(http, signal=signal), path, "post")
    second = as_published(
        await started(http, input={"other": 1}, signal=signal | {"id": "b"}), path, "post"
    )
    third = as_published(await started(http, signal=signal), path, "post")
    assert [status for status, _ in (first, second, third)] == [201, 200, 200]
    assert [answer["signal"]["duplicate"] for _, answer in (first, second, third)] == [
        False,
        False,
        True,
    ]
    wrong = await started(http, name="m", signal=signal | {"payload": 1})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "signal_invalid")
    assert (await http.get("/v1/executions/d:m")).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        (PATH, {"ttl_seconds": 0}, "$.ttl_seconds"),
        (PATH + "?wait=forever", {}, "?wait"),
        (PATH + "?wait=consumed&wait_seconds=61", {}, "?wait_seconds"),
        ("/v1/definitions/d/executions", {"signal": {"id": "a"}}, "$.signal"),
        ("/v1/definitions/d/executions", {"signal": {"name": "x", "paylod": 1}}, "$.signal"),
        ("/v1/definitions/d/signals/go", {"attribute": {"a": [1]}}, "$.attribute"),
    ],
)
async def test_what_is_not_of_the_form_is_refused_where_it_is_wrong(http, path, body, place):
    answer = await http.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert place in answer.json()["detail"]


async def test_the_client_sends_waits_lists_and_broadcasts(http, client):
    begun = await client.start(
        "d", {"customer": "c"}, name="n", signal={"name": "go", "payload": {"ok": True}, "id": "s"}
    )
    assert (begun["status"], begun["signal"]["duplicate"]) == ("RUNNING", False)
    sending = asyncio.ensure_future(
        client.signal("d:n", "go", {"ok": False}, id="s", ttl_seconds=3600, wait_seconds=20)
    )
    await pay(client)
    receipt = await sending
    assert (receipt["duplicate"], receipt["status"]) == (True, "consumed")
    assert [each["id"] for each in await client.signals("d:n").list()] == ["s"]
    await client.start("d", {"customer": "c"}, name="m")
    await client.start("d", {"customer": "other"}, name="o")
    sent = await client.broadcast("d", "go", {"ok": True}, attributes={"customer": "c"}, id="b")
    assert (sent["matched"], sent["delivered"]) == (1, 1)
    assert [each["id"] for each in await client.signals("d:m").list()] == ["b"]
