"""What a transition is, seen from the shell: its commits, its stale events, its purity, what it imports."""

from __future__ import annotations

import subprocess
import sys

from msgspec import structs

from engine.core.effects import Close, ScheduleTask
from engine.core.events import Advance, Begin, StopRequested, TaskSucceeded, TimerFired
from engine.core.execution import Enter, Execution, Frame, Started
from engine.core.limits import Limits
from engine.core.records import render
from engine.core.tokens import parse_task_token, task_token
from engine.core.transition import needs, transition
from engine.documents import Document
from engine.rehearsal import Fail, Rehearsal, Silence, Submit, Succeed
from tests.core.machines import chain, machine, run

TASKS = {
    "A": {"Type": "Task", "Resource": "activity:a", "Next": "B"},
    "B": {"Type": "Task", "Resource": "activity:b", "End": True},
}


def begun(states, now_ms=1000):
    compiled = machine(states)
    text = Document.parse(b'{"n": 1}')
    execution = Execution("d:n", "d", "n", 1, b"seed", 1000, input=text)
    return compiled, transition(compiled, execution, Begin(), now_ms)


def test_a_task_step_is_one_transition():
    compiled, first = begun(TASKS)
    done = TaskSucceeded("0", 1, Document.of(7), Started(1500, "w"))
    second = transition(compiled, first.execution, done, 2000)
    assert [record.type for record in second.records] == [
        "ActivityStarted",
        "ActivitySucceeded",
        "TaskStateExited",
        "TaskStateEntered",
        "ActivityScheduled",
    ]
    assert second.records[0].at_ms == 1500
    assert [type(effect) for effect in second.effects] == [ScheduleTask]


def test_the_last_tasks_success_closes_and_takes_nothing_back():
    compiled, first = begun({"A": TASKS["B"]})
    last = transition(compiled, first.execution, TaskSucceeded("0", 1, Document.of(7)), 2000)
    assert last.effects == (Close("SUCCEEDED"),)
    assert last.frames == {"0": None}
    assert last.execution.ready == ()


def test_a_fatal_failure_takes_back_only_what_is_still_out():
    compiled, first = begun({"A": {**TASKS["B"], "OutputPath": "$.no"}})
    last = transition(compiled, first.execution, TaskSucceeded("0", 1, Document.of(7)), 2000)
    assert last.effects == (Close("FAILED"),)


def test_data_nested_ever_deeper_fails_the_execution_not_the_engine():
    states = {
        "A": {"Type": "Pass", "Parameters": {"a.$": "$"}, "Next": "C"},
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.end", "IsPresent": True, "Next": "Z"}],
            "Default": "A",
        },
        "Z": {"Type": "Succeed"},
    }
    result = run(states, {"k": 1})
    assert result.status == "FAILED"


def test_the_same_arguments_give_the_same_transition():
    _, first = begun(TASKS)
    _, again = begun(TASKS)
    assert first == again


def test_the_execution_before_is_not_changed():
    compiled, first = begun(TASKS)
    frames = dict(first.execution.frames)
    transition(compiled, first.execution, TaskSucceeded("0", 1, Document.of(7)), 2000)
    assert first.execution.frames == frames
    assert first.execution.revision == 1


def test_an_outcome_of_another_revision_is_stale():
    compiled, first = begun(TASKS)
    change = transition(compiled, first.execution, TaskSucceeded("0", 9, Document.of(7)), 2000)
    assert change.execution.revision == 2
    assert not change.records
    assert not change.frames
    assert not change.effects
    assert not change.values


def test_a_timer_of_a_hold_that_has_none_is_stale():
    compiled, first = begun(TASKS)
    change = transition(compiled, first.execution, TimerFired("0", 1, "due"), 2000)
    assert not change.records


def test_history_never_goes_back_in_time():
    compiled, first = begun(TASKS, now_ms=5000)
    change = transition(compiled, first.execution, TaskSucceeded("0", 1, Document.of(7)), 10)
    assert {record.at_ms for record in change.records} == {5000}


def test_begin_needs_the_input_and_nothing_else():
    execution = Execution("d:n", "d", "n", 1, b"seed", 1000)
    wanted = needs(machine(TASKS), execution, Begin())
    assert wanted.input
    assert not wanted.frames


def test_an_event_needs_its_frame_and_all_above_it():
    execution = Execution("d:n", "d", "n", 1, b"seed", 1000, revision=3)
    assert needs(machine(TASKS), execution, Advance("0/2/17")).frames == ("0/2/17", "0/2", "0")


def test_input_is_asked_for_only_when_an_expression_may_read_it():
    states = {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"x.$": "$$.Execution.Input"}, "End": True},
    }
    assert run(states, {"a": 1}, evict=True).output == {"x": {"a": 1}}


def test_the_core_loads_no_store_loop_or_face():
    code = (
        "import sys, engine.core.transition\n"
        "loaded = {'redis', 'asyncio', 'fastapi', 'aiohttp', 'uvicorn'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_key_is_kept_over_time_outs_and_broken_connections_and_renewed_by_a_reported_failure():
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 9}]
    states = {
        "A": {
            "Type": "Task",
            "Resource": "activity:a",
            "TimeoutSeconds": 5,
            "Retry": retry,
            "End": True,
        }
    }
    answers = {"A": [Silence(), Fail("Io", transport=True), Fail("Busy"), Succeed(1)]}
    keys = [task.idempotency_key for task in run(states, answers=answers).tasks]
    assert keys[0] == keys[1] == keys[2]
    assert keys[3] not in keys[:3]


