"""Express definitions over HTTP, on a real engine and a real server: published, started, waited for, stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import jsonschema
import pytest
import pytest_asyncio

from api import openapi
from api.app import create_app
from api.rest.operations import OPERATIONS
from api.server import serving
from engine.serve import Engine
from engine.settings import Settings
from engine.views import Caller
from tests.chaos.cluster.chosen import own_redis

DOCUMENT = openapi.build()
pytestmark = pytest.mark.asyncio(loop_scope="module")


def machine(**states: Any) -> str:
    return json.dumps({"StartAt": next(iter(states)), "States": states})


PASS = machine(A={"Type": "Pass", "End": True})
FAIL = machine(A={"Type": "Fail", "Error": "No", "Cause": "because"})
NAP = machine(A={"Type": "Wait", "Seconds": 60, "End": True})
PAY = machine(
    Pay={
        "Type": "Task",
        "Resource": "arn:aws:lambda:us-east-1:000000000000:function:express-pay",
        "End": True,
    }
)


class Client:
    """Sends requests, and holds every answer against the published schema of its operation."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        more = (
            {"content": body} if isinstance(body, str) else {} if body is None else {"json": body}
        )
        response = await self.http.request(method, path, **more)
        plain = path.partition("?")[0].split("/")
        operation = next(
            o
            for o in OPERATIONS
            if o.method == method
            and len(o.path.split("/")) == len(plain)
            and all(
                a == b or a.startswith("{") for a, b in zip(o.path.split("/"), plain, strict=True)
            )
        )
        shown = DOCUMENT["paths"][operation.path][method.lower()]["responses"]
        media = shown[str(response.status_code)]["content"][response.headers["content-type"]]
        schema = media["schema"] | {"components": DOCUMENT["components"]}
        jsonschema.validate(response.json(), schema)
        return response.status_code, response.json()


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with own_redis() as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(store: str) -> AsyncIterator[Client]:
    settings = Settings(port=0, drain_seconds=2)
    engine = Engine(store, settings)
    await engine.start()
    try:
        async with serving(create_app(engine, settings), settings) as server:
            base = f"http://127.0.0.1:{server.port}"
            async with httpx2.AsyncClient(base_url=base, timeout=30) as http:
                yield Client(http)
    finally:
        await engine.stop()


async def express(call: Client, name: str, text: str) -> None:
    status, published = await call("PUT", f"/v1/definitions/{name}?type=EXPRESS", text)
    assert (status in {200, 201}, published["type"]) == (True, "EXPRESS")


async def test_a_definitions_type_is_shown_kept_and_never_changed(call):
    await express(call, "kept", PASS)
    status, refused = await call("PUT", "/v1/definitions/kept?type=STANDARD", PASS)
    assert (status, refused["code"]) == (409, "definition_type_conflict")
    status, second = await call("PUT", "/v1/definitions/kept", NAP)
    assert (status, second["version"], second["type"]) == (201, 2, "EXPRESS")
    assert (await call("GET", "/v1/definitions/kept"))[1]["type"] == "EXPRESS"
    _, listed = await call("GET", "/v1/definitions")
    assert {d["name"]: d["type"] for d in listed["definitions"]}["kept"] == "EXPRESS"
    await call("PUT", "/v1/definitions/plain", PASS)
    status, refused = await call("PUT", "/v1/definitions/plain?type=EXPRESS", PASS)
    assert (status, refused["code"]) == (409, "definition_type_conflict")


async def test_what_express_cannot_do_is_refused_when_it_is_published_and_when_it_is_checked(call):
    text = machine(A={"Type": "Task", "Resource": "signal:go", "End": True})
    status, refused = await call("PUT", "/v1/definitions/refused?type=EXPRESS", text)
    assert (status, [p["code"] for p in refused["problems"]]) == (400, ["express_signal"])
    assert (await call("GET", "/v1/definitions/refused"))[0] == 404
    _, checked = await call("POST", "/v1/definitions:validate?type=EXPRESS", text)
    assert checked["problems"] == refused["problems"]
    assert (await call("POST", "/v1/definitions:validate", text))[1]["valid"] is True


async def test_a_start_that_waits_is_answered_with_the_end_also_of_one_that_failed(call):
    await express(call, "short", PASS)
    await express(call, "fails", FAIL)
    path = "/v1/definitions/{}/executions?wait=10"
    status, ended = await call("POST", path.format("short"), {"input": [2**70], "name": "n"})
    assert (status, ended["status"], ended["output"]) == (201, "SUCCEEDED", [2**70])
    status, ended = await call("POST", path.format("fails"), {})
    assert (status, ended["status"], ended["error"], ended["cause"]) == (
        201,
        "FAILED",
        "No",
        "because",
    )


