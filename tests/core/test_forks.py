"""Parallel and Map: windows, pages, joins, and how they fail."""

from __future__ import annotations

import pytest

from engine.core.events import StopRequested
from engine.core.limits import READY_MAX, Limits
from engine.rehearsal import Fail, Given, Succeed
from tests.core.machines import chain, mapped, run, scope

PASS = {"Type": "Pass", "End": True}
WAIT = {"Type": "Wait", "Seconds": 60, "End": True}
FAIL = {"Type": "Fail", "Error": "Broken", "Cause": "no luck"}
ALL = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
WIDE = Limits(records_max=1_000_000)


@pytest.mark.parametrize("evict", [False, True])
@pytest.mark.parametrize("count", [0, 1, 40, 41, 99, 100, 101, 350, 1203])
def test_a_map_of_any_size_keeps_the_order_of_its_items(count, evict):
    result = run({"M": mapped(scope(P=PASS))}, list(range(count)), limits=WIDE, evict=evict)
    assert result.status == "SUCCEEDED"
    assert result.output == list(range(count))


@pytest.mark.parametrize("window", [1, 3, 1000])
def test_no_more_iterations_run_at_once_than_the_window_allows(window):
    processor = scope(W={"Type": "Wait", "Seconds": 10, "End": True})
    result = run({"M": mapped(processor, MaxConcurrency=window)}, list(range(12)), limits=WIDE)
    running = most = 0
    for kind in result.types:
        running += (kind == "MapIterationStarted") - (kind == "MapIterationSucceeded")
        most = max(most, running)
    assert most == min(window, 12)


def test_the_first_window_of_a_map_without_maxconcurrency_is_forty():
    result = run({"M": mapped(scope(W=WAIT))}, list(range(90)))
    first = result.types.index("WaitStateExited")
    assert result.types[:first].count("MapIterationStarted") == 40


def test_items_over_a_page_of_bytes_are_paged_and_come_back_whole():
    items = ["x" * 3000 + str(n) for n in range(80)]
    result = run({"M": mapped(scope(P=PASS))}, items, evict=True)
    assert result.output == items


def test_a_parallel_of_many_branches_starts_them_all_with_one_evaluation_of_its_parameters():
    branches = [scope(**{f"B{n}": PASS}) for n in range(260)]
    state = {
        "Type": "Parallel",
        "Branches": branches,
        "Parameters": {"id.$": "States.UUID()"},
        "End": True,
    }
    result = run({"P": state}, evict=True)
    assert result.status == "SUCCEEDED"
    assert len(result.output) == 260
    assert len({each["id"] for each in result.output}) == 1


def test_many_ready_children_never_make_the_ready_list_long():
    inner = mapped(scope(P=PASS), MaxConcurrency=1000)
    outer = mapped(scope(I=inner), MaxConcurrency=1000)
    result = run({"M": outer}, [list(range(30)) for _ in range(60)], limits=WIDE)
    assert result.status == "SUCCEEDED"
    assert result.output == [list(range(30))] * 60
    assert len(result.execution.ready) <= READY_MAX


@pytest.mark.parametrize("evict", [False, True])
def test_a_failing_iteration_drops_hundreds_of_others_and_the_map_is_caught(evict):
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$", "NumericEquals": 450, "Next": "F"}],
        "Default": "W",
    }
    states = {
        "M": {
            **mapped(scope(C=choice, W=WAIT, F=FAIL), MaxConcurrency=500),
            "Catch": ALL,
        },
        "Caught": {"Type": "Succeed"},
    }
    result = run(states, list(range(600)), limits=WIDE, evict=evict)
    assert result.output == {"Error": "Broken", "Cause": "no luck"}
    assert result.types.count("MapIterationFailed") == 1
    assert (
        result.types.count("MapIterationAborted") == result.types.count("MapIterationStarted") - 1
    )
    assert result.types.count("WaitStateAborted") == result.types.count("WaitStateEntered")


