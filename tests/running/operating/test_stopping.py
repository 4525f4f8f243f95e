"""A graceful stop: what it cancels, who may compensate, and how it ends. And termination, which nobody catches."""

import pytest
from strand import Strand

from engine.core.effects import CancelTask, CancelTimer
from engine.core.orders import CancelRequested, PauseRequested, TerminateRequested

PAY = {"Type": "Task", "Resource": "activity:pay", "End": True}
UNDO = {"Type": "Task", "Resource": "activity:undo", "End": True}


def caught_by(*names, **more):
    catch = [{"ErrorEquals": list(names), "Next": "Undo", "ResultPath": "$.error"}]
    return {"Pay": PAY | {"Catch": catch} | more, "Undo": UNDO}


def test_a_catch_that_names_it_compensates_and_sees_why():
    strand = Strand(caught_by("Detent.Cancelled"))
    assert strand.order(CancelRequested) is None
    assert strand.state == "Undo"
    assert strand.data["error"] == {"Error": "Detent.Cancelled", "Cause": "why"}
    assert [type(e) for e in strand.effects if isinstance(e, CancelTask)] == [CancelTask]
    strand.succeed(1)
    assert strand.run.status == "SUCCEEDED"


@pytest.mark.parametrize("names", [("States.ALL",), ("States.TaskFailed",)])
def test_a_catch_of_everything_does_not_take_it(names):
    strand = Strand(caught_by(*names))
    assert strand.order(CancelRequested) is None
    assert (strand.run.status, strand.run.error) == ("ABORTED", "Detent.Cancelled")
    assert strand.run.cause == "why"


@pytest.mark.parametrize("name", ["Detent.Cancelled", "States.ALL"])
def test_it_is_never_tried_again(name):
    retry = [{"ErrorEquals": [name], "MaxAttempts": 3}]
    strand = Strand(caught_by("Detent.Cancelled", Retry=retry))
    strand.order(CancelRequested)
    assert strand.state == "Undo"


def test_one_that_waits_for_its_next_attempt_is_cancelled_too():
    retry = [{"ErrorEquals": ["States.ALL"]}]
    strand = Strand(caught_by("Detent.Cancelled", Retry=retry))
    strand.fail("Busy")
    strand.order(CancelRequested)
    assert strand.state == "Undo"
    assert any(isinstance(effect, CancelTimer) for effect in strand.effects)


def test_children_are_dropped_before_their_parents_catch_runs():
    branch = {"StartAt": "In", "States": {"In": PAY | {"Catch": [
        {"ErrorEquals": ["Detent.Cancelled"], "Next": "InnerUndo"}]}, "InnerUndo": UNDO}}  # fmt: skip
    catch = [{"ErrorEquals": ["Detent.Cancelled"], "Next": "Undo"}]
    both = {"Type": "Parallel", "Branches": [branch], "End": True, "Catch": catch}
    strand = Strand({"Both": both, "Undo": UNDO})
    strand.order(CancelRequested)
    assert strand.state == "Undo"
    assert set(strand.run.frames) - {n for n, f in strand.run.frames.items() if f is None} == {"0"}
    assert strand.scheduled == ["In", "Undo"]
    assert "TaskStateAborted" in strand.kinds


def test_a_state_that_cannot_catch_ends_the_execution():
    strand = Strand({"Nap": {"Type": "Wait", "Seconds": 60, "End": True}})
    strand.order(CancelRequested, "Customer.Withdrew", "bored")
    assert strand.run.status == "ABORTED"
    assert (strand.run.error, strand.run.cause) == ("Customer.Withdrew", "bored")
    assert strand.kinds[-2:] == ["ExecutionCancelRequested", "ExecutionAborted"]


def test_a_name_of_ones_own_is_caught_as_cancelled_too():
    strand = Strand(caught_by("Detent.Cancelled"))
    strand.order(CancelRequested, "Customer.Withdrew", "bored")
    assert strand.data["error"] == {"Error": "Customer.Withdrew", "Cause": "bored"}


def test_a_second_one_does_not_disturb_the_compensation():
    strand = Strand(caught_by("Detent.Cancelled"))
    strand.order(CancelRequested)
    assert strand.order(CancelRequested) == "already_cancelled"
    assert strand.state == "Undo"


def test_a_worker_that_reports_the_name_is_an_ordinary_failure():
    strand = Strand(caught_by("States.ALL"))
    strand.fail("Detent.Cancelled")
    assert strand.state == "Undo"


def test_a_paused_execution_has_to_be_resumed_first():
    strand = Strand(caught_by("Detent.Cancelled"))
    strand.order(PauseRequested)
    assert strand.order(CancelRequested) == "paused"


def test_termination_is_caught_by_nobody_and_tells_who_and_why():
    strand = Strand(caught_by("Detent.Cancelled"))
    assert strand.order(TerminateRequested, "E", "c") is None
    assert (strand.run.status, strand.run.error) == ("ABORTED", "E")
    assert strand.record("ExecutionTerminateRequested") == {"by": "ann", "reason": "why"}
