"""`start`, `describe`, `list`, `signal` and `stop`."""

from __future__ import annotations

import json
from urllib.parse import quote

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


def test_describe_shows_who_started_an_execution_and_which_one_it_waits_for(detent, server):
    waiting = {"kind": "task", "queue": "@states", "callback": True, "child": "ship:c-1"}
    frames = [VIEW["frames"][0] | {"waiting": waiting}]
    server.answer("GET", PATH, VIEW | {"parent": "shop:p-1", "frames": frames}, 200)
    shown = detent("describe", ID).stdout
    assert "shop:p-1" in shown
    assert "execution ship:c-1" in shown


@pytest.mark.parametrize(
    ("arn", "identifier"),
    [
        ("arn:aws:states:us-east-1:000000000000:execution:order:a-1", "order:a-1"),
        ("arn:aws-cn:states:cn-north-1:1:execution:order/Each:a-1", "order~Each:a-1"),
        ("arn:aws:states:eu-west-1:1:express:order:a-1:5f0e", "order:a-1:5f0e"),
    ],
)
def test_an_execution_is_found_by_its_arn_too(detent, server, arn, identifier):
    at = f"/v1/executions/{quote(identifier, safe='')}"
    server.answer("GET", at, VIEW, 200)
    server.answer("GET", f"{at}/history", {"events": [], "next": None, "status": "RUNNING"}, 200)
    server.answer("POST", f"{at}/pause", VIEW, 200)
    server.answer("POST", f"{at}/signals/Go", {"signal": "Go"}, 404)
    for command in (("describe", arn), ("history", arn), ("pause", arn), ("signal", arn, "Go")):
        detent(*command)
    assert [each["path"].partition("?")[0] for each in server.requests] == [
        at,
        f"{at}/history",
        f"{at}/pause",
        f"{at}/signals/Go",
    ]


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
        ({"status": "FAILED", "error": "E", "cause": "C"}, 1, "ExecutionFailed           E: C"),
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
    last = record | {
        "id": 2,
        "type": "ExecutionSucceeded" if code == 0 else "ExecutionFailed",
        "executionFailedEventDetails": end if code else {},
    }
    server.answer("GET", f"{PATH}/history", {"events": [record], "next": None, "status": "RUNNING"})
    server.answer("GET", f"{PATH}/history", {"events": [last], "next": None, "status": "RUNNING"})
    server.answer("GET", f"{PATH}/history", {"events": [], "next": None, "status": end["status"]})
    server.answer("GET", PATH, VIEW | end)
    waited = detent("start", "order", "--wait")
    assert waited.exit_code == code
    assert "ExecutionStarted" in waited.stdout
    assert f"{ID} {end['status']}" in waited.stdout
    assert waited.stdout.count(shown) == 1


def test_start_and_wait_as_json_is_the_closed_execution_alone(detent, server):
    server.answer("POST", "/v1/definitions/order/executions", STARTED, 201)
    server.answer("GET", PATH, VIEW)
    server.answer("GET", PATH, VIEW | {"status": "SUCCEEDED", "output": 7})
    waited = detent("start", "order", "--wait", "--json")
    assert waited.exit_code == 0
    assert json.loads(waited.stdout)["output"] == 7


def test_a_start_that_existed_already_says_so_and_warns_of_another_version(detent, server):
    server.answer("POST", "/v1/definitions/order/executions", STARTED, 200)
    again = detent("start", "order", "--name", "a-1", "--version", "1")
    assert again.stdout.split(maxsplit=4)[4] == "(started before; nothing changed)\n"
    assert "warning: order:a-1 runs version 2, not 1" in again.stderr
    same = detent("start", "order", "--name", "a-1", "--version", "2", "--json")
    assert json.loads(same.stdout) == STARTED
    assert same.stderr == "order:a-1 was started before; nothing changed\n"


@pytest.mark.parametrize(
    ("status", "hint"), [("RUNNING", "it runs with another input"), ("FAILED", "it has ended")]
)
def test_a_name_that_is_taken_is_told_with_what_took_it(detent, server, status, hint):
    facts = {"execution": ID, "execution_status": status}
    path = "/v1/definitions/order/executions"
    server.problem("POST", path, 409, "execution_already_exists", **facts)
    refused = detent("start", "order", "--name", "a-1")
    assert refused.exit_code == 1
    assert f"order:a-1 is {status}." in refused.stderr
    assert f"hint: {hint}" in refused.stderr


def test_a_server_that_restarts_while_an_execution_is_waited_for_loses_nothing(
    detent, server, monkeypatch
):
    monkeypatch.setattr("cli.waiting.RETRY_SECONDS", 0)
    server.answer("POST", "/v1/definitions/order/executions", STARTED, 201)
    server.answer("GET", PATH, VIEW | {"status": "SUCCEEDED", "output": 7})
    take = server.take

    def silent_once(method, target, *rest):
        if method == "GET":
            server.take, server.silent = take, 2
        return take(method, target, *rest)

    server.take = silent_once
    waited = detent("start", "order", "--wait", "--json")
    assert waited.exit_code == 0
    assert json.loads(waited.stdout)["output"] == 7
    assert [request["method"] for request in server.requests] == ["POST", "GET", "GET", "GET"]


def test_ctrl_c_ends_the_waiting_and_says_that_the_execution_runs_on(detent, server, monkeypatch):
    server.answer("POST", "/v1/definitions/order/executions", STARTED, 201)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.executions.show_progress", interrupted)
    ended = detent("start", "order", "--wait")
    assert ended.exit_code == 130
    assert "order:a-1 runs on; `detent history order:a-1 --follow`" in ended.stderr


def test_a_task_with_a_callback_waits_for_its_token(detent, server):
    waiting = {"kind": "task", "queue": "ask", "callback": True}
    frame = VIEW["frames"][0] | {"waiting": waiting}
    server.answer("GET", PATH, VIEW | {"frames": [frame]})
    assert "its token, task of queue ask" in detent("describe", ID).stdout


def test_describe_shows_the_data_of_a_frame_where_it_is_not_the_input(detent, server):
    frame = VIEW["frames"][0]
    server.answer("GET", PATH, VIEW | {"frames": [frame | {"input": VIEW["input"]}]})
    server.answer("GET", PATH, VIEW | {"frames": [frame | {"input": {"label": "L-7"}}] * 7})
    assert "Data of frame" not in detent("describe", ID).stdout
    shown = detent("describe", ID).stdout
    assert shown.count('Data of frame 0, AwaitPickUp\n  {\n    "label": "L-7"\n  }') == 5
    assert "The data of 2 more frames" in shown


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


def test_a_list_that_is_not_all_says_how_to_go_on(detent, server):
    server.answer("GET", "/v1/executions", {"executions": [STARTED], "next": "c=="})
    server.answer("GET", "/v1/executions", {"executions": [STARTED], "next": None})
    options = ("--state", "Await it", "--version", "2", "--limit", "1")
    listed = detent("list", *options, "--token", "s3cret")
    command = listed.stderr.splitlines()[1].strip()
    assert command == "detent list --state 'Await it' --version 2 --limit 1 --cursor c=="
    assert server.requests[0]["query"] == {"state": "Await it", "version": "2", "limit": "1"}
    rest = detent("list", "--cursor", "c==")
    assert server.requests[1]["query"] == {"limit": "100", "cursor": "c=="}
    assert rest.stderr == ""


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
