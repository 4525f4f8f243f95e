"""`signal`, `signals`, and a start with a signal."""

from __future__ import annotations

import json

import pytest

ID = "order:a-1"
PATH = "/v1/executions/order%3Aa-1"
SENT = {"execution": ID, "signal": "Paid", "id": "s-1", "duplicate": False, "status": "accepted"}
STARTED = {
    "id": ID,
    "definition": "order",
    "name": "a-1",
    "version": 2,
    "status": "RUNNING",
    "started": "2026-11-22T10:00:00.000Z",
    "signal": SENT,
}


@pytest.mark.parametrize(
    ("fate", "told", "code"),
    [
        ({"status": "consumed", "state": "Await", "record": 7}, "taken by Await", 0),
        ({"status": "expired"}, "its time was over", 1),
        ({"status": "left_over"}, "nobody took it", 1),
        ({}, "id s-1\n", 1),
    ],
)
def test_waiting_says_what_became_of_the_signal_and_fails_unless_a_state_took_it(
    detent, server, fate, told, code
):
    server.answer("POST", f"{PATH}/signals/Paid", SENT | fate)
    sent = detent("signal", ID, "Paid", "--ttl", "1.5", "--wait", "10")
    assert (sent.exit_code, told in sent.stdout) == (code, True)
    assert server.requests[0]["query"] == {"wait": "consumed", "wait_seconds": "10"}
    assert json.loads(server.requests[0]["body"]) == {"ttl_seconds": 1.5}


def test_attributes_send_it_to_many_executions_of_a_definition(detent, server):
    counts = {"matched": 4, "delivered": 2, "duplicates": 1, "refused": {"signal_invalid": 1}}
    answer = {"definition": "order", "signal": "Paid", "id": "s-1", **counts}
    server.answer("POST", "/v1/definitions/order/signals/Paid", answer)
    sent = detent("signal", "order", "Paid", "--attribute", "a=b=c", "--attribute", "n=1")
    assert "2 of 4 executions, 1 had it before, 1 refused: signal_invalid" in sent.stdout
    assert json.loads(server.requests[0]["body"]) == {"attribute": {"a": "b=c", "n": "1"}}
    detent("signal", "order", "Paid", "--all", "--id", "s-1")
    assert json.loads(server.requests[1]["body"]) == {"id": "s-1"}


@pytest.mark.parametrize(
    "options",
    [
        ("--all", "--attribute", "a=b"),
        ("--all", "--wait", "3"),
        ("--attribute", "a"),
        ("--ttl", "0"),
        ("--wait", "61"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage_and_nothing_is_sent(detent, server, options):
    assert detent("signal", ID, "Paid", *options).exit_code == 2
    assert server.requests == []


def test_a_start_brings_a_signal_and_says_whether_it_was_only_sent(detent, server):
    server.answer("POST", "/v1/definitions/order/executions", STARTED, 201)
    server.answer("POST", "/v1/definitions/order/executions", STARTED, 200)
    options = ("--signal-payload", '{"a": 1}', "--signal-id", "s-1", "--signal-ttl", "60")
    begun = detent("start", "order", "--name", "a-1", "--signal", "Paid", *options)
    assert "started before" not in begun.stdout
    assert json.loads(server.requests[0]["body"])["signal"] == {
        "name": "Paid",
        "payload": {"a": 1},
        "id": "s-1",
        "ttl_seconds": 60,
    }
    again = detent("start", "order", "--name", "a-1", "--signal", "Paid")
    assert "it was sent the signal" in again.stdout
    assert detent("start", "order", "--signal-id", "s-1").exit_code == 2


def test_signals_are_listed_with_what_became_of_them_and_how_to_go_on(detent, server):
    row = {"name": "Paid", "id": "s-1", "received": "2026-11-22T10:00:00.000Z"}
    taken = row | {"status": "consumed", "state": "Await", "record": 7}
    page = {"signals": [taken, row | {"id": "s-2", "status": "expired"}], "next": "c=="}
    server.answer("GET", f"{PATH}/signals", page)
    server.answer("GET", f"{PATH}/signals", {"signals": [], "next": None})
    shown = detent("signals", ID, "--limit", "2")
    assert "Paid    s-1  2026-11-22 10:00:00  consumed  Await  -" in shown.stdout
    assert "--cursor c==" in shown.stderr
    assert "No signals." in detent("signals", ID).stdout