async def test_a_start_that_does_not_wait_runs_on_and_its_worker_task_completes_it(call):
    await express(call, "worked", PAY)
    status, started = await call("POST", "/v1/definitions/worked/executions", {"input": 7})
    assert (status, started["status"]) == (201, "RUNNING")
    body = {"wait_seconds": 10, "worker": "till"}
    _, leased = await call("POST", "/v1/queues/express-pay/lease", body)
    [task] = leased["tasks"]
    assert (task["execution"], task["input"]) == (started["id"], 7)
    beat = {"lease": task["lease"], "lease_seconds": 30}
    assert (await call("POST", f"/v1/tasks/{task['token']}/heartbeat", beat))[0] == 200
    result = {"token": task["token"], "lease": task["lease"], "output": {"ok": 1}}
    _, exchanged = await call("POST", "/v1/queues/express-pay/exchange", {"results": [result]})
    assert exchanged["results"][0]["status"] == "accepted"
    _, view = await call("GET", f"/v1/executions/{started['id']}?wait=10")
    assert (view["status"], view["output"]) == ("SUCCEEDED", {"ok": 1})
    _, history = await call("GET", f"/v1/executions/{started['id']}/history")
    assert history["events"][-1]["type"] == "ExecutionSucceeded"


async def test_a_start_that_waits_too_short_is_answered_as_it_stands_and_runs_on(call):
    await express(call, "naps", NAP)
    status, started = await call("POST", "/v1/definitions/naps/executions?wait=0.1", {})
    assert (status, started["status"]) == (201, "RUNNING")
    status, stopped = await call(
        "POST", f"/v1/executions/{started['id']}/stop", {"error": "Enough"}
    )
    assert (status, stopped["status"]) == (200, "ABORTED")
    assert (await call("GET", f"/v1/executions/{started['id']}"))[1]["error"] == "Enough"


async def test_what_is_not_remembered_is_not_found_and_the_answer_says_why(call):
    for path in ("", "/history"):
        status, unknown = await call("GET", f"/v1/executions/naps:x:y{path}")
        assert (status, unknown["code"]) == (404, "execution_not_found")
        assert "Express executions are not kept" in unknown["detail"]
    status, _ = await call("POST", "/v1/executions/naps:x:y/stop", {})
    assert status == 404


async def test_express_executions_take_no_signals_and_are_not_listed(call):
    await express(call, "deaf", NAP)
    _, started = await call("POST", "/v1/definitions/deaf/executions", {})
    status, refused = await call("POST", f"/v1/executions/{started['id']}/signals/go", {})
    assert (status, refused["code"]) == (409, "express_operation_unsupported")
    status, refused = await call("GET", "/v1/executions?definition=deaf")
    assert (status, refused["code"]) == (409, "express_operation_unsupported")


async def test_a_client_that_goes_away_ends_its_wait_and_not_the_execution(call):
    await express(call, "left", PAY)
    start = call.http.post("/v1/definitions/left/executions?wait=20", json={})
    waiting = asyncio.create_task(start)
    _, leased = await call("POST", "/v1/queues/express-pay/lease", {"wait_seconds": 10})
    [task] = leased["tasks"]
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    status, _ = await call("POST", f"/v1/tasks/{task['token']}/succeed", {"output": 1})
    assert status == 200
    _, view = await call("GET", f"/v1/executions/{task['execution']}?wait=10")
    assert view["status"] == "SUCCEEDED"


async def test_a_server_that_stops_lets_who_waits_have_the_end_or_says_that_it_was_cut_short(store):
    settings = Settings(port=0, drain_seconds=3)
    engine = Engine(store, settings)
    await engine.start()
    soon = machine(A={"Type": "Wait", "Seconds": 1, "End": True})
    for name, text in (("soon", soon), ("late", NAP)):
        await engine.commands.publish(Caller(), name, text.encode(), "json", "EXPRESS")
    async with httpx2.AsyncClient(timeout=30) as http:
        async with serving(create_app(engine, settings), settings) as server:
            base = f"http://127.0.0.1:{server.port}/v1/definitions"
            waiting = [
                asyncio.create_task(http.post(f"{base}/{name}/executions?wait=50", json={}))
                for name in ("soon", "late")
            ]
            while len(engine.express.remembered.running) < 2:
                await asyncio.sleep(0.01)
        ended, cut = [(await each).json() for each in waiting]
    await engine.stop()
    assert ended["status"] == "SUCCEEDED"
    assert (cut["status"], cut["error"]) == ("ABORTED", "Detent.ProcessStopped")
