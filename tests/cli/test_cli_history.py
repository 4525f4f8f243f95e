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


def redriven(*before):
    """The states of what has happened before a redrive, and of what follows it."""
    strands = Strands()
    number = len(before) + 1
    after = (
        record(number, "ExecutionRedriven", 0),
        record(number + 1, "ActivityScheduled", number),
        record(number + 2, "ActivityStarted", number + 1),
    )
    return [strands.place(each) for each in (*before, *after)][-3:]


def test_what_follows_a_redrive_belongs_to_the_state_that_was_not_left():
    done = record(1, "PassStateEntered", 0, stateEnteredEventDetails={"name": "Log"})
    left = record(2, "PassStateExited", stateExitedEventDetails={"name": "Log"})
    charge = record(3, "TaskStateEntered", stateEnteredEventDetails={"name": "Charge"})
    assert redriven(done, left, charge) == ["", "Charge", "Charge"]


def test_what_follows_a_redrive_is_not_guessed_among_several_states():
    both = record(1, "ParallelStateEntered", 0, stateEnteredEventDetails={"name": "Both"})
    assert redriven(both, ENTERED) == ["", "", ""]


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


TRACE = "it broke\n\nTraceback (most recent call last):\n  here"
BROKEN = record(3, "ActivityFailed", activityFailedEventDetails={"error": "Oops", "cause": TRACE})
ENDED = record(4, "ExecutionFailed", executionFailedEventDetails={"error": "Oops", "cause": TRACE})


def ends(server):
    server.answer(
        "GET", PATH, {"events": [ENTERED, BROKEN, ENDED], "next": None, "status": "FAILED"}
    )
    server.answer("GET", PATH, {"events": [], "next": None, "status": "FAILED"})
    server.answer("GET", "/v1/executions/o%3A1", {"status": "FAILED"})


def test_progress_is_aligned_and_tells_a_cause_once_in_one_line(detent, server):
    ends(server)
    assert detent("history", "o:1", "-f").stdout.splitlines() == [
        "10:00:02.000  Charge                TaskStateEntered",
        "10:00:03.000  Charge                ActivityFailed            Oops: it broke ...",
        "10:00:04.000  Charge                ExecutionFailed           Oops",
        "`detent history o:1 --full` shows the causes in full",
        "o:1 FAILED",
    ]


def test_full_shows_a_whole_cause_once(detent, server):
    answer = {"events": [ENTERED, BROKEN, ENDED], "next": None, "status": "FAILED"}
    server.answer("GET", PATH, answer)
    assert "Traceback" not in detent("history", "o:1").stdout
    shown = detent("history", "o:1", "--full").stdout
    assert shown.count("    Traceback (most recent call last):\n      here\n") == 1
    ends(server)
    assert detent("history", "o:1", "--full", "-f").stdout.count("    Traceback (most") == 1


def test_following_outlasts_a_restart_and_neither_repeats_nor_loses_a_record(
    detent, server, monkeypatch
):
    monkeypatch.setattr("cli.waiting.RETRY_SECONDS", 0)
    server.answer("GET", PATH, {"events": [ENTERED], "next": None, "status": "RUNNING"})
    for _ in range(2):
        server.problem("GET", PATH, 503, "store_unavailable")
    server.answer("GET", PATH, {"events": [FAILED], "next": None, "status": "FAILED"})
    server.answer("GET", PATH, {"events": [], "next": None, "status": "FAILED"})
    followed = detent("history", "o:1", "--follow", "--json")
    assert [event["id"] for event in json.loads(followed.stdout)["events"]] == [2, 3]
    after = [request["query"].get("after") for request in server.requests]
    assert after == [None, "2", "2", "2", "3"]
    assert followed.stderr.splitlines() == [
        "the server does not answer; waiting for it ...",
        "the server answers again",
    ]


def test_a_server_that_stays_away_ends_the_following_with_3(detent, server, monkeypatch):
    monkeypatch.setattr("cli.waiting.RETRY_SECONDS", 0)
    monkeypatch.setattr("cli.waiting.OUTAGE_SECONDS", 0.2)
    server.answer("GET", PATH, {"events": [ENTERED], "next": None, "status": "RUNNING"})
    take = server.take

    def answer_once(*request):
        server.take, server.silent = take, 0
        answer = take(*request)
        server.silent = 1_000_000
        return answer

    server.take = answer_once
    left = detent("history", "o:1", "--follow")
    assert left.exit_code == 4
    assert left.stderr.count("waiting for it") == 1
    assert "error[unreachable]" in left.stderr


def test_a_server_that_never_answered_is_not_waited_for(detent, server):
    server.silent = 1_000_000
    assert detent("history", "o:1", "--follow").exit_code == 4
    assert len(server.requests) == 1


def test_what_is_not_kept_any_more_is_said_once_and_stands_in_the_document(detent, server):
    dropped = {"first": 1, "last": 1200, "count": 1200}
    page = {"events": [record(1201, "ExecutionStarted")], "next": 1201, "status": "RUNNING"}
    for _ in range(2):
        server.answer("GET", PATH, page | {"dropped": dropped})
        server.answer("GET", PATH, page | {"events": [], "next": None, "dropped": dropped})
    shown = detent("history", "o:1")
    assert shown.stderr == "records 1 to 1,200 are not kept any more\n"
    told = json.loads(detent("history", "o:1", "--json").stdout)
    assert (told["dropped"], len(told["events"])) == (dropped, 1)


def test_following_says_what_it_has_missed(detent, server):
    first = {"events": [ENTERED], "next": None, "status": "RUNNING"}
    server.answer("GET", PATH, first)
    late = {"events": [record(9, "PassStateEntered")], "next": None, "status": "FAILED"}
    server.answer("GET", PATH, late | {"dropped": {"first": 1, "last": 8, "count": 8}})
    server.answer("GET", PATH, {"events": [], "next": None, "status": "FAILED"})
    followed = detent("history", "o:1", "--follow", "--json")
    assert followed.stderr == "records 3 to 8 are not kept any more\n"
