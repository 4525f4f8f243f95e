"""Corners of moving, each by itself: on the way, and on the way back."""

from __future__ import annotations

import json
from typing import Any

from moving_run import MIGRATION, Moved, back

from engine.core.events import MigrateRequested, SignalReceived, TaskSucceeded
from engine.core.execution import Enter, Listen, Unwind, Work
from engine.core.moving.undo import UNDO
from engine.documents import Document
from engine.language import read
from engine.language.machine import Machine

DONE = {"Done": {"Type": "Succeed"}}


def task(queue: str = "pay", **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"activity:{queue}", "Next": "Done", **more}


def waits(name: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"signal:{name}", "End": True}


def parallel(*inner: dict[str, dict[str, Any]]) -> dict[str, Any]:
    branches = [{"StartAt": next(iter(states)), "States": states} for states in inner]
    return {"Type": "Parallel", "Branches": branches, "Next": "Done"}


def machine(states: dict[str, Any]) -> Machine:
    """The first state is where it starts; `Done` is added where something leads there."""
    more = DONE if '"Done"' in json.dumps(states) else {}
    return read(json.dumps({"StartAt": next(iter(states)), "States": {**states, **more}}))


def parked(states: dict[str, Any]) -> Moved:
    """A run that has come to where only an event takes it on; nobody performs its tasks."""
    run = Moved(machine(states), {"n": 1})
    run.drive(100)
    assert not run.is_closed
    return run


def moved(run: Moved, states: dict[str, Any], *explicit: str, **mapping: str) -> None:
    event = MigrateRequested(2, mapping, frozenset(explicit), "tester", None, MIGRATION)
    assert run.move(event, machine(states)) == ("moved", None)


def give(run: Moved, event: Any) -> None:
    """Have it happen. Of a task that is settled the row is gone, as in the store."""
    if isinstance(event, TaskSucceeded):
        run.memory.tasks.pop((event.frame, event.revision), None)
    run.inbox.append(event)
    run.drive(100)


def test_a_parallel_that_is_left_for_a_state_of_the_new_version_goes_on_there_step_by_step():
    run = parked({"Both": parallel({"X": waits("go")}, {"Y": waits("go")})})
    moved(run, {"Pay": task()}, "Both", Both="Pay")
    assert isinstance(run.memory.frames["0"].hold, Unwind)
    run.drive(100)
    assert [(frame.id, frame.state) for frame in run.memory.frames.values()] == [("0", "Pay")]
    give(run, TaskSucceeded("0", run.memory.frames["0"].entry, Document.of("paid")))
    assert run.execution.status == "SUCCEEDED"
    assert run.result().left_behind == [f"value {UNDO}"]  # it goes with all values at once


def test_an_outcome_for_a_branch_that_is_being_dropped_finds_nobody():
    run = parked({"Both": parallel({"X": {**task(), "Next": "Z"}, "Z": waits("go")})})
    [(frame, revision)] = run.memory.tasks
    moved(run, {"Pay": task()}, "Both", Both="Pay")
    give(run, TaskSucceeded(frame, revision, Document.of("late")))
    assert run.memory.frames["0"].state == "Pay"
    assert run.memory.frames.keys() == {"0"}


def test_a_parallel_that_is_on_its_way_elsewhere_is_taken_back():
    caught = {"Catch": [{"ErrorEquals": ["Busy"], "Next": "Pay"}]}
    old = {"Both": {**parallel({"X": waits("go")}), **caught}, "Pay": task()}
    run = parked(old)
    moved(run, {"Pay": task()}, "Both", Both="Pay")
    assert run.move(back(), machine(old)) == ("moved", None)
    run.drive(100)
    assert [frame.state for frame in run.memory.frames.values()] == ["Both", "X"]


def test_a_task_that_was_kept_under_another_name_and_queue_is_kept_on_the_way_back():
    run = parked({"A": task("pay")})
    before = run.standing()
    moved(run, {"B": task("cash")}, A="B")
    assert isinstance(run.memory.frames["0"].hold, Work)
    assert run.move(back(), machine({"A": task("pay")})) == ("moved", None)
    assert run.standing() == before


def test_a_strand_that_had_not_moved_does_not_go_back_where_others_came_from():
    old = {"A": task("pay", Next="B"), "B": task("cash")}
    run = parked(old)
    moved(run, {"A": task("pay")}, "B", B="A")
    assert run.move(back(), machine(old)) == ("moved", None)
    assert (run.memory.frames["0"].state, type(run.memory.frames["0"].hold)) == ("A", Work)


def test_a_visit_of_the_new_state_that_came_later_is_not_taken_for_the_one_that_was_moved():
    out = {"Catch": [{"ErrorEquals": ["Busy"], "Next": "Done"}]}
    loop = {"A": task("pay", Next="A2"), "A2": task("cash", Next="A", **out)}
    old = {"Old": task("old", Next="A"), **loop}
    run = parked(old)
    moved(run, loop, "Old", Old="A")
    run.drive(100)
    for _ in range(2):
        give(run, TaskSucceeded("0", run.memory.frames["0"].entry, Document.of({"n": 2})))
    assert run.memory.frames["0"].state == "A"
    assert run.move(back(), machine(old)) == ("moved", None)
    frame = run.memory.frames["0"]
    assert (frame.state, type(frame.hold), frame.input.value) == ("A", Work, {"n": 2})


def test_who_has_waited_longest_for_a_signal_still_does_after_the_way_there_and_back():
    old = {"Both": parallel({"X": waits("go")}, {"Y": waits("go")})}
    new = {"Both": parallel({"X": waits("stop")}, {"Y": waits("go")})}
    run = parked(old)
    before = run.standing()
    assert before["signals"]["go"].listeners == ("0/0", "0/1")
    moved(run, new)
    assert run.execution.signals["stop"].listeners == ("0/0",)
    assert run.move(back(), machine(old)) == ("moved", None)
    assert run.standing() == before


def test_a_strand_woken_by_a_kept_signal_of_its_new_name_rests_again_on_the_way_back():
    run = parked({"X": waits("go")})
    give(run, SignalReceived("stop", "s", Document.of("kept")))
    before = run.standing()
    moved(run, {"X": waits("stop")})
    assert run.execution.ready == ("0",)
    assert run.move(back(), machine({"X": waits("go")})) == ("moved", None)
    assert run.standing() == before
    assert isinstance(run.memory.frames["0"].hold, Listen)


def test_what_is_dropped_because_a_sibling_has_failed_does_not_begin_anew():
    fails = {"F": {"Type": "Fail", "Error": "Broken"}}
    old = {"Both": {**parallel({"X": task("pay", Next="Z"), "Z": waits("go")}, fails),
                    "Retry": [{"ErrorEquals": ["Broken"], "IntervalSeconds": 9}]}}  # fmt: skip
    run = Moved(machine(old), {"n": 1})
    while not isinstance(run.memory.frames.get("0") and run.memory.frames["0"].hold, Unwind):
        run.drive(1)
    new = {"Both": {**old["Both"], "Branches": parallel({"X": waits("go")}, fails)["Branches"]}}
    moved(run, new, "X", X="X")
    assert not isinstance(run.memory.frames["0/0"].hold, Enter)
    assert run.execution.ready == ("0",)