def test_results_of_finished_iterations_are_dropped_when_a_later_one_fails():
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$", "NumericEquals": 300, "Next": "F"}],
        "Default": "P",
    }
    result = run({"M": mapped(scope(C=choice, P=PASS, F=FAIL))}, list(range(301)), limits=WIDE)
    assert (result.status, result.error, result.cause) == ("FAILED", "Broken", "no luck")


def test_a_retried_map_runs_every_item_again_without_leaving_the_state():
    retry = [{"ErrorEquals": ["Busy"], "MaxAttempts": 1}]
    task = {"Type": "Task", "Resource": "activity:work", "End": True}
    answers = {"T": [Succeed(1), Fail("Busy"), Succeed(2), Succeed(3)]}
    result = run(
        {"M": mapped(scope(T=task), MaxConcurrency=1, Retry=retry)}, [0, 0], answers=answers
    )
    assert result.output == [2, 3]
    assert result.types.count("MapStateEntered") == 1
    assert result.types.count("MapStateStarted") == 2
    assert "MapStateFailed" not in result.types
    assert len({task.idempotency_key for task in result.tasks}) == 4


def test_the_chain_of_a_sequential_map_skips_the_iterations_own_records():
    result = run({"M": mapped(scope(P=PASS), MaxConcurrency=1)}, ["a", "b"])
    assert chain(result)[2:] == [
        "3<2 MapStateStarted",
        "4<3 MapIterationStarted",
        "5<4 PassStateEntered",
        "6<5 PassStateExited",
        "7<6 MapIterationSucceeded",
        "8<6 MapIterationStarted",
        "9<8 PassStateEntered",
        "10<9 PassStateExited",
        "11<10 MapIterationSucceeded",
        "12<11 MapStateSucceeded",
        "13<11 MapStateExited",
        "14<13 ExecutionSucceeded",
    ]


def test_a_failing_task_in_a_branch_is_told_as_aborted_before_the_parallel_fails():
    branch = scope(T={"Type": "Task", "Resource": "activity:work", "End": True})
    states = {"P": {"Type": "Parallel", "Branches": [branch], "End": True}}
    result = run(states, answers={"T": [Fail("Busy")]})
    assert chain(result)[5:] == [
        "6<5 ActivityStarted",
        "7<6 ActivityFailed",
        "8<7 TaskStateAborted",
        "9<7 ParallelStateFailed",
        "10<9 ExecutionFailed",
    ]


def test_a_failure_of_a_branch_takes_back_the_tasks_of_the_others():
    slow = scope(T={"Type": "Task", "Resource": "activity:work", "TimeoutSeconds": 90, "End": True})
    fails = scope(W={"Type": "Wait", "Seconds": 5, "Next": "F"}, F=FAIL)
    states = {
        "P": {"Type": "Parallel", "Branches": [slow, fails], "End": True, "Catch": ALL},
        "Caught": PASS,
    }
    result = run(states)
    assert result.status == "SUCCEEDED"
    assert "TaskStateAborted" in result.types


def test_a_runtime_error_in_a_branch_ends_the_whole_execution_at_once():
    bad = scope(B={"Type": "Pass", "InputPath": "$.no", "End": True})
    states = {
        "P": {"Type": "Parallel", "Branches": [bad, scope(W=WAIT)], "End": True, "Catch": ALL},
        "Caught": PASS,
    }
    result = run(states)
    assert result.error == "States.Runtime"
    assert result.cause == (
        "An error occurred while executing the state 'B' (entered at the event id #4). "
        "Invalid path '$.no' : No results for path: $['no']"
    )
    assert chain(result)[-1] == "6<4 ExecutionFailed"
    assert not any("Aborted" in kind or kind.endswith("StateFailed") for kind in result.types)


