"""Signals: consumed in order, at most once, before or after anybody waits."""

from __future__ import annotations

import pytest

from engine.core.events import SignalReceived
from engine.core.records import render
from engine.documents import Document
from engine.rehearsal import Given
from tests.core.machines import chain, run, scope

WAITS = {"Type": "Task", "Resource": "signal:go", "End": True}


def go(number, after_ms=0, name="go"):
    return Given(SignalReceived(name, f"id-{number}", Document.of(number)), after_ms)


def test_a_waiting_state_completes_with_the_signals_payload():
    result = run({"A": WAITS}, given=[go(7, 1000)])
    assert result.output == 7
    assert chain(result)[1:] == [
        "2<0 TaskStateEntered",
        "3<2 TaskScheduled",
        "4<0 SignalReceived",
        "5<3 SignalConsumed",
        "6<5 TaskSucceeded",
        "7<6 TaskStateExited",
        "8<7 ExecutionSucceeded",
    ]


def test_the_records_of_a_signal_have_step_functions_shape():
    result = run({"A": WAITS}, given=[go("x", 1000)])
    shown = [render(record) for record in result.records]
    assert shown[2]["taskScheduledEventDetails"] == {
        "resourceType": "signal",
        "resource": "go",
        "parameters": "{}",
    }
    assert shown[3]["signalReceivedEventDetails"] == {
        "name": "go",
        "id": "id-x",
        "input": '"x"',
        "inputDetails": {"truncated": False},
    }
    assert shown[4]["signalConsumedEventDetails"] == {"name": "go", "id": "id-x", "state": "A"}


@pytest.mark.parametrize("evict", [False, True])
def test_signals_that_come_early_are_kept_in_their_order(evict):
    states = {
        "W": {"Type": "Wait", "Seconds": 60, "Next": "A"},
        "A": {"Type": "Task", "Resource": "signal:go", "ResultPath": "$.a", "Next": "B"},
        "B": {"Type": "Task", "Resource": "signal:go", "ResultPath": "$.b", "End": True},
    }
    result = run(states, given=[go(1, 1000), go(2, 2000), go(3, 3000)], evict=evict)
    assert result.output == {"a": 1, "b": 2}
    assert result.execution.signals["go"].head == 2
    assert result.execution.signals["go"].tail == 3


def test_a_signal_of_another_name_is_kept_and_wakes_nobody():
    states = {"A": {**WAITS, "TimeoutSeconds": 30}}
    result = run(states, given=[go(1, 1000, "other")])
    assert result.error == "States.Timeout"
    assert list(result.execution.signals) == ["other"]


def test_frames_that_listen_are_served_first_come_first_served():
    late = scope(
        W={"Type": "Wait", "Seconds": 5, "Next": "B"},
        B={"Type": "Task", "Resource": "signal:go", "End": True},
    )
    states = {"P": {"Type": "Parallel", "Branches": [late, scope(A=WAITS)], "End": True}}
    result = run(states, given=[go("first", 10_000), go("second", 11_000)], evict=True)
    assert result.output == ["second", "first"]


def test_a_signal_state_can_time_out_and_be_caught():
    states = {
        "A": {
            **WAITS,
            "TimeoutSeconds": 30,
            "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "B"}],
        },
        "B": {"Type": "Pass", "End": True},
    }
    result = run(states)
    assert result.output == {"Error": "States.Timeout", "Cause": ""}
    assert "TaskTimedOut" in result.types
    assert not result.execution.signals


def test_a_listener_that_was_dropped_takes_no_signal():
    fails = scope(
        W={"Type": "Wait", "Seconds": 5, "Next": "F"}, F={"Type": "Fail", "Error": "Broken"}
    )
    states = {
        "P": {
            "Type": "Parallel",
            "Branches": [scope(A=WAITS), fails],
            "Catch": [{"ErrorEquals": ["Broken"], "Next": "B"}],
            "End": True,
        },
        "B": {"Type": "Task", "Resource": "signal:go", "End": True},
    }
    result = run(states, given=[go(1, 9000)])
    assert result.output == 1
