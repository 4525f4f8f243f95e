"""Signals that expire, decided without a store: what nobody has taken in time, nobody takes."""

from __future__ import annotations

import pytest

from engine.core.events import SignalReceived
from engine.core.limits import Limits
from engine.core.transition import transition
from engine.documents import Document
from engine.rehearsal import Given
from tests.core.machines import chain, machine, run, scope

WAITS = {"Type": "Task", "Resource": "signal:go", "End": True}


def nap(seconds, following="A"):
    return {"Type": "Wait", "Seconds": seconds, "Next": following}


def go(number, after_ms=0, ttl_ms=None, name="go"):
    return Given(SignalReceived(name, f"id-{number}", Document.of(number), ttl_ms), after_ms)


def of(result, kind):
    return [record.details["id"] for record in result.records if record.type == kind]


@pytest.mark.parametrize("evict", [False, True])
def test_a_state_takes_the_first_signal_whose_time_is_not_over(evict):
    states = {"W": nap(60), "A": {**WAITS, "TimeoutSeconds": 90}}
    given = [go(1, 1000, 2000), go(2, 2000, 58_000), go(3, 3000, 58_000)]
    result = run(states, given=given, evict=evict)
    assert result.output == 3
    assert of(result, "SignalExpired") == ["id-1", "id-2"]
    assert of(result, "SignalConsumed") == ["id-3"]


@pytest.mark.parametrize(("ttl_ms", "taken"), [(59_000, False), (59_001, True)])
def test_the_moment_at_which_its_time_is_over_no_longer_counts(ttl_ms, taken):
    result = run({"W": nap(60), "A": {**WAITS, "TimeoutSeconds": 9}}, given=[go(1, 1000, ttl_ms)])
    assert (result.error is None) is taken


def test_the_next_signal_of_any_name_sweeps_those_whose_time_is_over():
    given = [go(1, 1000, 1000), go(2, 1500), go(3, 5000, name="other")]
    result = run({"W": nap(60), "A": {**WAITS, "ResultPath": "$.x"}}, given=given)
    order = [r.type for r in result.records if r.type.startswith("Signal")]
    assert order == [
        "SignalReceived",
        "SignalReceived",
        "SignalReceived",
        "SignalExpired",
        "SignalConsumed",
        "SignalsLeftOver",
    ]
    assert result.output == {"x": 2}


def test_one_that_expires_behind_others_leaves_their_order_alone():
    given = [go(1, 1000), go(2, 1100, 500), go(3, 1200), go(4, 9000)]
    states = {"W": nap(60)}
    for number in range(3):
        following = {"Next": f"A{number + 1}"} if number < 2 else {"End": True}
        listens = {"Type": "Task", "Resource": "signal:go", "ResultPath": f"$.a{number}"}
        states[f"A{number}"] = listens | following
    states["W"]["Next"] = "A0"
    result = run(states, given=given, evict=True)
    assert result.output == {"a0": 1, "a1": 3, "a2": 4}
    assert of(result, "SignalExpired") == ["id-2"]
    assert not result.execution.signals


def test_a_signal_that_is_read_after_its_time_is_not_taken_by_the_state_that_waits():
    result = run(
        {"A": {**WAITS, "TimeoutSeconds": 30}},
        given=[go(1, 1000, ttl_ms=0)],
    )
    assert result.error == "States.Timeout"
    assert chain(result)[3:5] == ["4<0 SignalReceived", "5<0 SignalExpired"]


def test_hundreds_that_expire_together_are_all_dropped_before_the_next_is_taken():
    given = [go(number, 1000, 5000) for number in range(250)] + [go("last", 2000)]
    result = run({"W": nap(60), "A": WAITS}, given=given, evict=True)
    assert result.output == "last"
    assert of(result, "SignalExpired") == [f"id-{number}" for number in range(250)]


def test_one_transition_drops_a_hundred_at_most():
    states = {"A": {"Type": "Task", "Resource": "signal:never", "End": True}}
    result = run(states, given=[go(number, 1000, 5000) for number in range(250)])
    now_ms = result.ended_ms + 5000
    event = SignalReceived("go", "new", Document.of(1), at_ms=now_ms)
    step = transition(machine(states), result.execution, event, now_ms)
    assert len(step.effects) == 100
    assert step.execution.signals["go"].count == 151


def test_a_listener_that_was_woken_for_one_that_expired_gets_the_next():
    late = scope(W=nap(5, "B"), B=WAITS)
    states = {"P": {"Type": "Parallel", "Branches": [late, scope(A=WAITS)], "End": True}}
    given = [go(1, 4000), go(2, 4500, 200), go(3, 10_000)]
    assert run(states, given=given, evict=True).output == [3, 1]


def test_those_left_over_are_recorded_by_name_right_before_the_end_and_once():
    given = [go(1, 1000), go(2, 1000), go(3, 1000, name="other"), go(4, 1000, 10)]
    result = run({"W": {"Type": "Wait", "Seconds": 60, "End": True}}, given=given)
    [expired, left, last] = result.records[-3:]
    assert (expired.type, left.type, left.previous) == ("SignalExpired", "SignalsLeftOver", 0)
    assert left.details == {"count": 3, "names": {"go": 2, "other": 1}}
    assert (last.type, last.previous) == ("ExecutionSucceeded", result.records[-4].id)


def test_an_end_without_left_overs_tells_of_none():
    assert "SignalsLeftOver" not in run({"A": WAITS}, given=[go(1, 1000)]).types


def test_left_overs_are_not_told_where_the_history_has_no_room():
    given = [go(number, 1000) for number in range(3)]
    states = {"W": {"Type": "Wait", "Seconds": 60, "End": True}}
    full = run(states, given=given, limits=Limits(records_max=7))
    assert [record.type for record in full.records][-2:] == [
        "WaitStateExited",
        "ExecutionSucceeded",
    ]
    assert len(full.records) == 7
    assert "SignalsLeftOver" in run(states, given=given, limits=Limits(records_max=9)).types