def test_an_inner_parallel_that_is_failing_is_dropped_when_the_outer_one_fails_too():
    inner = {
        "Type": "Parallel",
        "Branches": [scope(**{f"W{n}": WAIT}) for n in range(150)] + [scope(G=FAIL)],
        "End": True,
    }
    states = {
        "P": {"Type": "Parallel", "Branches": [scope(I=inner), scope(F=FAIL)], "End": True},
    }
    result = run(states, evict=True)
    assert result.status == "FAILED"
    assert result.types[-1] == "ExecutionFailed"


@pytest.mark.parametrize("evict", [False, True])
def test_stopping_an_execution_of_hundreds_of_frames_ends_with_one_record(evict):
    outer = mapped(scope(I=mapped(scope(W=WAIT), MaxConcurrency=100)), MaxConcurrency=100)
    stop = Given(StopRequested("Enough", None), 1000)
    result = run({"M": outer}, [list(range(20))] * 15, given=[stop], limits=WIDE, evict=evict)
    assert (result.status, result.error, result.cause) == ("ABORTED", "Enough", None)
    assert result.types.count("ExecutionAborted") == 1
    assert result.records[-1].previous == 0


def test_an_item_selector_sees_the_item_and_the_maps_input():
    selector = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "all.$": "$.k"}
    states = {"M": mapped(scope(P=PASS), ItemsPath="$.items", ItemSelector=selector)}
    result = run(states, {"items": ["a", "b"], "k": 9}, evict=True)
    assert result.output == [{"i": 0, "v": "a", "all": 9}, {"i": 1, "v": "b", "all": 9}]


def test_a_state_inside_a_parallel_inside_a_map_sees_the_iterations_item():
    inner = scope(B={"Type": "Pass", "Parameters": {"i.$": "$$.Map.Item"}, "End": True})
    parallel = {"Type": "Parallel", "Branches": [inner], "End": True}
    result = run({"M": mapped(scope(P=parallel))}, ["a"], evict=True)
    assert result.output == [[{"i": {"Index": 0, "Value": "a"}}]]


def test_items_that_are_no_array_end_the_execution():
    result = run({"M": mapped(scope(P=PASS))}, {"a": 1})
    assert result.cause is not None
    assert result.cause.endswith('Reference path "$" must point to array.')


def test_an_item_selector_that_fails_late_drops_the_iterations_before_it():
    selector = {"v.$": "States.ArrayGetItem($.items, $$.Map.Item.Value)"}
    states = {
        "M": mapped(scope(W=WAIT), ItemsPath="$.items", ItemSelector=selector, MaxConcurrency=1)
    }
    result = run(states, {"items": [0, 1, 7]})
    assert result.error == "States.Runtime"


def test_a_result_larger_than_the_limit_fails_the_map_and_can_be_caught_by_name():
    big = {"Type": "Pass", "Result": "x" * 2000, "End": True}
    catch = [{"ErrorEquals": ["States.DataLimitExceeded"], "ResultPath": None, "Next": "Caught"}]
    states = {"M": mapped(scope(P=big), Catch=catch), "Caught": PASS}
    result = run(states, [1, 2, 3], limits=Limits(payload_bytes_max=5000))
    assert result.status == "SUCCEEDED"
    assert result.output == [1, 2, 3]


@pytest.mark.parametrize("evict", [False, True])
def test_results_beyond_all_measure_fail_the_map_without_being_read(evict):
    big = {"Type": "Pass", "Result": "x" * 2000, "End": True}
    result = run(
        {"M": mapped(scope(P=big))},
        list(range(700)),
        limits=Limits(payload_bytes_max=4000, records_max=10**6),
        evict=evict,
    )
    assert result.error == "States.DataLimitExceeded"
    assert result.types[-2:] == ["MapStateFailed", "ExecutionFailed"]


def test_a_first_item_that_is_too_large_fails_the_map_before_any_iteration():
    states = {"M": mapped(scope(P=PASS), ItemSelector={"a.$": "$", "b.$": "$"})}
    result = run(states, ["x" * 60], limits=Limits(payload_bytes_max=100))
    assert result.error == "States.DataLimitExceeded"
    assert "MapIterationStarted" not in result.types
