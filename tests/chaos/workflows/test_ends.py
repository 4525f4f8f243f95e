"""The checker of random workflows against evidence made by hand: what is right passes, each kind of wrong is found."""

from __future__ import annotations

import copy

import pytest

from tests.chaos.workflows import acts, checks, ends, times
from tests.chaos.workflows.ends import Runs
from tests.chaos.workflows.grammar import Definition, Flow, Nested
from tests.chaos.workflows.shapes import Run
from tests.chaos.workflows.steps import Pass, Signals, Task

SEED = 1
CHILD = Definition("chaos-child-0", Flow("C", (Pass("C1", 3),)))
MADE = Definition(
    "chaos-0",
    Flow(
        "S",
        (
            Task("S1", "work", caught=False, url=""),
            Signals("S2", "prompt", 2),
            Nested("S3", CHILD, caught=False),
        ),
    ),
)
NUMBER = next(
    n
    for n in range(100)
    if acts.act_of(SEED, f"chaos-0:r{n}", "S1", -1, "work").busy == 1
    and acts.act_of(SEED, f"chaos-0:r{n}", "S1", -1, "work").error is None
)
PARENT, KID = f"chaos-0:r{NUMBER}", f"chaos-child-0:r{NUMBER}.S3.-1"
EXPECTED = MADE.expected(SEED, PARENT, 4)
FIRST, SECOND = (each.id for each in EXPECTED.signals)
INPUT = {"run": NUMBER, "item": -1, "state": "S1", "kind": "work"}


def record(number, previous, kind, at, **details):
    return {"id": number, "previous": previous, "type": kind, "at": at, "details": details}


def attempt(first, previous, at, how):
    """Scheduled, Started and an end."""
    return [
        record(first, previous, "ActivityScheduled", at, resource="activity:x", input=INPUT),
        record(first + 1, first, "ActivityStarted", at + 10),
        record(first + 2, first + 1, f"Activity{how}", at + 20),
    ]


def listened(first, previous, at, identifier):
    told = {"name": "Go-S2", "id": identifier}
    return [
        record(first, previous, "TaskStateEntered", at),
        record(first + 1, 0, "SignalReceived", at + 1, **told),
        record(first + 2, first, "SignalConsumed", at + 2, **told),
    ]


def execution(identifier, records, output):
    return {
        "id": identifier,
        "status": "SUCCEEDED",
        "error": None,
        "cause": None,
        "output": output,
        "quarantine": None,
        "records": records,
        "buffered": [],
        "unread": [],
    }


@pytest.fixture
def runs():
    records = [
        record(1, 0, "ExecutionStarted", 0),
        record(2, 0, "TaskStateEntered", 0, name="S1"),
        *attempt(3, 2, 0, "Failed"),
        *attempt(6, 5, 1020, "Succeeded"),
        *listened(9, 8, 1100, FIRST),
        *listened(12, 11, 1200, SECOND),
        record(15, 14, "ExecutionSucceeded", 1300),
    ]
    line = {"execution": PARENT, "state": "S1", "item": -1, "kind": "work"}
    ops = [
        {"f": "start", "key": PARENT, "type": "ok", "detail": None, "answer": PARENT},
        {"f": "settle", "key": "t1", "type": "ok", "detail": None},
        {"f": "settle", "key": "t2", "type": "ok", "detail": None},
        *(
            {"f": "signal", "key": PARENT, "type": "ok", "name": "Go-S2", "id": identifier}
            for identifier in (FIRST, SECOND)
        ),
    ]
    child = EXPECTED.children[KID]
    found = Runs(
        {"seed": SEED, "executions": 1, "lease_ms": 3000},
        ops,
        [
            line | {"done": False, "key": "k1", "token": "t1"},
            line | {"done": True, "key": "k2", "token": "t2"},
        ],
        [],
        {
            PARENT: execution(PARENT, records, copy.deepcopy(EXPECTED.output)),
            KID: execution(KID, [], copy.deepcopy(child.output)),
        },
    )
    found.__dict__["asked"] = {PARENT: Run(NUMBER, "chaos-0", 4, None, EXPECTED)}
    return found


def findings(runs):
    every = (*ends.CHECKS, times.early)
    return {check.__name__ for check in every if list(check(runs))}


def test_a_run_as_it_should_be_has_no_findings(runs):
    assert findings(runs) == set()


def lose_the_execution(runs):
    del runs.executions[PARENT]


def end_otherwise(runs):
    runs.executions[PARENT] |= {"status": "FAILED", "error": "Odd"}


def damage_the_output(runs):
    runs.executions[PARENT]["output"]["out"]["S1"]["echo"][0] += 1


