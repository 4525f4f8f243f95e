"""`start`, `describe`, `list`, `signal` and `stop`."""

from __future__ import annotations

import json

import pytest

ID = "order:a-1"
PATH = "/v1/executions/order%3Aa-1"
STARTED = {
    "id": ID,
    "definition": "order",
    "name": "a-1",
    "version": 2,
    "status": "RUNNING",
    "started": "2026-11-22T10:00:00.000Z",
}
VIEW = STARTED | {
    "revision": 4,
    "input": {"orderId": "A-1"},
    "frames": [
        {
            "frame": "0",
            "state": "AwaitPickUp",
            "type": "Task",
            "entered": "2026-11-22T10:00:01.000Z",
            "input": {},
            "waiting": {"kind": "signal", "name": "PickedUp"},
        }
    ],
    "tasks": [],
    "timers": [{"frame": "0", "kind": "timeout", "due": "2026-11-29T10:00:01.000Z"}],
    "signals": [],
    "waiting_signals": [{"name": "PickedUp", "frame": "0"}],
}


def test_start_sends_the_input_as_it_was_written(detent, server):
    server.answer("POST", "/v1/definitions/order/executions", STARTED, 201)
    started = detent("start", "order", "--name", "a-1", "--input", '{"n": 12345678901234567890.10}')
    assert started.exit_code == 0
    assert started.stdout.split() == [ID, "version", "2", "RUNNING"]
    assert server.requests[0]["body"] == b'{"name":"a-1","input":{"n": 12345678901234567890.10}}'


@pytest.mark.parametrize("how", ["file", "stdin"])
def test_start_reads_the_input_from_a_file_or_stdin(detent, server, tmp_path, how):
    server.answer("POST", "/v1/definitions/order/executions", STARTED, 201)
    (tmp_path / "input.json").write_text('{"a": 1}')
    source = f"@{tmp_path / 'input.json'}" if how == "file" else "-"
    assert detent("start", "order", "--input", source, stdin='{"a": 1}').exit_code == 0
    assert json.loads(server.requests[0]["body"]) == {"input": {"a": 1}}


@pytest.mark.parametrize("text", ["{", "@missing.json"])
def test_an_unreadable_input_is_wrong_usage_and_starts_nothing(detent, server, text):
    assert detent("start", "order", "--input", text).exit_code == 2
    assert server.requests == []


@pytest.mark.parametrize(
    ("end", "code", "shown"),
    [
        ({"status": "SUCCEEDED", "output": {"done": True}}, 0, '"done": true'),
        ({"status": "FAILED", "error": "E", "cause": "C"}, 1, "E: C"),
    ],
)
def test_start_and_wait_shows_the_history_and_how_it_ended(detent, server, end, code, shown):
    server.answer("POST", "/v1/definitions/order/executions", STARTED, 201)
    record = {
        "id": 1,
        "previousEventId": 0,
        "timestamp": "2026-11-22T10:00:00.000Z",
        "type": "ExecutionStarted",
    }
    server.answer("GET", f"{PATH}/history", {"events": [record], "next": None, "status": "RUNNING"})
    server.answer("GET", f"{PATH}/history", {"events": [], "next": None, "status": end["status"]})
    server.answer("GET", PATH, VIEW | end)
    waited = detent("start", "order", "--wait")
    assert waited.exit_code == code
    assert "ExecutionStarted" in waited.stdout
    assert f"{ID} {end['status']}" in waited.stdout
    assert shown in waited.stdout


def test_start_and_wait_as_json_is_the_closed_execution_alone(detent, server):
    server.answer("POST", "/v1/definitions/order/executions", STARTED, 201)
    server.answer("GET", PATH, VIEW)
    server.answer("GET", PATH, VIEW | {"status": "SUCCEEDED", "output": 7})
    waited = detent("start", "order", "--wait", "--json")
    assert waited.exit_code == 0
    assert json.loads(waited.stdout)["output"] == 7


def test_describe_shows_where_it_rests_and_what_it_waits_for(detent, server):
    server.answer("GET", PATH, VIEW)
    shown = detent("describe", ID).stdout
    assert "RUNNING" in shown
    assert "0      AwaitPickUp  Task  2026-11-22 10:00:01  signal PickedUp" in shown
    assert "2026-11-29 10:00:01" in shown
    assert '"orderId": "A-1"' in shown
    assert "Signals kept" not in shown


def test_list_follows_cursors_until_the_limit(detent, server):
    one, two = STARTED | {"id": "order:1", "state": "Ship"}, STARTED | {"id": "order:2"}
    server.answer("GET", "/v1/executions", {"executions": [one], "next": "c"})
    server.answer("GET", "/v1/executions", {"executions": [two], "next": "d"})
    listed = detent("list", "--definition", "order", "--status", "running", "--limit", "2")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        "EXECUTION",
        "order:1",
        "order:2",
    ]
    assert server.requests[0]["query"] == {"definition": "order", "status": "RUNNING", "limit": "2"}
    assert server.requests[1]["query"]["cursor"] == "c"
    assert server.requests[1]["query"]["limit"] == "1"


def test_signal_sends_payload_and_id(detent, server):
    receipt = {"execution": ID, "signal": "PickedUp", "id": "s-1", "duplicate": True}
    server.answer("POST", f"{PATH}/signals/PickedUp", receipt, 202)
    sent = detent("signal", ID, "PickedUp", "--payload", '{"by": "x"}', "--id", "s-1")
    assert sent.exit_code == 0
    assert "sent before" in sent.stdout
    assert json.loads(server.requests[0]["body"]) == {"payload": {"by": "x"}, "id": "s-1"}


def test_stop_says_the_status(detent, server):
    server.answer("POST", f"{PATH}/stop", {"id": ID, "status": "ABORTED"})
    assert detent("stop", ID, "--error", "Changed").stdout == f"{ID} ABORTED\n"
    assert json.loads(server.requests[0]["body"]) == {"error": "Changed"}
