"""What each operation hands to the engine. One row per request: what is sent, what is asked."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_engine import ScriptedEngine, client, view

from api.rest import examples
from api.rest.decode import read_body
from api.rest.order_bodies import PauseBody
from engine import views
from engine.core.events import SignalReceived
from engine.documents import Document
from engine.errors import InvalidDocument
from engine.store.finding.filter import Filter
from engine.views import Outcome

EXECUTION = view(views.ExecutionSummary, examples.EXECUTION)
DESCRIPTION = view(views.ExecutionView, examples.DESCRIPTION)
DOC = Document.of

COUNT = (
    "/v1/executions:count?definition=o&error=E&attribute=a:x%3Ay&attribute=b:&"
    "started_after=2026-11-22T10:00:00.0001Z&started_before=2026-11-22T11:00:00%2B01:00"
)
ROWS: list[tuple[str, str, Any, str, tuple[Any, ...]]] = [
    ("GET", "/v1/definitions", None, "definitions", (100, None)),
    ("GET", "/v1/definitions?limit=5&cursor=abc", None, "definitions", (5, "abc")),
    ("GET", "/v1/definitions/order", None, "definition", ("order", None)),
    ("GET", "/v1/definitions/order?version=2", None, "definition", ("order", 2)),
    ("GET", "/v1/definitions/order/versions", None, "versions", ("order",)),
    ("POST", "/v1/definitions/o/executions", {}, "start", ("o", None, DOC({}), None, False, None)),
    (
        "POST",
        "/v1/definitions/o/executions",
        None,
        "start",
        ("o", None, DOC({}), None, False, None),
    ),
    (
        "POST",
        "/v1/definitions/o/executions",
        {"name": "42", "input": [1], "version": 3},
        "start",
        ("o", "42", DOC([1]), 3, False, None),
    ),
    (
        "POST",
        "/v1/definitions/o/executions",
        {"name": None, "input": None},
        "start",
        ("o", None, DOC(None), None, False, None),
    ),
    ("GET", "/v1/executions", None, "executions", (Filter(), 100, None)),
    (
        "GET",
        "/v1/executions?definition=o&status=RUNNING&state=A%20b&version=1&limit=1000&cursor=c",
        None,
        "executions",
        (Filter(definition="o", status="RUNNING", state="A b", version=1), 1000, "c"),
    ),
    (
        "GET",
        COUNT,
        None,
        "count",
        (
            Filter(
                definition="o",
                error="E",
                attributes=(("a", "x:y"), ("b", "")),
                started_from_ms=1795341600001,
                started_until_ms=1795341600000,
            ),
        ),
    ),
    ("GET", "/v1/executions/o:42", None, "describe", ("o:42", 0)),
    ("GET", "/v1/executions/o%3A42", None, "describe", ("o:42", 0)),
    ("GET", "/v1/executions/o:%C3%A9t%C3%A9%252F", None, "describe", ("o:été%2F", 0)),
    ("GET", "/v1/executions/o:42?wait=1.5", None, "describe", ("o:42", 1500)),
    ("GET", "/v1/executions/o:42/history", None, "history", ("o:42", None, 100, False, 0)),
    (
        "GET",
        "/v1/executions/o:42/history?after=7&limit=2&order=desc&wait=60",
        None,
        "history",
        ("o:42", 7, 2, True, 60_000),
    ),
    (
        "POST",
        "/v1/executions/o:42/signals/go",
        {"payload": {"a": 1}, "id": "x", "ttl_seconds": 0.25},
        "signal",
        ("o:42", "go", DOC({"a": 1}), "x", 250),
    ),
    (
        "POST",
        "/v1/executions/o:42/signals/go",
        None,
        "signal",
        ("o:42", "go", DOC(None), None, None),
    ),
    (
        "POST",
        "/v1/definitions/order/executions",
        {"name": "42", "signal": {"name": "go", "payload": 1, "id": "x", "ttl_seconds": 9}},
        "start_with_signal",
        ("order", "42", DOC({}), None, SignalReceived("go", "x", DOC(1), 9000), None),
    ),
    (
        "POST",
        "/v1/definitions/order/signals/go",
        {"id": "x", "attribute": {"customer": "c", "total": 100.0, "vip": True}},
        "broadcast",
        (
            "order",
            "go",
            DOC(None),
            "x",
            None,
            [("customer", "c"), ("total", "100"), ("vip", "true")],
        ),
    ),
    ("GET", "/v1/executions/o:42/signals?limit=7", None, "signals", ("o:42", 7, None)),
    ("POST", "/v1/executions/o:42/stop", None, "stop", ("o:42", None, None, 5000)),
    (
        "POST",
        "/v1/executions/o:42/stop",
        {"error": "E", "cause": "c"},
        "stop",
        ("o:42", "E", "c", 5000),
    ),
    ("POST", "/v1/queues/q/lease", None, "lease", ("q", 1, 0, 30_000, "")),
    (
        "POST",
        "/v1/queues/q/lease",
        {"max": 100, "wait_seconds": 60, "lease_seconds": 1.5, "worker": "w"},
        "lease",
        ("q", 100, 60_000, 1500, "w"),
    ),
    ("POST", "/v1/queues/q/exchange", {"max": 2}, "lease", ("q", 2, 0, 30_000, "")),
    (
        "POST",
        "/v1/queues/q/exchange",
        {
            "results": [
                {"token": "a", "output": None, "lease": "l"},
                {"token": "b", "error": "E", "cause": "c"},
            ]
        },
        "settle_many",
        ([Outcome("a", DOC(None), lease="l"), Outcome("b", None, "E", "c")],),
    ),
    ("POST", "/v1/tasks/t~1/succeed", None, "settle", (Outcome("t~1", DOC(None)),)),
    (
        "POST",
        "/v1/tasks/t/succeed",
        {"output": 1, "lease": "l"},
        "settle",
        (Outcome("t", DOC(1), lease="l"),),
    ),
    ("POST", "/v1/tasks/t/fail", None, "settle", (Outcome("t"),)),
    (
        "POST",
        "/v1/tasks/t/fail",
        {"error": "E", "cause": "c", "lease": "l"},
        "settle",
        (Outcome("t", None, "E", "c", "l"),),
    ),
    ("POST", "/v1/tasks/t/heartbeat", None, "heartbeat", ("t", None, None)),
    (
        "POST",
        "/v1/tasks/t/heartbeat",
        {"lease": "l", "lease_seconds": 2},
        "heartbeat",
        ("t", "l", 2000),
    ),
]


def answering() -> ScriptedEngine:
    return ScriptedEngine(
        definitions=view(views.DefinitionPage, examples.DEFINITION_PAGE),
        definition=view(views.DefinitionText, examples.DEFINITION_TEXT),
        versions=[],
        start=views.StartResult(EXECUTION, created=True),
        count=views.ExecutionCount(0, exact=True),
        start_with_signal=views.StartResult(EXECUTION, created=True),
        broadcast=view(views.BroadcastResult, examples.BROADCAST),
        signals=view(views.SignalPage, examples.SIGNAL_PAGE),
        executions=view(views.ExecutionPage, examples.EXECUTION_PAGE),
        describe=DESCRIPTION,
        history=view(views.HistoryPage, examples.HISTORY),
        signal=view(views.SignalResult, examples.SIGNAL),
        stop=EXECUTION,
        lease=[],
        settle=None,
        settle_many=[],
        heartbeat=views.Heartbeat("t"),
    )


@pytest.mark.parametrize(("method", "path", "body", "name", "asked"), ROWS)
async def test_a_request_asks_the_engine_exactly_this(method, path, body, name, asked):
    engine = answering()
    async with client(engine) as http:
        response = await http.request(method, path, **({} if body is None else {"json": body}))
    assert response.is_success, response.text
    assert engine.calls[0][0] == name
    assert engine.asked == asked


@pytest.mark.parametrize(
    ("content_type", "text_format"),
    [
        ("application/json", "json"),
        ("application/yaml", "yaml"),
        ("text/yaml; charset=utf-8", "yaml"),
        ("application/x-www-form-urlencoded", None),
        (None, None),
    ],
)
async def test_the_content_type_of_a_definition_tells_its_format_else_the_text_does(
    content_type, text_format
):
    engine = ScriptedEngine(publish=view(views.Published, examples.PUBLISHED))
    headers = {} if content_type is None else {"content-type": content_type}
    async with client(engine) as http:
        await http.put("/v1/definitions/order", content=b"StartAt: A", headers=headers)
    assert engine.asked == ("order", b"StartAt: A", text_format, None)


async def test_documents_reach_the_engine_as_their_sender_wrote_them():
    engine = answering()
    text = b'{ "n": 12345678901234567890, "f": 1.0, "s": "\\u00e9" }'
    async with client(engine) as http:
        await http.post("/v1/definitions/o/executions", content=b'{"input": ' + text + b"}")
    assert engine.asked[2].text.strip() == text


async def test_a_start_that_waits_is_acknowledged_first_and_then_waits_for_the_end():
    closed = view(
        views.ExecutionSummary,
        examples.EXECUTION
        | {"status": "SUCCEEDED", "stopped": examples.LATER, "output": {"ok": True}},
    )
    engine = ScriptedEngine(start=views.StartResult(EXECUTION, created=True), closed=closed)
    async with client(engine) as http:
        response = await http.post("/v1/definitions/order/executions?wait=2", json={})
    assert [name for name, _, _ in engine.calls] == ["start", "closed"]
    assert engine.calls[1][1] == ("order:42", 2000)
    assert response.status_code == 201
    assert response.json() == examples.EXECUTION | {
        "status": "SUCCEEDED",
        "stopped": examples.LATER,
        "output": {"ok": True},
    }


async def test_an_exchange_settles_before_it_leases():
    engine = answering()
    body = {"results": [{"token": "a", "output": 1}], "max": 1}
    async with client(engine) as http:
        await http.post("/v1/queues/q/exchange", json=body)
    assert [name for name, _, _ in engine.calls] == ["settle_many", "lease"]


def test_depth_in_a_member_that_is_wrong_anyway_is_refused_as_depth():
    with pytest.raises(InvalidDocument):
        read_body(PauseBody, b'{"mode":1,"reason":' + b"[" * 1_000_000)
