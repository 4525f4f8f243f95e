"""The face over a real engine on a real server: a definition's whole life, as a client over HTTP sees it."""

from __future__ import annotations

import asyncio
import base64
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
from tests.chaos.cluster.chosen import own_redis

DOCUMENT = openapi.build()
pytestmark = pytest.mark.asyncio(loop_scope="module")
ORDER = """
StartAt: Pay
States:
  Pay:
    Type: Task
    Resource: activity:pay
    ResultPath: $.payment
    Next: Approval
  Approval:
    Type: Task
    Resource: signal:approval
    ResultPath: $.approval
    End: true
"""


class Client:
    """Sends requests, and holds every answer against the published schema of its operation."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        more = (
            {"content": body} if isinstance(body, str) else {} if body is None else {"json": body}
        )
        response = await self.http.request(method, path, **more)
        self._check(method, path.partition("?")[0], response)
        return response.status_code, response.json()

    def _check(self, method: str, path: str, response: httpx2.Response) -> None:
        operation = next(o for o in OPERATIONS if o.method == method and _matches(o.path, path))
        shown = DOCUMENT["paths"][operation.path][method.lower()]["responses"]
        media = shown[str(response.status_code)]["content"][response.headers["content-type"]]
        jsonschema.validate(
            response.json(), media["schema"] | {"components": DOCUMENT["components"]}
        )


def _matches(template: str, path: str) -> bool:
    ours, theirs = template.split("/"), path.split("/")
    return len(ours) == len(theirs) and all(
        a == b or a.startswith("{") for a, b in zip(ours, theirs, strict=True)
    )


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with own_redis() as url:
        yield url


# One engine for all: the tests keep apart by the names of their definitions and queues.
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


async def lease(call: Client, queue: str = "pay", **more: Any) -> dict[str, Any]:
    _, answer = await call("POST", f"/v1/queues/{queue}/lease", {"wait_seconds": 10} | more)
    [task] = answer["tasks"]
    return task


async def publish(call: Client, name: str, text: str = ORDER) -> None:
    assert (await call("PUT", f"/v1/definitions/{name}", text))[0] in {200, 201}


async def test_a_definition_is_published_once_and_read_as_written(call):
    first, published = await call("PUT", "/v1/definitions/written", ORDER)
    again, same = await call("PUT", "/v1/definitions/written", ORDER)
    assert (first, again) == (201, 200)
    assert (published["version"], published["changed"], same["changed"]) == (1, True, False)
    _, read = await call("GET", "/v1/definitions/written?version=1")
    assert (read["text"], read["format"]) == (ORDER, "yaml")
    _, versions = await call("GET", "/v1/definitions/written/versions")
    assert [version["version"] for version in versions["versions"]] == [1]
    _, listed = await call("GET", "/v1/definitions")
    assert "written" in [definition["name"] for definition in listed["definitions"]]


async def test_a_wrong_definition_is_refused_with_its_places_and_can_be_checked_first(call):
    text = "StartAt: A\nStates:\n  A:\n    Type: Pass\n    Next: B\n"
    status, refused = await call("PUT", "/v1/definitions/wrong", text)
    assert (status, refused["code"]) == (400, "invalid_definition")
    _, checked = await call("POST", "/v1/definitions:validate", text)
    assert checked["valid"] is False
    assert checked["problems"] == refused["problems"]
    assert [p["line"] for p in refused["problems"] if p["code"] == "unknown_target"] == [5]
    (target,) = [p for p in refused["problems"] if p["code"] == "unknown_target"]
    assert target["aws"] == {
        "code": "MISSING_TRANSITION_TARGET",
        "message": "Missing 'Next' target: B",
        "location": "/States/A/Next",
        "severity": "ERROR",
    }
    assert [said["code"] for said in target["aws_also"]] == ["MISSING_END_STATE"]
    assert (await call("GET", "/v1/definitions/wrong"))[0] == 404


async def test_an_order_is_paid_approved_and_done(call):
    await publish(call, "order")
    status, started = await call(
        "POST", "/v1/definitions/order/executions", {"name": "42", "input": {"n": 2**70}}
    )
    assert (status, started["id"], started["status"]) == (201, "order:42", "RUNNING")
    task = await lease(call, worker="till-1")
    assert (task["input"], task["execution"], task["state"]) == ({"n": 2**70}, "order:42", "Pay")
    _, described = await call("GET", "/v1/executions/order:42")
    assert described["tasks"][0]["worker"] == "till-1"
    beat = await call(
        "POST",
        f"/v1/tasks/{task['token']}/heartbeat",
        {"lease": task["lease"], "lease_seconds": 60},
    )
    assert (beat[0], beat[1]["lease_until"] > task["lease_until"]) == (200, True)
    paid = {"output": {"paid": True}, "lease": task["lease"]}
    assert (await call("POST", f"/v1/tasks/{task['token']}/succeed", paid))[0] == 200
    assert (await call("POST", f"/v1/tasks/{task['token']}/succeed", paid))[0] == 200
    other = await call("POST", f"/v1/tasks/{task['token']}/fail", {"error": "Late"})
    assert (other[0], other[1]["code"]) == (409, "task_closed")
    signal = {"payload": {"by": "ann"}, "id": "a1"}
    status, sent = await call("POST", "/v1/executions/order:42/signals/approval", signal)
    assert (status, sent["duplicate"]) == (202, False)
    _, done = await call("GET", "/v1/executions/order:42?wait=10")
    assert done["status"] == "SUCCEEDED"
    assert done["output"] == {"n": 2**70, "payment": {"paid": True}, "approval": {"by": "ann"}}
    _, history = await call("GET", "/v1/executions/order:42/history?limit=1000")
    assert history["events"][0]["type"] == "ExecutionStarted"
    assert history["events"][-1]["type"] == "ExecutionSucceeded"
    assert history["next"] is None
    late = await call("POST", "/v1/executions/order:42/signals/approval", {"id": "a2"})
    assert (late[0], late[1]["code"]) == (409, "execution_closed")


async def test_a_start_is_repeated_safely_and_refused_with_another_input(call):
    await publish(call, "once")
    path = "/v1/definitions/once/executions"
    statuses = [(await call("POST", path, {"name": "a", "input": given}))[0] for given in (1, 1, 2)]
    assert statuses == [201, 200, 409]


async def test_a_start_can_wait_for_the_end(call):
    await publish(call, "quick", "StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n")
    status, done = await call(
        "POST", "/v1/definitions/quick/executions?wait=10", {"input": {"a": 1}}
    )
    assert (status, done["status"], done["output"]) == (201, "SUCCEEDED", {"a": 1})


async def test_executions_are_listed_by_page_and_state(call):
    await publish(call, "listed")
    for name in "abc":
        await call("POST", "/v1/definitions/listed/executions", {"name": name})
        await lease(call)
    seen, cursor = [], ""
    while cursor is not None:
        _, page = await call(
            "GET", f"/v1/executions?definition=listed&status=RUNNING&limit=2{cursor}"
        )
        seen += [execution["name"] for execution in page["executions"]]
        cursor = f"&cursor={page['next']}" if page["next"] else None
    assert seen == ["c", "b", "a"]
    _, parked = await call("GET", "/v1/executions?definition=listed&state=Pay")
    assert len(parked["executions"]) == 3
    assert (await call("GET", "/v1/executions?cursor=bm90IG91cnM"))[0] == 400


async def test_an_exchange_settles_each_result_for_itself_and_leases_the_next(call):
    await publish(call, "busy", ORDER.replace("activity:pay", "activity:swap"))
    for name in "ab":
        await call("POST", "/v1/definitions/busy/executions", {"name": name})
    first = await lease(call, "swap")
    results = [
        {"token": first["token"], "lease": first["lease"], "output": {"paid": True}},
        {"token": "forged", "output": 1},
    ]
    body = {"results": results, "max": 1, "wait_seconds": 10}
    _, answer = await call("POST", "/v1/queues/swap/exchange", body)
    assert [result["status"] for result in answer["results"]] == ["accepted", "unknown"]
    assert answer["tasks"][0]["execution"] != first["execution"]


async def test_history_is_followed_while_it_grows(call):
    await publish(call, "followed", ORDER.replace("activity:pay", "activity:follow"))
    await call("POST", "/v1/definitions/followed/executions", {"name": "a"})
    task = await lease(call, "follow")
    path = "/v1/executions/followed:a/history"
    _, before = await call("GET", path)
    last = before["events"][-1]["id"]
    following = asyncio.create_task(call("GET", f"{path}?after={last}&wait=10"))
    await asyncio.sleep(0.2)
    assert not following.done()
    await call("POST", f"/v1/tasks/{task['token']}/succeed", {"output": 1})
    _, after = await following
    assert after["events"][0]["id"] == last + 1
    _, newest = await call("GET", f"{path}?order=desc&limit=1")
    assert len(newest["events"]) == 1


async def test_a_stopped_execution_is_aborted_with_its_reason(call):
    await publish(call, "halted", ORDER.replace("activity:pay", "activity:halt"))
    await call("POST", "/v1/definitions/halted/executions", {"name": "a"})
    task = await lease(call, "halt")
    reason = {"error": "Cancelled", "cause": "no stock"}
    status, stopped = await call("POST", "/v1/executions/halted:a/stop", reason)
    assert (status, stopped["status"]) == (200, "ABORTED")
    _, described = await call("GET", "/v1/executions/halted:a")
    assert (described["error"], described["cause"]) == ("Cancelled", "no stock")
    late = await call("POST", f"/v1/tasks/{task['token']}/heartbeat", {"lease": task["lease"]})
    assert (late[0], late[1]["code"]) == (409, "task_closed")


async def test_a_worker_that_goes_away_while_it_waits_gets_no_task(call):
    await publish(call, "gone", ORDER.replace("activity:pay", "activity:gone"))
    with pytest.raises(httpx2.ReadTimeout):
        await call.http.post("/v1/queues/gone/lease", json={"wait_seconds": 30}, timeout=0.3)
    await asyncio.sleep(0.2)
    await call("POST", "/v1/definitions/gone/executions", {"name": "a"})
    assert (await lease(call, "gone", wait_seconds=5))["execution"] == "gone:a"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/definitions/none", 404, "definition_not_found"),
        ("POST", "/v1/definitions/none/executions", 404, "definition_not_found"),
        ("GET", "/v1/executions/none:x", 404, "execution_not_found"),
        ("GET", "/v1/executions/none:x/history", 404, "execution_not_found"),
        ("POST", "/v1/executions/none:x/stop", 404, "execution_not_found"),
        ("POST", "/v1/executions/none:x/signals/s", 404, "execution_not_found"),
        ("GET", "/v1/executions/nocolon", 400, "invalid_name"),
        ("POST", "/v1/queues/@http/lease", 400, "invalid_name"),
        ("POST", "/v1/tasks/forged/succeed", 404, "task_not_found"),
        ("POST", "/v1/tasks/forged/fail", 404, "task_not_found"),
        ("POST", "/v1/tasks/forged/heartbeat", 404, "task_not_found"),
    ],
)
async def test_what_is_not_there_is_said_to_be_so(call, method, path, status, code):
    answered, problem = await call(method, path)
    assert (answered, problem["code"]) == (status, code)


@pytest.mark.parametrize("place", ["d:n:h/0@1", "d/0@1", "{7}/0@1", "d:n/0@99999999999999999999"])
@pytest.mark.parametrize("deed", ["succeed", "fail", "heartbeat"])
async def test_a_forged_token_cannot_name_another_key(call, place, deed):
    token = base64.urlsafe_b64encode(place.encode()).rstrip(b"=").decode() + ".secret"
    status, problem = await call("POST", f"/v1/tasks/{token}/{deed}")
    assert (status, problem["code"]) == (404, "task_not_found")


async def test_a_payload_over_the_limit_is_refused(call):
    await publish(call, "large")
    body = {"input": "x" * 262_144}
    status, problem = await call("POST", "/v1/definitions/large/executions", body)
    assert (status, problem["code"]) == (413, "payload_too_large")


async def test_the_probes_tell_what_can_be_promised(call):
    status, health = await call("GET", "/readyz")
    assert (status, health["promise"]) == (200, "durable")
    assert json.dumps(health["redis"])


async def test_metrics_count_what_the_process_has_done(call):
    def value(name: str, text: str) -> float:
        (line,) = [line for line in text.splitlines() if line.startswith(name + " ")]
        return float(line.split(" ")[1])

    before = (await call.http.get("/metrics")).text
    text = "StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n"
    assert (await call("PUT", "/v1/definitions/counted", text))[0] == 201
    status, _ = await call("POST", "/v1/definitions/counted/executions?wait=20", {})
    assert status == 201
    answer = await call.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for name, grown in (
        ("detent_executions_started_total", 1),
        ("detent_executions_closed_total", 1),
        ("detent_transitions_total", 2),
    ):
        assert value(name, answer.text) - value(name, before) == grown
