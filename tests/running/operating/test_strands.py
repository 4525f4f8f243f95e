"""Orders that move one strand, or change what it works with."""

import pytest
from strand import Strand

from engine.core.effects import CancelTask, CancelTimer
from engine.core.execution import Backoff
from engine.core.limits import Limits
from engine.core.orders import (
    DataSet,
    GotoRequested,
    PauseRequested,
    RedriveRequested,
    RetryRequested,
    SkipRequested,
    VariablesSet,
)
from engine.documents import Document

PAY = {"Type": "Task", "Resource": "activity:pay", "End": True}
TWO = {"A": {"Type": "Task", "Resource": "activity:a", "Next": "B"}, "B": PAY}
STUBBORN = {"A": PAY | {"Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3600}]}}
NAMED = {"Variable": "$.x", "IsPresent": True, "Next": "B"}


def scope(**states):
    return {"StartAt": next(iter(states)), "States": states}


def document(value):
    return Document.of(value)


# Retry


def test_the_next_attempt_begins_at_once():
    strand = Strand(STUBBORN)
    strand.fail("Busy")
    assert isinstance(strand.run.frames["0"].hold, Backoff)
    assert strand.order(RetryRequested) is None
    assert strand.scheduled == ["A", "A"]
    assert strand.run.frames["0"].retry_count == 1
    assert CancelTimer in map(type, strand.effects)
    assert strand.record("StateRetried") == {"name": "A", "by": "ann", "reason": "why"}


def test_all_strands_that_wait_for_an_attempt_are_retried_or_the_one_that_is_named():
    strand = Strand(
        {"M": {"Type": "Map", "ItemProcessor": scope(**STUBBORN), "End": True}}, [1, 2, 3]
    )
    for index in range(3):
        strand.fail("Busy", f"0/{index}")
    assert strand.order(RetryRequested, "0/1") is None
    assert len(strand.scheduled) == 4
    assert strand.order(RetryRequested) is None
    assert len(strand.scheduled) == 6


def test_there_has_to_be_something_to_retry():
    strand = Strand(TWO)
    assert strand.order(RetryRequested) == "no_backoff"
    assert strand.order(RetryRequested, "0") == "no_backoff"
    assert strand.order(RetryRequested, "0/7") == "frame_not_found"


def test_what_is_retried_while_paused_begins_at_resume():
    strand = Strand(STUBBORN)
    strand.fail("Busy")
    strand.order(PauseRequested)
    assert strand.order(RetryRequested) is None
    assert strand.order(RetryRequested) == "no_backoff"  # it was told already
    assert strand.scheduled == ["A"]
    assert strand.run.ready == ("0",)


# Skip


def test_a_skipped_state_is_left_with_the_output_given_and_its_task_taken_back():
    strand = Strand(TWO)
    assert strand.order(SkipRequested, "0", document({"paid": True})) is None
    assert (strand.state, strand.data) == ("B", {"paid": True})
    assert CancelTask in map(type, strand.effects)
    told = strand.record("StateSkipped")
    assert (told["name"], told["to"], told["by"]) == ("A", "B", "ann")


def test_skipping_the_last_state_ends_the_execution_with_the_output():
    strand = Strand({"A": PAY})
    strand.order(SkipRequested, "0", document(7))
    assert (strand.run.status, strand.run.output.value) == ("SUCCEEDED", 7)


def test_skipping_the_last_state_of_a_branch_gives_the_parent_its_result():
    branches = [scope(L=PAY), scope(R=PAY)]
    strand = Strand({"P": {"Type": "Parallel", "Branches": branches, "End": True}})
    strand.order(SkipRequested, "0/0", document("skipped"))
    strand.succeed("done", "0/1")
    assert strand.run.output.value == ["skipped", "done"]


def test_a_parallel_is_skipped_with_everything_in_it():
    branches = [scope(L=PAY), scope(R=PAY)]
    both = {"Type": "Parallel", "Branches": branches, "Next": "B"}
    strand = Strand({"P": both, "B": PAY})
    strand.order(SkipRequested, "0", document([]))
    assert strand.state == "B"
    assert sum(isinstance(effect, CancelTask) for effect in strand.effects) == 2


def test_a_state_without_a_next_of_its_own_is_skipped_only_to_one_that_is_named():
    choice = {"Type": "Choice", "Choices": [NAMED], "Default": "C"}
    strand = Strand(
        {"W": {"Type": "Wait", "Seconds": 9, "Next": "A"}, "A": choice, "B": PAY, "C": PAY}
    )
    strand.order(PauseRequested)
    strand.order(GotoRequested, "0", "A")
    assert strand.order(SkipRequested, "0", document(1)) == "no_next"
    assert strand.order(SkipRequested, "0", document(1), "B") is None
    assert strand.state == "B"


def test_an_output_over_the_limit_is_refused_and_changes_nothing():
    strand = Strand(TWO)
    strand.limits = Limits(payload_bytes_max=10)
    assert strand.order(SkipRequested, "0", document("x" * 20)) == "data_too_large"
    assert strand.state == "A"
    assert "StateSkipped" not in strand.kinds


# Go to


def test_a_strand_goes_where_it_is_sent_with_its_data_or_with_other():
    strand = Strand(TWO, {"n": 1})
    assert strand.order(GotoRequested, "0", "B") is None
    assert (strand.state, strand.data) == ("B", {"n": 1})
    assert strand.order(GotoRequested, "0", "A", document({"n": 2})) is None
    assert (strand.state, strand.data) == ("A", {"n": 2})
    assert strand.scheduled == ["A", "B", "A"]


@pytest.mark.parametrize(
    ("frame", "to"), [("0", "In"), ("0/0", "B"), ("0/0", "Other"), ("0", "None")]
)
def test_nobody_is_sent_out_of_its_scope(frame, to):
    branches = [scope(In=PAY), scope(Other=PAY)]
    strand = Strand({"P": {"Type": "Parallel", "Branches": branches, "Next": "B"}, "B": PAY})
    assert strand.order(GotoRequested, frame, to) == "state_not_in_scope"


def test_a_strand_keeps_its_variables_wherever_it_is_sent():
    states = {"S": {"Type": "Pass", "Assign": {"v": 1}, "Next": "A"}, **TWO}
    strand = Strand(states)
    strand.order(GotoRequested, "0", "B")
    assert strand.run.frames["0"].variables == {"v": 1}


# Data and variables


def test_data_that_is_set_is_what_the_state_works_with_from_then_on():
    states = {"A": PAY | {"ResultPath": "$.paid"}}
    strand = Strand(states, {"n": 1})
    assert strand.order(DataSet, "0", document({"n": 2})) is None
    strand.succeed(7)
    assert strand.run.output.value == {"n": 2, "paid": 7}


def test_variables_that_are_set_are_read_from_then_on():
    states = {
        "A": {"Type": "Task", "Resource": "activity:a", "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"v.$": "$v"}, "End": True},
    }
    states["A"]["Assign"] = {"w": 1}
    states = {"S": {"Type": "Pass", "Assign": {"v": 1}, "Next": "A"}, **states}
    strand = Strand(states)
    assert strand.order(VariablesSet, "0", {"v": document(2)}) is None
    strand.succeed({})
    assert strand.run.output.value == {"v": 2}


def test_an_inner_strand_cannot_set_a_variable_of_an_outer_one():
    states = {
        "S": {"Type": "Pass", "Assign": {"v": 1}, "Next": "P"},
        "P": {"Type": "Parallel", "Branches": [scope(In=PAY)], "End": True},
    }
    strand = Strand(states)
    assert strand.order(VariablesSet, "0/0", {"v": document(2)}) == "variable_not_assignable"
    assert strand.order(VariablesSet, "0/0", {"own": document(2)}) is None


@pytest.mark.parametrize("name", ["states", "1a", "a.b", "", "x" * 81])
def test_a_variable_has_the_name_of_one(name):
    assert Strand(TWO).order(VariablesSet, "0", {name: document(1)}) == "variable_not_assignable"


def test_variables_over_the_limit_are_refused():
    strand = Strand(TWO)
    strand.limits = Limits(payload_bytes_max=10)
    assert strand.order(VariablesSet, "0", {"v": document("x" * 20)}) == "data_too_large"


# Redrive


def test_an_execution_that_runs_is_not_redriven():
    strand = Strand(TWO)
    assert strand.order(RedriveRequested) == "not_redrivable"
    assert strand.scheduled == ["A"]
