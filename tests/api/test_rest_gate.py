"""Who may pass the gate, and what every response carries."""

from __future__ import annotations

import pytest
from scripted_engine import ScriptedEngine, client

from api.app import create_app
from api.openapi import pages_of_documentation
from api.rest import descriptions
from api.rest.gate import OPEN_PATHS, is_local
from api.rest.operations import OPERATIONS
from engine.errors import ExecutionNotFound
from engine.settings import Settings

GUARDED = Settings(token="s3cret", host="0.0.0.0")
EVERYTHING = [*OPERATIONS, *pages_of_documentation()]


def concrete(path: str) -> str:
    for name in descriptions.path_names(path):
        path = path.replace(f"{{{name}}}", "x")
    return path


def test_the_table_has_every_route_of_the_application():
    app = create_app(ScriptedEngine(), Settings())
    assert {route.path for route in app.routes} - {"/"} == {item.path for item in EVERYTHING}
    assert {item.path for item in EVERYTHING if not item.guarded} == OPEN_PATHS


@pytest.mark.parametrize("item", EVERYTHING, ids=lambda item: item.name)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer s3cre"},
        {"authorization": "Bearer s3cret2"},
        {"authorization": "Basic s3cret"},
        {"authorization": "s3cret"},
        {"authorization": "Bearer \xff"},
    ],
    ids=str,
)
async def test_every_route_but_the_probes_and_the_documentation_wants_the_token(item, headers):
    engine = ScriptedEngine(health=ExecutionNotFound())
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    async with client(engine, settings=GUARDED) as http:
        response = await http.request(item.method, concrete(item.path), headers=raw)
    assert (response.status_code == 401) == item.guarded
    if item.guarded:
        assert response.headers["www-authenticate"].startswith("Bearer")
    if item.guarded or item.group == "documentation":
        assert engine.calls == []


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/healthz/", "/docs/", "/docs/x", "/v1/%68ealthz"]
)
async def test_a_path_without_a_route_wants_the_token_too(path):
    async with client(settings=GUARDED) as http:
        assert (await http.get(path)).status_code == 401


async def test_a_second_authorization_header_is_refused():
    async with client(settings=GUARDED) as http:
        headers = [("authorization", "Bearer s3cret"), ("authorization", "Bearer x")]
        assert (await http.get("/v1/executions", headers=headers)).status_code == 400


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_the_token_passes(scheme):
    engine = ScriptedEngine(lease=[])
    async with client(engine, settings=GUARDED, authorization=f"{scheme} s3cret") as http:
        response = await http.post("/v1/queues/q/lease", headers={"host": "detent.example"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("localhost", True),
        ("LOCALHOST:8083", True),
        ("127.0.0.1", True),
        ("127.0.0.1:80", True),
        ("[::1]", True),
        ("[::1]:8083", True),
        ("sync-localhost:8083", True),
        ("sync-127.0.0.1:8083", True),
        ("", False),
        ("evil.example", False),
        ("sync-localhost.evil.example", False),
        ("async-localhost", False),
        ("localhost.evil.example", False),
        ("localhost:8083.evil.example", False),
        ("127.0.0.1.nip.io", False),
        ("127.0.0.2", False),
        ("user@localhost", False),
        ("localhost:", False),
        ("::1", False),
        ("[::1", False),
        ("localhost\n", False),
    ],
)
def test_local_hosts(host, passes):
    assert is_local(host) is passes


async def test_without_a_token_another_host_is_refused():
    async with client() as http:
        response = await http.get("/docs", headers={"host": "evil.example:8083"})
    assert (response.status_code, response.json()["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"origin": "http://localhost:8083"}, True),
        ({"origin": "http://localhost:9999"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
    ],
)
async def test_without_a_token_pages_of_another_origin_change_nothing(headers, passes):
    engine = ScriptedEngine(lease=[])
    async with client(engine) as http:
        response = await http.post("/v1/queues/q/lease", headers=headers)
    assert (response.status_code == 200) is passes
    assert bool(engine.calls) is passes


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_reading_is_answered_whatever_its_origin_and_never_shared_with_it(origin):
    async with client() as http:
        response = await http.get("/openapi.json", headers={"origin": origin})
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/nothing", "/v1/executions?x=1"])
async def test_every_response_forbids_sniffing_storing_and_embedding(path):
    async with client(ScriptedEngine(health=ExecutionNotFound())) as http:
        headers = (await http.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


async def test_a_websocket_is_closed_at_the_gate():
    sent = []

    async def send(message):
        sent.append(message)

    app = create_app(ScriptedEngine(), Settings())
    await app({"type": "websocket", "path": "/v1/executions", "headers": []}, None, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
