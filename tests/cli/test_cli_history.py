"""`history`: pages, following, and placing records in their states."""

from __future__ import annotations

import json

from cli.strands import Strands, summary

PATH = "/v1/executions/o%3A1/history"


def record(number, kind, previous=None, **details):
    found = {
        "id": number,
        "previousEventId": number - 1 if previous is None else previous,
        "timestamp": f"2026-11-22T10:00:0{number}.000Z",
        "type": kind,
    }
    return found | details


ENTERED = record(2, "TaskStateEntered", stateEnteredEventDetails={"name": "Charge", "input": "{}"})
FAILED = record(
    3, "ActivityFailed", activityFailedEventDetails={"error": "Busy", "cause": "try later"}
)


def test_a_record_belongs_to_the_state_of_the_one_before_it():
    strands = Strands()
    start = record(1, "ExecutionStarted")
    other = record(4, "PassStateEntered", 1, stateEnteredEventDetails={"name": "Log"})
    late = record(5, "ActivityScheduled", 3)
    assert [strands.place(each) for each in (start, ENTERED, FAILED, other, late)] == [
        "",
        "Charge",
        "Charge",
        "Log",
        "Charge",
    ]


def test_a_failure_is_summed_up_by_error_and_cause():
    assert summary(FAILED) == "Busy: try later"
    assert summary(ENTERED) == ""


def test_history_reads_every_page(detent, server):
    server.answer(
        "GET", PATH, {"events": [record(1, "ExecutionStarted")], "next": 1, "status": "RUNNING"}
    )
    server.answer("GET", PATH, {"events": [ENTERED, FAILED], "next": None, "status": "RUNNING"})
    shown = detent("history", "o:1").stdout.splitlines()
    assert shown[0].split() == ["ID", "TIME", "STATE", "RECORD"]
    assert shown[3].split(maxsplit=4) == [
        "3",
        "10:00:03.000",
        "Charge",
        "ActivityFailed",
        "Busy: try later",
    ]
    assert [request["query"].get("after") for request in server.requests] == [None, "1"]


def test_following_waits_for_more_until_the_end(detent, server):
    server.answer("GET", PATH, {"events": [ENTERED], "next": None, "status": "RUNNING"})
    server.answer("GET", PATH, {"events": [], "next": None, "status": "RUNNING"})
    server.answer("GET", PATH, {"events": [FAILED], "next": None, "status": "FAILED"})
    server.answer("GET", PATH, {"events": [], "next": None, "status": "FAILED"})
    followed = detent("history", "o:1", "--follow", "--json")
    assert [event["id"] for event in json.loads(followed.stdout)["events"]] == [2, 3]
    assert [request["query"].get("after") for request in server.requests] == [None, "2", "2", "3"]
    assert all(int(request["query"]["wait"]) > 0 for request in server.requests)