def appear_unasked(runs):
    runs.executions["chaos-0:r99999"] = runs.executions[PARENT]


def lose_the_child(runs):
    del runs.executions[KID]


def end_an_attempt_twice(runs):
    records = runs.executions[PARENT]["records"]
    records.append(copy.deepcopy(records[7]) | {"id": 16})


def skip_an_attempt(runs):
    del runs.executions[PARENT]["records"][2:5]


def do_it_under_two_keys(runs):
    runs.effects.append(runs.effects[1] | {"key": "k3"})


def never_do_it(runs):
    runs.effects[1]["done"] = False


def hand_out_what_was_not_scheduled(runs):
    runs.effects.append(runs.effects[0] | {"token": "ghost"})


def do_what_was_never_due(runs):
    runs.effects.append(runs.effects[1] | {"state": "S9"})


def lose_a_signal(runs):
    runs.executions[PARENT]["records"] = [
        r for r in runs.executions[PARENT]["records"] if r["details"].get("id") != SECOND
    ]


def receive_a_signal_twice(runs):
    records = runs.executions[PARENT]["records"]
    records.append(copy.deepcopy(records[9]) | {"id": 16})


def consume_out_of_order(runs):
    for number in (10, 13):
        details = runs.executions[PARENT]["records"][number]["details"]
        details["id"] = SECOND if details["id"] == FIRST else FIRST


def read_another_history(runs):
    records = [[1, 0, "ExecutionStarted"], [2, 1, "WaitStateEntered"]]
    runs.ops.append({"f": "history", "key": PARENT, "type": "ok", "records": records})


def answer_a_repeated_start_with_another(runs):
    runs.ops.append({"f": "start_again", "key": PARENT, "type": "ok", "answer": "x:y"})


def refuse_a_repeated_outcome(runs):
    runs.ops.append({"f": "again", "key": "t2", "type": "fail", "detail": "task_closed"})


def accept_a_second_outcome(runs):
    runs.ops.append({"f": "otherwise", "key": "t2", "type": "ok", "detail": None})


def forget_an_acknowledged_outcome(runs):
    runs.effects.append(runs.effects[1] | {"token": "t3"})
    runs.ops.append({"f": "settle", "key": "t3", "type": "ok", "detail": None})


def back_off_too_short(runs):
    for each in runs.executions[PARENT]["records"][5:]:
        each["at"] -= 30


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (lose_the_execution, "lost"),
        (end_otherwise, "lost"),
        (damage_the_output, "lost"),
        (appear_unasked, "lost"),
        (lose_the_child, "children"),
        (end_an_attempt_twice, "outcomes"),
        (skip_an_attempt, "outcomes"),
        (do_it_under_two_keys, "effects"),
        (never_do_it, "effects"),
        (hand_out_what_was_not_scheduled, "effects"),
        (do_what_was_never_due, "effects"),
        (lose_a_signal, "signals"),
        (receive_a_signal_twice, "signals"),
        (consume_out_of_order, "signals"),
        (read_another_history, "histories"),
        (answer_a_repeated_start_with_another, "repeats"),
        (refuse_a_repeated_outcome, "repeats"),
        (accept_a_second_outcome, "repeats"),
        (forget_an_acknowledged_outcome, "completions"),
        (back_off_too_short, "early"),
    ],
)
def test_each_kind_of_wrong_is_found(runs, spoil, check):
    spoil(runs)
    assert check in findings(runs)


def test_what_takes_longer_than_lease_and_a_second_is_late_where_that_is_asked():
    told = {"timers_late_else_ms": {}, "recovery_while_able_ms": {"p99": 3999}}
    assert list(times.late(told, 3000)) == []
    told["recovery_while_able_ms"]["p99"] = 4001
    assert len(list(times.late(told, 3000))) == 1


def test_a_run_that_provoked_too_little_says_what_it_lacks():
    plan = {"executions": 1000, "orders": 0, "kills": 10, "calm": True}
    none = {"accepted": 0, "taken": 0, "too_late": 0}
    found = {
        "starts_acknowledged": 900, "kills": 10, "kills_on_held_claims": 1,
        "kills_of_holders": 7, "effects_repeated": 99,
        "replies_lost": 0, "commits_refused": 0, "histories_read": 50, "repeated_answers": 50,
        "answers_near_the_time_out": none, "signals_near_the_time_out": none | {"taken": 1},
    }  # fmt: skip
    short = checks.shortfalls(plan, found)
    assert [text.split(" is ")[0] for text in short] == [
        "starts_acknowledged",
        "kills_on_held_claims",
        "answers_near_the_time_out.accepted",
        "answers_near_the_time_out.too_late",
        "signals_near_the_time_out.too_late",
    ]
