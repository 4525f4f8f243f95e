"""What is answered: every operation's example, made by the face itself, in the documented shape and status."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from scripted_engine import ScriptedEngine, client, operation, view

from api import openapi
from api.rest import examples
from engine import errors, views
from engine.documents import Document

DOCUMENT = openapi.build()
START = views.StartResult(view(views.ExecutionSummary, examples.EXECUTION), created=True)
AGAIN = views.StartResult(view(views.ExecutionSummary, examples.EXECUTION), created=False)
TASK = view(views.LeasedTask, examples.LEASED_TASK)
ALIAS = view(views.AliasView, examples.ALIAS)
SETTLED = views.Settled(examples.TOKEN, "accepted")
ABORTED = view(views.ExecutionSummary, examples.EXECUTION | {"status": "ABORTED"})
RESULT = {"results": [{"token": examples.TOKEN, "output": 1}], "max": 1}

ROWS: list[tuple[str, int, str, Any, dict[str, Any]]] = [
    (
        "publish",
        201,
        "/v1/definitions/order",
        {"publish": (views.Published, examples.PUBLISHED)},
        {},
    ),
    (
        "publish",
        200,
        "/v1/definitions/order",
        {"publish": (views.Published, examples.PUBLISHED | {"changed": False})},
        {},
    ),
    (
        "list_definitions",
        200,
        "/v1/definitions",
        {"definitions": (views.DefinitionPage, examples.DEFINITION_PAGE)},
        {},
    ),
    (
        "read_definition",
        200,
        "/v1/definitions/order",
        {"definition": (views.DefinitionText, examples.DEFINITION_TEXT)},
        {},
    ),
    (
        "list_versions",
        200,
        "/v1/definitions/order/versions",
        {"versions": [view(views.VersionSummary, examples.VERSIONS["versions"][0])]},
        {},
    ),
    (
        "set_alias",
        201,
        "/v1/definitions/order/aliases/live",
        {"set_alias": views.AliasPut(ALIAS, created=True)},
        {"json": {"version": 3}},
    ),
    (
        "set_alias",
        200,
        "/v1/definitions/order/aliases/live",
        {"set_alias": views.AliasPut(ALIAS, created=False)},
        {"json": {"version": 3}},
    ),
    ("list_aliases", 200, "/v1/definitions/order/aliases", {"aliases": [ALIAS]}, {}),
    ("read_alias", 200, "/v1/definitions/order/aliases/live", {"alias": ALIAS}, {}),
    (
        "delete_definition",
        200,
        "/v1/definitions/order",
        {"delete_definition": (views.DefinitionSummary, examples.DEFINITION)},
        {},
    ),
    ("remove_alias", 200, "/v1/definitions/order/aliases/live", {"remove_alias": ALIAS}, {}),
    ("start", 201, "/v1/definitions/order/executions", {"start": START}, {"json": {}}),
    ("start", 200, "/v1/definitions/order/executions", {"start": AGAIN}, {"json": {}}),
    (
        "start_many",
        200,
        "/v1/definitions/order/executions:batch",
        {"start_many": [START, errors.InvalidName("execution: 'n 1'")]},
        {"json": {"starts": [{"name": "42"}, {"name": "n 1"}]}},
    ),
    (
        "list_executions",
        200,
        "/v1/executions",
        {"executions": (views.ExecutionPage, examples.EXECUTION_PAGE)},
        {},
    ),
    (
        "describe",
        200,
        "/v1/executions/order:42",
        {"describe": (views.ExecutionView, examples.DESCRIPTION)},
        {},
    ),
    (
        "history",
        200,
        "/v1/executions/order:42/history",
        {"history": (views.HistoryPage, examples.HISTORY)},
        {},
    ),
    (
        "signal",
        202,
        "/v1/executions/order:42/signals/approval",
        {"signal": (views.SignalResult, examples.SIGNAL)},
        {"json": {}},
    ),
    ("stop", 200, "/v1/executions/order:42/stop", {"stop": ABORTED}, {}),
    ("stop", 202, "/v1/executions/order:42/stop", {"stop": START.execution}, {}),
    ("lease", 200, "/v1/queues/pay/lease", {"lease": [TASK]}, {}),
    (
        "exchange",
        200,
        "/v1/queues/pay/exchange",
        {"settle_many": [SETTLED], "lease": [TASK]},
        {"json": RESULT},
    ),
    ("succeed", 200, f"/v1/tasks/{examples.TOKEN}/succeed", {"settle": None}, {}),
    ("fail", 200, f"/v1/tasks/{examples.TOKEN}/fail", {"settle": None}, {}),
    (
        "heartbeat",
        200,
        f"/v1/tasks/{examples.TOKEN}/heartbeat",
        {"heartbeat": (views.Heartbeat, examples.HEARTBEAT)},
        {},
    ),
    ("healthz", 200, "/healthz", {"health": (views.Health, examples.HEALTH)}, {}),
    ("readyz", 200, "/readyz", {"health": (views.Health, examples.HEALTH)}, {}),
]


def answers(given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: view(*answer) if isinstance(answer, tuple) else answer
        for name, answer in given.items()
    }


@pytest.mark.parametrize(
    ("name", "status", "path", "given", "request_"), ROWS, ids=[f"{r[0]}-{r[1]}" for r in ROWS]
)
async def test_the_answer_is_the_documented_example(name, status, path, given, request_):
    described = operation(name)
    async with client(ScriptedEngine(**answers(given))) as http:
        response = await http.request(described.method, path, **request_)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json() == described.answers[status].example


def schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}


@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"]))
def test_every_example_is_of_its_schema(path):
    for described in DOCUMENT["paths"][path].values():
        shown = [*described["responses"].values(), described.get("requestBody", {})]
        for media in (m for part in shown for m in part.get("content", {}).values()):
            if "example" in media:
                jsonschema.validate(
                    media["example"], media["schema"] | {"components": DOCUMENT["components"]}
                )


async def test_a_new_execution_is_named_by_location_with_its_name_encoded():
    odd = view(views.ExecutionSummary, examples.EXECUTION | {"id": "order:été+1"})
    async with client(ScriptedEngine(start=views.StartResult(odd, created=True))) as http:
        response = await http.post("/v1/definitions/order/executions", json={})
    assert response.headers["location"] == "/v1/executions/order:%C3%A9t%C3%A9%2B1"


async def test_documents_are_answered_as_they_were_written():
    written = b'{ "n": 12345678901234567890, "f": 1.0 }'
    execution = view(views.ExecutionView, examples.DESCRIPTION | {"output": None})
    shown = type(execution)(
        **{f: getattr(execution, f) for f in execution.__struct_fields__}
        | {"input": Document.parse(written)}
    )
    async with client(ScriptedEngine(describe=shown)) as http:
        response = await http.get("/v1/executions/order:42")
    assert written in response.content


@pytest.mark.parametrize(
    ("health", "status"),
    [
        (views.Health("ok", "ha", {}, []), 200),
        (views.Health("degraded", "dev", {}, ["no AOF"]), 200),
        (views.Health("down", "none", {}, ["gone"]), 503),
        (errors.StoreUnavailable("10.0.0.7:6379 refused"), 503),
    ],
)
async def test_readiness_follows_health_and_liveness_does_not(health, status):
    async with client(ScriptedEngine(health=health)) as http:
        ready, alive = await http.get("/readyz"), await http.get("/healthz")
    assert (ready.status_code, alive.status_code) == (status, 200)
    assert "10.0.0.7" not in ready.text


async def test_a_stopping_server_is_not_ready_and_waits_for_nothing():
    engine = ScriptedEngine(health=views.Health("ok", "ha", {}, []), lease=[])
    http = client(engine)
    http._transport.app.state.waits.stopping.set()
    async with http:
        assert (await http.get("/readyz")).status_code == 503
        await http.post("/v1/queues/q/lease", json={"wait_seconds": 60})
    assert engine.calls[-1][2]["wait_ms"] == 0
