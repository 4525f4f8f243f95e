"""The checker against evidence made by hand: what is right passes, and each kind of wrong has its own finding."""

from __future__ import annotations

import copy

import pytest

from tests.chaos.orders.plan import DEFINITION, NOTIFY_QUEUE, order_of
from tests.chaos.rig.checker import Evidence, verdict

SEED = 5
NUMBER = next(n for n in range(100) if order_of(SEED, n).declined)
ORDER = order_of(SEED, NUMBER)
TOKEN = "t"


def records():
    """The history of an order that was declined at its first attempt, as the engine writes it."""
    rows = [(0, "ExecutionStarted", {}), (0, "TaskStateEntered", {"name": "Charge"})]
    for attempt in range(ORDER.charge_busy + 1):
        rows.append((len(rows), "ActivityScheduled", {"resource": "activity:charge"}))
        rows.append((len(rows), "ActivityStarted", {}))
        rows.append((len(rows), "ActivityFailed", {"error": "Busy"}))
        del attempt
    rows.append((len(rows), "TaskStateExited", {"name": "Charge"}))
    rows.append((len(rows), "FailStateEntered", {"name": "Refused"}))
    rows.append((len(rows), "ExecutionFailed", {"error": "Refused"}))
    return [
        {"id": n, "previous": p, "type": kind, "at": n, "details": details}
        for n, (p, kind, details) in enumerate(rows, 1)
    ]


@pytest.fixture
def evidence():
    execution = {
        "id": ORDER.execution,
        "status": "FAILED",
        "revision": 9,
        "owner": "",
        "quarantine": None,
        "output": None,
        "error": "Refused",
        "cause": None,
        "records": records(),
        "buffered": [],
        "unread": ["up"],
        "others": [],
    }
    execution["unread"] = [identifier for _, identifier in ORDER.signals]
    line = {"execution": ORDER.execution, "queue": "charge", "item": -1, "done": False}
    tries = range(ORDER.charge_busy + 1)
    plan = {"seed": SEED, "executions": NUMBER + 1, "kills": 1, "held_min": 1}
    ops = [{"f": "start", "key": ORDER.execution, "type": "ok"}] * 200
    ops += [
        {"f": "signal", "key": ORDER.execution, "id": identifier, "type": "ok"}
        for _, identifier in ORDER.signals
    ]
    return Evidence(
        plan=plan,
        ops=ops,
        effects=[line | {"key": f"k{n}", "token": f"{TOKEN}{n}"} for n in tries],
        faults=[{"what": "kill", "held": ["x"], "aimed": False}],
        executions={ORDER.execution: execution},
        store={},
    )


def findings(evidence):
    return {name for name, count in verdict(evidence)["findings"].items() if count}


def test_a_run_as_it_should_be_passes(evidence):
    found = verdict(evidence)
    assert found["verdict"] == "pass", found


def test_a_kill_that_hit_nothing_proves_nothing(evidence):
    evidence.faults[0]["held"] = []
    assert verdict(evidence)["verdict"] == "invalid"


def lose_the_execution(run):
    run.executions.clear()


def end_otherwise(run):
    run.executions[ORDER.execution]["error"] = "Other"


def lose_a_signal(run):
    run.executions[ORDER.execution]["unread"].clear()


def receive_a_signal_twice(run):
    run.executions[ORDER.execution]["unread"] *= 2


def skip_a_record(run):
    del run.executions[ORDER.execution]["records"][2]


def go_on_after_the_end(run):
    found = run.executions[ORDER.execution]["records"]
    found.append(copy.deepcopy(found[-1]) | {"id": len(found) + 1})


def end_an_attempt_twice(run):
    found = run.executions[ORDER.execution]["records"]
    again = copy.deepcopy(next(r for r in found if r["type"] == "ActivityFailed"))
    run.executions[ORDER.execution]["records"] = [*found[:-1], again, found[-1]]


def do_what_was_never_due(run):
    run.effects.append(run.effects[0] | {"queue": "reserve", "done": True, "key": "other"})


def hand_out_a_task_that_was_not_scheduled(run):
    run.effects.append(run.effects[0] | {"token": "ghost"})


def forget_an_acknowledged_completion(run):
    run.effects.append(run.effects[0] | {"queue": NOTIFY_QUEUE, "token": "n"})
    run.ops.append({"f": "settle", "key": "n", "type": "accepted"})


def leave_a_ghost(run):
    run.store["detent:{00}:ready"] = {"type": "zset", "value": [[f"default:{DEFINITION}:gone", 1]]}


def send_twice(run):
    run.wire.append({"what": "repeated", "script": "commit", "key": "x", "times": 2})


def log_an_error(run):
    run.logs.append("engine-0: Traceback")


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (lose_the_execution, "lost"),
        (end_otherwise, "lost"),
        (lose_a_signal, "signals"),
        (receive_a_signal_twice, "signals"),
        (skip_a_record, "sequence"),
        (go_on_after_the_end, "sequence"),
        (end_an_attempt_twice, "outcomes"),
        (end_an_attempt_twice, "chain"),
        (do_what_was_never_due, "effects"),
        (hand_out_a_task_that_was_not_scheduled, "effects"),
        (forget_an_acknowledged_completion, "completions"),
        (leave_a_ghost, "indexes"),
        (send_twice, "wire"),
        (log_an_error, "logs"),
    ],
)
def test_each_kind_of_wrong_is_found(evidence, spoil, check):
    spoil(evidence)
    assert check in findings(evidence)
