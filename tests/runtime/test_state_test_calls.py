"""The HTTP call of a state that is tested alone: what was sent and answered is told, a connection's secrets only if asked for."""

from __future__ import annotations

import pytest
from listener import listening

from engine.settings import Settings
from engine.tasks.connections import read_connections
from engine.tasks.http import HttpRunner
from tests.core.onestate.asked import ask, seen

ROLE = "arn:aws:iam::123456789012:role/any"
SECRET = "s3cr3t-of-the-shop"
CONNECTIONS = "shop: {type: API_KEY, api_key_name: X-Api-Key, api_key_value: {env: SHOP}}"


@pytest.fixture
async def endpoint():
    async with listening() as made:
        yield made


@pytest.fixture
async def runners(tmp_path):
    path = tmp_path / "connections.yaml"
    path.write_text(CONNECTIONS, encoding="utf-8")
    runner = HttpRunner(Settings(), read_connections(path, {"SHOP": SECRET}))
    yield {"@http": runner}
    await runner.close()


def call(endpoint):
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::http:invoke",
        "Parameters": {
            "ApiEndpoint": endpoint.url + "/x",
            "Method": "POST",
            "Headers": {"X-One": "1"},
            "RequestBody": {"a": 1},
            "Authentication": {"ConnectionArn": "shop"},
        },
        "End": True,
    }


@pytest.mark.parametrize("reveals", [False, True])
async def test_a_call_is_told_and_its_secrets_only_if_they_are_asked_for(
    endpoint, runners, reveals
):
    answer = await ask(call(endpoint), runners=runners, role=ROLE, reveals_secrets=reveals)
    assert answer.status == "SUCCEEDED", answer
    assert endpoint.calls[0].headers["X-Api-Key"] == SECRET
    request, response = seen(answer)["request"], seen(answer)["response"]
    assert (request["protocol"], request["method"]) == ("http", "POST")
    assert (request["url"], request["body"]) == (endpoint.url + "/x", '{"a":1}')
    assert "X-One: 1" in request["headers"]
    assert (f"X-Api-Key: {SECRET}" in request["headers"]) == reveals
    assert (response["statusCode"], response["statusMessage"]) == ("200", "OK")
    assert response["headers"].startswith("[")


async def test_the_call_of_a_url_is_told_too(endpoint, runners):
    state = {"Type": "Task", "Resource": endpoint.url + "/y", "End": True}
    answer = await ask(state, {"a": 1}, runners=runners, role=ROLE)
    assert seen(answer)["request"]["url"] == endpoint.url + "/y"


async def test_where_no_call_was_answered_none_is_told(runners):
    state = {"Type": "Task", "Resource": "http://127.0.0.1:1/none", "End": True}
    answer = await ask(state, runners=runners, role=ROLE)
    assert (answer.status, answer.error) == ("FAILED", "States.Http.Socket")
    assert "request" not in seen(answer)
