"""The REST face of orders over a running engine: every answer is held against its published schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from api.app import create_app
from cli.main import main
from engine.settings import Settings
from tests.api.test_rest_end_to_end import Client

STATES = """
StartAt: Pay
States:
  Pay:
    Type: Task
    Resource: activity:pay
    Retry: [{ErrorEquals: [Busy], IntervalSeconds: 3600}]
    Catch: [{ErrorEquals: [Detent.Cancelled], Next: Undo}]
    Next: Undo
  Undo:
    Type: Task
    Resource: activity:undo
    End: true
"""


@pytest.fixture
async def call(engine: Any) -> AsyncIterator[Client]:
    transport = httpx2.ASGITransport(app=create_app(engine, Settings()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        client = Client(http)
        await client("PUT", "/v1/definitions/d", STATES)
        yield client


async def begun(call: Client, name: str = "n") -> str:
    await call("POST", "/v1/definitions/d/executions", {"name": name})
    return f"/v1/executions/d:{name}"


async def test_a_pause_is_shown_and_taken_back(call):
    path = await begun(call)
    status, paused = await call("POST", f"{path}/pause", {"mode": "catch_up", "reason": "why"})
    assert (status, paused["status"]) == (200, "RUNNING")
    _, view = await call("GET", path)
    assert view["paused"] | {"since": ""} == {
        "since": "",
        "by": "anonymous",
        "mode": "catch_up",
        "reason": "why",
    }
    status, refused = await call("POST", f"{path}/pause")
    assert (status, refused["code"], refused["reason"]) == (409, "order_refused", "already_paused")
    assert (await call("POST", f"{path}/resume"))[0] == 200
    assert "paused" not in (await call("GET", path))[1]


async def test_a_graceful_stop_compensates_and_any_other_does_not(call):
    path = await begun(call)
    status, stopped = await call("POST", f"{path}/stop", {"graceful": True, "reason": "why"})
    assert (status, stopped["status"]) == (202, "RUNNING")
    assert (await call("GET", path))[1]["frames"][0]["state"] == "Undo"
    status, refused = await call("POST", f"{path}/stop", {"graceful": True})
    assert (status, refused["reason"]) == (409, "already_cancelled")
    assert (await call("POST", f"{path}/stop"))[1]["status"] == "ABORTED"


async def test_an_execution_is_terminated_and_redriven(call):
    path = await begun(call)
    status, ended = await call("POST", f"{path}/terminate", {"error": "E", "cause": "c"})
    assert (status, ended["status"], ended["error"]) == (200, "ABORTED", "E")
    status, again = await call("POST", f"{path}/redrive", {"data": {"n": 2}})
    assert (status, again["status"]) == (200, "RUNNING")
    _, view = await call("GET", path)
    assert (view["redrives"], view["frames"][0]["input"]) == (1, {"n": 2})
    status, refused = await call("POST", f"{path}/redrive")
    assert (status, refused["reason"]) == (409, "not_closed")


async def test_a_strand_is_failed_retried_mended_sent_and_skipped(call):
    path = await begun(call)
    assert (await call("POST", f"{path}/tasks/fail", {"error": "Busy"}))[0] == 200
    assert (await call("GET", path))[1]["frames"][0]["waiting"]["kind"] == "retry"
    assert (await call("POST", f"{path}/retry"))[0] == 200
    assert (await call("POST", f"{path}/data", {"data": {"n": 10**30}}))[0] == 200
    assert (await call("POST", f"{path}/variables", {"variables": {"v": [1]}}))[0] == 200
    status, refused = await call("POST", f"{path}/variables", {"variables": {"1": 1}})
    assert (status, refused["reason"]) == (409, "variable_not_assignable")
    assert (await call("POST", f"{path}/goto", {"state": "Undo"}))[0] == 200
    assert (await call("POST", f"{path}/goto", {"state": "None"}))[1]["code"] == "order_refused"
    assert (await call("GET", path))[1]["frames"][0]["input"] == {"n": 10**30}
    status, done = await call("POST", f"{path}/skip", {"output": {"done": True}})
    assert (status, done["status"], done["output"]) == (200, "SUCCEEDED", {"done": True})
    _, page = await call("GET", f"{path}/history?limit=1000")
    by = [
        details
        for event in page["events"]
        for details in event.values()
        if isinstance(details, dict) and "by" in details
    ]
    assert len(by) == 6
    assert {each["by"] for each in by} == {"anonymous"}


async def test_a_task_is_settled_by_hand_once(call):
    path = await begun(call)
    assert (await call("POST", f"{path}/tasks/succeed", {"output": 1}))[0] == 200
    assert (await call("POST", f"{path}/tasks/succeed", {"output": 2}))[1]["status"] == "SUCCEEDED"
    status, late = await call("POST", f"{path}/tasks/succeed", {"output": 3})
    assert (status, late["code"]) == (409, "execution_closed")
    path = await begun(call, "m")
    status, none = await call("POST", f"{path}/tasks/fail", {"frame": "0/7"})
    assert (status, none["code"]) == (404, "task_not_found")


@pytest.mark.parametrize(
    "verb",
    [
        "pause",
        "resume",
        "release",
        "terminate",
        "retry",
        "skip",
        "redrive",
        "tasks/succeed",
        "tasks/fail",
    ],
)
async def test_an_execution_that_is_not_there_is_not_found(call, verb):
    status, none = await call("POST", f"/v1/executions/d:none/{verb}")
    assert (status, none["code"]) == (404, "execution_not_found")
    status, wrong = await call("POST", f"/v1/executions/d/{verb}")
    assert (status, wrong["code"]) == (400, "invalid_name")
    status, express = await call("POST", f"/v1/executions/d:n:0/{verb}")
    assert (status, express["code"]) == (409, "express_operation_unsupported")


@pytest.mark.parametrize(
    ("verb", "body"),
    [("goto", {}), ("data", {}), ("variables", {"variables": {}}), ("pause", {"mode": "no"})],
)
async def test_a_body_that_asks_for_nothing_is_refused(call, verb, body):
    assert (await call("POST", f"/v1/executions/d:n/{verb}", body))[1]["code"] == "invalid_request"


@pytest.mark.parametrize(
    "arguments",
    [["set", "d:n"], ["set", "d:n", "--data", "1", "--variable", "a=1"], ["set", "d:n", "--variable", "a"],
     ["set", "d:n", "--variable", "a=x"], ["goto", "d:n"]],
)  # fmt: skip
def test_a_command_that_is_not_clear_is_wrong_usage(arguments):
    assert CliRunner().invoke(main, arguments).exit_code == 2
