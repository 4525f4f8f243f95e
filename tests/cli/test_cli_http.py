"""Talking to a server: refusals, silence, credentials."""

from __future__ import annotations

import json
import socket

import pytest


def test_a_refusal_shows_its_code_and_exits_1(detent, server):
    server.problem("GET", "/v1/executions/a%3Ab", 404, "execution_not_found", detail="a:b")
    refused = detent("describe", "a:b")
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert "error[execution_not_found]: No. a:b" in refused.stderr
    assert "hint: `detent list --definition a` shows its executions; none is named b" in (
        refused.stderr
    )


@pytest.mark.parametrize("command", [("describe",), ("history",), ("stop",), ("signal", "S")])
def test_what_is_no_id_is_told_what_one_is(detent, server, command):
    verb, *rest = command
    paths = {
        "describe": ("GET", ""),
        "history": ("GET", "/history"),
        "stop": ("POST", "/stop"),
        "signal": ("POST", "/signals/S"),
    }
    method, end = paths[verb]
    detail = "execution: 'foo' is not <definition>:<name>"
    server.problem(method, f"/v1/executions/foo{end}", 400, "invalid_name", detail=detail)
    assert "hint: an execution's id is DEFINITION:NAME" in detent(verb, "foo", *rest).stderr


@pytest.mark.parametrize(
    ("detail", "hint"),
    [
        ("order", "`detent publish order.yaml` would publish order; `detent definitions` shows"),
        ("order, version 9", "`detent definitions order` shows the versions of order"),
    ],
)
def test_a_definition_that_is_not_there_is_named_in_the_hint(detent, server, detail, hint):
    path = "/v1/definitions/order/executions"
    server.problem("POST", path, 404, "definition_not_found", detail=detail)
    assert f"hint: {hint}" in detent("start", "order").stderr


def test_with_json_the_problem_document_is_the_answer(detent, server):
    server.problem("GET", "/v1/executions/a%3Ab", 404, "execution_not_found")
    refused = detent("describe", "a:b", "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["code"] == "execution_not_found"


def test_no_server_exits_3_and_says_how_to_start_one(detent):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        missing = detent("list", "--url", url)
    assert missing.exit_code == 4
    assert "error[unreachable]" in missing.stderr
    assert "detent serve" in missing.stderr


def test_a_url_without_a_host_exits_3(detent):
    assert detent("list", "--url", "localhost:8083").exit_code == 4


def test_an_answer_that_is_no_problem_document_still_says_its_status(detent, server):
    server.answer("GET", "/v1/executions", "bad gateway", 502)
    refused = detent("list")
    assert refused.exit_code == 1
    assert "the server answered 502" in refused.stderr


def test_the_token_travels_as_bearer(detent, server):
    server.answer("GET", "/v1/executions", {"executions": [], "next": None})
    detent("list", "--token", "s3cret")
    assert server.requests[0]["headers"]["Authorization"] == "Bearer s3cret"


def test_a_refusal_names_every_field_that_is_wrong(detent, server):
    wrong = [
        {"path": "$.name", "message": "too long"},
        {"path": "?wait", "message": "not a number"},
    ]
    server.problem("GET", "/v1/executions", 400, "invalid_request", errors=wrong)
    assert detent("list").stderr.splitlines()[1:] == ["  $.name: too long", "  ?wait: not a number"]
