"""What is refused, and how it is said. One row per mistake."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from scripted_engine import ScriptedEngine, client

from api.rest import receive
from engine import errors
from engine.language.problems import Problem
from engine.settings import Settings

START = "/v1/definitions/o/executions"
LEASE = "/v1/queues/q/lease"
EXCHANGE = "/v1/queues/q/exchange"

PATHS: list[tuple[str, str, bytes, set[str]]] = [
    ("POST", START, b"[]", {"$"}),
    ("POST", START, b'{"nam": "x"}', {"$.nam"}),
    ("POST", START, b'{"name": 1, "version": "1", "x": 0}', {"$.name", "$.version", "$.x"}),
    ("POST", START, b'{"version": 0}', {"$.version"}),
    ("POST", START + "?wait=61", b"{}", {"?wait"}),
    ("POST", START + "?wait=nan", b"{}", {"?wait"}),
    ("POST", START + "?wait=-1&x=1", b"{}", {"?wait", "?x"}),
    ("POST", START + "?wait=1&wait=2", b"{}", {"?wait"}),
    ("POST", START + "?wait=", b"{}", {"?wait"}),
    ("GET", "/v1/executions?status=running", b"", {"?status"}),
    ("GET", "/v1/executions?limit=0&version=a&cursor=", b"", {"?limit", "?version", "?cursor"}),
    ("GET", "/v1/executions?limit=1001", b"", {"?limit"}),
    ("GET", "/v1/executions:count?limit=1", b"", {"?limit"}),
    ("GET", "/v1/executions?status=RUNNING&status=FAILED", b"", {"?status"}),
    ("GET", "/v1/executions?definition=d" + 11 * "&attribute=a:1", b"", {"?attribute"}),
    ("GET", "/v1/executions/o:1?order=asc", b"", {"?order"}),
    ("GET", "/v1/executions/o:1/history?order=up&after=-1", b"", {"?order", "?after"}),
    ("GET", "/v1/definitions/o?version=1.5", b"", {"?version"}),
    ("GET", "/healthz?verbose=1", b"", {"?verbose"}),
    ("POST", LEASE, b'{"max": 0, "wait_seconds": 61}', {"$.max", "$.wait_seconds"}),
    ("POST", LEASE, b'{"max": 101, "lease_seconds": 0.5}', {"$.max", "$.lease_seconds"}),
    ("POST", LEASE, b'{"worker": 5}', {"$.worker"}),
    ("POST", EXCHANGE, b'{"results": {}}', {"$.results"}),
    ("POST", EXCHANGE, b'{"results": [{"token": "a", "output": 1}, {}]}', {"$.results[1]"}),
    (
        "POST",
        EXCHANGE,
        b"""{"results": [{"token": "a"}, {"token": "b", "output": 1},
            {"token": "c", "output": 1, "error": "E"}, {"token": "d", "output": 1e999}]}""",
        {"$.results[0]", "$.results[2]", "$.results[3]"},
    ),
    ("POST", "/v1/tasks/t/succeed", b'{"error": "E"}', {"$.error"}),
    ("POST", "/v1/tasks/t/fail", b'{"output": 1, "error": null}', {"$.output"}),
    ("POST", "/v1/tasks/t/heartbeat", b'{"lease_seconds": 3601}', {"$.lease_seconds"}),
    ("POST", "/v1/executions/o:1/signals/s", b'{"id": ""}', {"$.id"}),
    ("POST", "/v1/executions/o:1/stop", b'{"error": ["E"]}', {"$.error"}),
]


@pytest.mark.parametrize(("method", "path", "body", "named"), PATHS)
async def test_a_wrong_request_names_every_place_and_asks_the_engine_nothing(
    method, path, body, named
):
    engine = ScriptedEngine()
    async with client(engine) as http:
        response = await http.request(method, path, content=body)
    assert response.status_code == 400
    problem = response.json()
    assert problem["code"] == "invalid_request"
    assert {error["path"] for error in problem["errors"]} == named
    assert engine.calls == []


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b'{"input": NaN}', 1, 11),
        (b'{"input": {\n"a": Infinity}}', 2, 6),
        (b'{"name": "x",}', 1, 14),
        (b'{\n  "na', 2, 6),
        (b'{"n\xc3\xa9": 01}', 1, 9),
        (b"\xef\xbb\xbf{}", 1, 1),
        (b"{} {}", 1, 4),
    ],
)
async def test_malformed_json_is_refused_with_its_place(body, line, column):
    async with client() as http:
        problem = (await http.post(START, content=body)).json()
    assert problem["code"] == "invalid_document"
    assert (problem["line"], problem["column"]) == (line, column)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (b"1e400", "$.input"),
        (b'"\xff"', "$.input"),
        (b"[" * 101 + b"]" * 101, "$.input"),
        (b"[" * 100_000 + b"]" * 100_000, None),
        (b'"\\ud800"', None),
    ],
)
async def test_documents_that_are_not_strict_json_are_refused(value, path):
    async with client() as http:
        response = await http.post(START, content=b'{"input": ' + value + b"}")
    assert response.status_code == 400
    assert response.json()["code"] == "invalid_document"
    assert response.json().get("path") == path


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_only_plain_utf8_json_is_read(headers):
    async with client() as http:
        response = await http.post(START, content=b"{}", headers=headers)
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"


async def test_a_definition_is_not_read_out_of_a_form():
    async with client() as http:
        response = await http.put("/v1/definitions/o", files={"file": b"StartAt: A"})
    assert response.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/v1/executions/", 404, "not_found"),
        ("GET", "/v1/definitions//versions", 404, "not_found"),
        ("GET", "/v1/executions/a/b", 404, "not_found"),
        ("GET", "/v1/executions/a%2Fb", 400, "invalid_name"),
        ("GET", "/v1/executions/..%2f..%2fetc", 400, "invalid_name"),
        ("GET", "/v1/executions/a%00b", 400, "invalid_name"),
        ("POST", "/v1/executions/a/stop%0A", 400, "invalid_name"),
        ("GET", "/v1/executions/%ff", 400, "invalid_request"),
        ("GET", "/v1/executions?state=%ff", 400, "invalid_request"),
        ("DELETE", "/v1/executions/a", 405, "method_not_allowed"),
        ("GET", "/v1/queues/q/lease", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/executions", 405, "method_not_allowed"),
    ],
)
async def test_paths_and_methods_that_are_not_there(method, path, status, code):
    async with client() as http:
        response = await http.request(method, path)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_refused_method_is_told_which_are_allowed():
    async with client() as http:
        response = await http.post("/v1/definitions/o")
    assert response.headers["allow"] == "DELETE, GET, PUT"


async def test_the_engine_sees_odd_names_as_they_are():
    engine = ScriptedEngine(describe=errors.InvalidName("'a b' has white space"))
    async with client(engine) as http:
        response = await http.get("/v1/executions/a%20b")
    assert engine.asked[0] == "a b"
    assert response.json()["detail"] == "'a b' has white space"


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused_and_read_no_further(declared):
    engine = ScriptedEngine()
    sent = 0

    async def chunks() -> Any:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 1024

    headers = {"content-length": "102400"} if declared else {}
    async with client(engine, settings=Settings(request_bytes_max=4096)) as http:
        response = await http.post(START, content=chunks(), headers=headers)
    assert response.status_code == 413
    assert response.json()["limit_bytes"] == 4096
    assert response.headers["connection"] == "close"
    assert engine.calls == []


async def test_waiting_requests_are_bounded(monkeypatch):
    monkeypatch.setattr(receive, "POLLERS_MAX", 0)
    async with client(ScriptedEngine(lease=[])) as http:
        refused = await http.post(LEASE, json={"wait_seconds": 1})
        served = await http.post(LEASE, json={"wait_seconds": 0})
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert refused.headers["retry-after"] == "1"
    assert served.status_code == 200


def situations() -> list[type[errors.EngineError]]:
    found, todo = [], [errors.EngineError]
    while todo:
        kind = todo.pop()
        if kind.__module__ == "engine.errors":
            found.append(kind)
            todo += kind.__subclasses__()
    return [kind for kind in found if kind is not errors.InvalidDefinition]


@pytest.mark.parametrize("kind", situations(), ids=lambda kind: kind.code)
async def test_every_situation_of_the_engine_is_a_problem_with_its_facts(kind):
    raised = kind("as it happened", outcome="SUCCEEDED", status="a fact never replaces the status")
    async with client(ScriptedEngine(describe=raised)) as http:
        response = await http.get("/v1/executions/o:1")
    assert response.status_code == kind.status
    assert response.json() == {
        "type": f"urn:detent:error:{kind.code}",
        "title": raised.title,
        "status": kind.status,
        "code": kind.code,
        "detail": "as it happened",
        "outcome": "SUCCEEDED",
    }
    assert ("retry-after" in response.headers) == (kind.status in {429, 503})


async def test_an_invalid_definition_lists_its_problems():
    problem = Problem("unknown_target", "/States/A/Next", 3, 11, "there is no state 'B'")
    refused = errors.InvalidDefinition([problem])
    async with client(ScriptedEngine(publish=refused)) as http:
        response = await http.put("/v1/definitions/o", content=b"x")
    assert response.status_code == 400
    assert response.json()["problems"] == [
        {
            "code": "unknown_target",
            "pointer": "/States/A/Next",
            "line": 3,
            "column": 11,
            "message": "there is no state 'B'",
            "hint": "",
            "severity": "error",
        }
    ]


@pytest.mark.parametrize("answer", [RuntimeError("redis://:secret@10.0.0.7"), object()])
async def test_what_nobody_foresaw_is_shown_as_an_id_and_logged(answer, caplog):
    with caplog.at_level(logging.ERROR, "detent.api"):
        async with client(ScriptedEngine(describe=answer)) as http:
            response = await http.get("/v1/executions/o:1")
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "code", "id"}
    assert (response.status_code, problem["code"]) == (500, "internal_error")
    assert problem["id"] in caplog.text
    assert "Traceback" in caplog.text