def test_every_attempt_has_a_token_of_its_own():
    retry = [{"ErrorEquals": ["Busy"]}]
    states = {"A": {"Type": "Task", "Resource": "activity:a", "Retry": retry, "End": True}}
    tasks = run(states, answers={"A": [Fail("Busy"), Fail("Busy"), Succeed(1)]}).tasks
    assert len({task.token for task in tasks}) == 3
    assert [task.attempt for task in tasks] == [1, 2, 3]
    assert all(len(task.token) >= 22 for task in tasks)


def test_a_callback_task_is_told_its_token():
    states = {
        "A": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}},
            "End": True,
        }
    }
    result = run(states, answers={"A": [Submit({}, Succeed("done", 10))]})
    task = result.tasks[0]
    assert task.queue == "f"
    assert task.input.value == {
        "t": task_token("rehearsal:run", task.frame, task.revision, task.token)
    }
    assert parse_task_token(task.input.value["t"]).secret == task.token
    assert result.types[3:6] == ["TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_the_history_ends_in_failure_when_it_is_full():
    states = {
        "A": {"Type": "Pass", "Next": "C"},
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "Z"}],
            "Default": "A",
        },
        "Z": {"Type": "Succeed"},
    }
    result = run(states, limits=Limits(records_max=50))
    assert (result.status, result.error) == ("FAILED", "States.Runtime")
    assert result.cause == "The execution reached the maximum number of history events (50)."
    assert chain(result)[-1] == "50<49 ExecutionFailed"


def test_a_run_may_succeed_with_the_last_record_there_is_room_for():
    states = {"A": {"Type": "Pass", "End": True}}
    assert run(states, limits=Limits(records_max=4)).status == "SUCCEEDED"
    assert run(states, limits=Limits(records_max=3)).status == "FAILED"


def test_a_machine_time_out_is_told_by_the_history_alone():
    states = {"A": {"Type": "Wait", "Seconds": 100, "End": True}}
    result = run(states, top={"TimeoutSeconds": 7})
    assert (result.status, result.error, result.cause) == ("TIMED_OUT", None, None)
    last = render(result.records[-1])
    assert last["previousEventId"] == 0
    assert last["executionTimedOutEventDetails"] == {"error": "States.Timeout"}
    assert result.records[-1].at_ms == result.execution.started_ms + 7000


def test_a_task_waiting_at_its_machines_deadline_is_taken_back():
    result = run(TASKS, top={"TimeoutSeconds": 7}, answers={"A": [Silence()]})
    assert result.status == "TIMED_OUT"


def test_a_catch_that_leads_back_into_a_failing_arrival_does_not_hang_a_transition():
    states = {
        "A": {
            "Type": "Task",
            "Resource": "activity:a",
            "Parameters": {"big": "x" * 100},
            "Catch": [
                {"ErrorEquals": ["States.DataLimitExceeded"], "ResultPath": None, "Next": "A"}
            ],
            "End": True,
        }
    }
    result = run(states, limits=Limits(payload_bytes_max=50, records_max=100))
    assert result.error == "States.Runtime"
    assert result.types[:4] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskStateExited",
        "TaskStateEntered",
    ]


def test_heartbeats_keep_a_task_alive_and_their_lack_times_it_out():
    state = {"Type": "Task", "Resource": "activity:a", "HeartbeatSeconds": 10, "End": True}
    beating = Succeed(1, after_ms=25_000, beats_ms=(9_000, 18_000))
    assert run({"A": state}, answers={"A": [beating]}).status == "SUCCEEDED"
    silent = run({"A": state}, answers={"A": [Succeed(1, after_ms=25_000, beats_ms=(9_000,))]})
    assert silent.error == "States.Timeout"
    assert silent.ended_ms - silent.execution.started_ms == 19_000


def test_plain_data_is_handed_on_without_being_parsed():
    _, first = begun({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}})
    compiled = machine({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}})
    frame = first.execution.frames["0"]
    second = transition(compiled, first.execution, Advance("0"), 2000)
    assert second.frames["0"].input is frame.input


def test_a_rehearsal_that_waits_for_nobody_stops_and_says_so():
    result = Rehearsal(machine(TASKS)).run()
    assert result.status == "RUNNING"


def test_a_stop_that_comes_before_the_beginning_ends_the_execution_with_a_whole_history():
    compiled = machine(TASKS)
    execution = Execution("d:n", "d", "n", 1, b"seed", 1000)
    stop = StopRequested("E", "C")
    assert needs(compiled, execution, stop).input
    given = Document.of({"n": 1})
    root = Frame("0", "", Enter(), given)
    execution = structs.replace(execution, input=given, frames={"0": root})
    assert not needs(compiled, execution, stop)
    after = transition(compiled, execution, stop, 2000)
    assert after.execution.status == "ABORTED"
    told = [(record.id, record.type) for record in after.records]
    assert told == [(1, "ExecutionStarted"), (2, "ExecutionAborted")]
