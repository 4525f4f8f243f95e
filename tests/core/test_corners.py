"""Corners of the core: events out of turn, ends in the middle of something, failures of failures."""

from __future__ import annotations

from msgspec import structs

from engine.core.draft import Draft
from engine.core.effects import CancelTimer, Close
from engine.core.events import (
    Advance,
    Begin,
    DeadlineReached,
    SignalReceived,
    StopRequested,
    TaskFailed,
    TaskSubmitted,
    TimerFired,
)
from engine.core.execution import Execution, Fork, Unwind
from engine.core.flow import rests
from engine.core.limits import Limits
from engine.core.outcomes import Fails
from engine.core.transition import needs, transition
from engine.documents import Document
from engine.language.expressions.scope import ENDURING
from engine.rehearsal import Given, Rehearsal
from tests.core.machines import machine, mapped, run, scope

TASK = {"A": {"Type": "Task", "Resource": "activity:a", "End": True}}
FAIL = {"Type": "Fail", "Error": "Broken"}
SIGNAL = {"Type": "Task", "Resource": "signal:go", "TimeoutSeconds": 99, "End": True}


def begun(states, **top):
    compiled = machine(states, **top)
    execution = Execution("d:n", "d", "n", 1, b"seed", 1000, input=Document.of([1, 2]))
    return compiled, transition(compiled, execution, Begin(), 1000).execution


def unchanged(compiled, execution, event):
    change = transition(compiled, execution, event, 2000)
    return not (change.records or change.frames or change.effects or change.values)


def test_an_execution_begins_once():
    assert unchanged(*begun(TASK), Begin())


def test_advancing_what_waits_or_is_gone_changes_nothing():
    compiled, execution = begun(TASK)
    assert unchanged(compiled, execution, Advance("0"))
    gone = structs.replace(execution, frames={**execution.frames, "0/7": None})
    assert not needs(compiled, gone, Advance("0/7"))
    assert unchanged(compiled, gone, Advance("0/7"))


def test_outcomes_that_do_not_fit_the_hold_change_nothing():
    compiled, execution = begun(TASK)
    assert unchanged(compiled, execution, TaskFailed("0", 7, "Late", None))
    assert unchanged(compiled, execution, TimerFired("0", 7, "timeout"))
    submitted = TaskSubmitted("0", 1, Document.of(1))
    after = transition(compiled, execution, submitted, 2000).execution
    assert unchanged(compiled, after, submitted)


def test_a_full_window_spawns_nothing_when_advanced_out_of_turn():
    wait = scope(W={"Type": "Wait", "Seconds": 9, "End": True})
    compiled, execution = begun({"M": mapped(wait, MaxConcurrency=1)})
    assert not needs(compiled, execution, Advance("0"))
    change = transition(compiled, execution, Advance("0"), 2000)
    fork = change.execution.frames["0"].hold
    assert isinstance(fork, Fork)
    assert fork.spawned == 1


def test_an_end_before_the_deadline_forgets_the_deadline():
    compiled, execution = begun({"A": {"Type": "Succeed"}}, TimeoutSeconds=9)
    change = transition(compiled, execution, Advance("0"), 2000)
    assert change.effects == (CancelTimer("", 1, "deadline"), Close("SUCCEEDED"))


def test_a_stop_of_a_waiting_root_closes_in_one_transition():
    compiled, execution = begun({"A": SIGNAL})
    change = transition(compiled, execution, StopRequested(), 2000)
    assert change.effects == (CancelTimer("0", 1, "timeout"), Close("ABORTED"))
    assert not change.execution.signals


def test_one_signal_kept_for_two_who_come_later_serves_one_of_them():
    wait = {"Type": "Wait", "Seconds": 5, "Next": "S1"}
    branches = [
        scope(W1=wait, S1=SIGNAL),
        scope(W2={**wait, "Next": "S2"}, S2={**SIGNAL, "TimeoutSeconds": 50}),
    ]
    given = [Given(SignalReceived("go", "1", Document.of(7)), 1000)]
    states = {"P": {"Type": "Parallel", "Branches": branches, "End": True}}
    result = run(states, given=given)
    assert result.error == "States.Timeout"
    assert result.types.count("TaskSucceeded") == 1


def test_timers_that_fire_while_their_frames_are_being_dropped_are_stale():
    waits = [
        scope(**{f"W{n}": {"Type": "Wait", "Seconds": 5, "Next": f"X{n}"}, f"X{n}": FAIL})
        for n in range(250)
    ]
    result = run({"P": {"Type": "Parallel", "Branches": waits, "End": True}}, evict=True)
    assert result.error == "Broken"
    assert result.types.count("ParallelStateFailed") == 1


class Interrupted(Rehearsal):
    """Stops the execution when its Map is half-way through dropping its results."""

    def _next(self):
        root = self.memory.frame("0")
        hold = None if root is None else root.hold
        if isinstance(hold, Fork) and hold.swept and not self.execution.closing:
            return StopRequested("Now")
        return super()._next()


def test_a_stop_in_the_middle_of_a_large_join_leaves_nothing_behind():
    compiled = machine({"M": mapped(scope(P={"Type": "Pass", "End": True}))})
    result = Interrupted(compiled, list(range(1200)), limits=Limits(records_max=10**6)).run()
    assert (result.status, result.error) == ("ABORTED", "Now")
    assert result.left_behind == []


def test_what_comes_while_closing_is_too_late():
    wait = scope(W={"Type": "Wait", "Seconds": 9, "End": True})
    compiled, execution = begun({"M": mapped(wait)})
    closing = transition(compiled, execution, StopRequested("First"), 2000).execution
    assert closing.closing is not None
    for late in (StopRequested("Second"), DeadlineReached(), TimerFired("0/0", 2, "due")):
        assert not needs(compiled, closing, late)
        assert unchanged(compiled, closing, late)


def test_a_join_that_fails_leaves_no_results():
    states = {
        "M": mapped(scope(P={"Type": "Pass", "End": True}), ResultSelector={"x.$": "$.no"}),
    }
    result = run(states, [1, 2], evict=True)
    assert result.error == "States.Runtime"
    assert result.types[-2:] == ["MapStateSucceeded", "ExecutionFailed"]


def test_a_state_that_recurses_too_deeply_fails_like_a_bad_expression():
    def deed(*_):
        raise RecursionError

    compiled, execution = begun(TASK)
    draft = Draft(compiled, execution, 2000, Limits(), ENDURING)
    outcome = rests.decide(draft, execution.frames["0"], {"Task": deed})
    assert isinstance(outcome, Fails)
    assert outcome.failure.error == "States.Runtime"


def test_a_closed_execution_needs_nothing():
    compiled, execution = begun({"A": {"Type": "Succeed"}})
    closed = transition(compiled, execution, Advance("0"), 2000).execution
    assert not needs(compiled, structs.replace(closed, frames={}), Advance("0"))


class Signalled(Rehearsal):
    """Sends one signal while the root's children are being dropped."""

    sent = False

    def _next(self):
        root = self.memory.frame("0")
        if root is not None and isinstance(root.hold, Unwind) and not self.sent:
            self.sent = True
            return SignalReceived("go", "1", Document.of(7))
        return super()._next()


def test_a_signal_is_kept_when_those_who_listen_are_being_dropped():
    waits = [scope(**{f"W{n}": {"Type": "Wait", "Seconds": 50, "End": True}}) for n in range(150)]
    fails = scope(Z={"Type": "Wait", "Seconds": 5, "Next": "F"}, F=FAIL)
    catch = [{"ErrorEquals": ["Broken"], "Next": "Again"}]
    branches = [*waits, scope(S=SIGNAL), fails]
    states = {
        "P": {"Type": "Parallel", "Branches": branches, "Catch": catch, "End": True},
        "Again": {**SIGNAL, "Resource": "signal:go"},
    }
    result = Signalled(machine(states), evict=True).run()
    assert result.output == 7
    assert result.left_behind == []
