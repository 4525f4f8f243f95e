"""Transitions whose expressions take long: decided apart, with the same outcome; nobody else waits for them."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal

import pytest
from desk import Desk, until

from engine.core import events
from engine.core.execution import (
    ENTER,
    RUN,
    Backoff,
    Closing,
    Delay,
    Execution,
    Fork,
    Frame,
    Listen,
    Unwind,
    Work,
)
from engine.core.limits import DEFAULT
from engine.core.transition import transition
from engine.documents import Document
from engine.language import read
from engine.language.expressions.patience import OverBudget, Patience
from engine.runtime.deciders import Question

# Three times through all of it: too many nodes for the loop, well within what the expressions of a state may visit.
WIDE = {"rows": [{"n": n, "tags": ["a", "b"]} for n in range(8_000)]}
COUNT = {f"{name}.$": "States.ArrayLength($..n)" for name in ("n", "m", "o")}
LONG = {"A": {"Type": "Pass", "Parameters": COUNT, "Next": "B"}}
LONG["B"] = {"Type": "Pass", "InputPath": "$.n", "End": True}
ENDLESS = "{% ($f := function($n) { $f($n + 1) }; $f(1)) %}"
GREEDY = '{% ($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $length($f("xxxxxxxx", 40))) %}'
DEADLY = '{% $formatInteger(1e15, "I") %}'  # the library would ask for 4 GiB, and end the process
SUM = "{% $sum([1..200000]) %}"  # longer than a sequence may become in the loop


def jsonata(expression):
    return {"A": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": expression, "End": True}}


def slow(desk):
    return desk.engine.counters.value("detent_transitions_slow_total")


def stopped(desk):
    return desk.engine.counters.value("detent_expressions_stopped_total")


async def test_a_long_path_is_decided_apart_with_the_same_outcome(desk):
    await desk.publish(LONG)
    view = await desk.end(await desk.start("n", WIDE))
    assert (view.status, view.output.value) == ("SUCCEEDED", 8_000)
    assert (slow(desk), stopped(desk)) == (1, 0)


async def test_a_long_jsonata_expression_is_decided_apart(desk):
    await desk.publish(jsonata(SUM))
    view = await desk.end(await desk.start("n"))
    assert (view.status, view.output.value) == ("SUCCEEDED", 20000100000)
    assert slow(desk) == 1


@pytest.mark.parametrize("expression", [ENDLESS, GREEDY, DEADLY])
async def test_an_expression_without_bounds_fails_its_execution_and_no_other(desk, expression):
    await desk.publish(jsonata(expression), "hostile")
    await desk.publish({"A": {"Type": "Pass", "End": True}}, "d")
    hostile = await desk.start("n", definition="hostile")
    others = [await desk.start(f"n{number}") for number in range(5)]
    for each in others:
        assert (await desk.end(each)).status == "SUCCEEDED"
    view = await desk.end(hostile)
    assert (view.status, view.error) == ("FAILED", "States.QueryEvaluationError")
    assert view.cause.startswith("An error occurred while executing the state 'A'")
    assert await desk.kinds(hostile) == [
        "ExecutionStarted",
        "PassStateEntered",
        "EvaluationFailed",
        "ExecutionFailed",
    ]


async def test_others_go_on_while_one_is_decided(desk):
    await desk.publish(jsonata(ENDLESS), "hostile")
    await desk.publish({"A": {"Type": "Pass", "End": True}}, "d")
    await desk.end(await desk.start("first", definition="hostile"))  # the process is up
    hostile = await desk.start("n", definition="hostile")
    await until(lambda: desk.engine._advancer._apart == 1)
    while (await desk.describe(hostile)).status == "RUNNING":
        assert (await desk.end(await desk.start(os.urandom(4).hex()))).status == "SUCCEEDED"
    closed = desk.engine.counters.value("detent_executions_closed_total")
    assert closed > 2  # more than the two hostile ones


async def test_a_process_that_is_killed_from_outside_is_replaced_and_the_execution_ends_once(desk):
    await desk.publish(jsonata(SUM))
    await desk.end(await desk.start("first"))
    (decider,) = desk.engine._deciders._running
    os.kill(decider._process.pid, signal.SIGKILL)
    view = await desk.end(await desk.start("n"))
    assert (view.status, view.output.value) == ("SUCCEEDED", 20000100000)
    assert (await desk.kinds(view.id)).count("PassStateExited") == 1


async def test_whoever_finds_no_process_free_has_its_turn_later(desk):
    await desk.publish(jsonata(ENDLESS), "hostile")
    await desk.publish(jsonata(SUM), "d")
    await desk.end(await desk.start("first", definition="hostile"))
    hostile = await desk.start("n", definition="hostile")
    waiting = [await desk.start(f"n{number}") for number in range(3)]
    for each in waiting:
        assert (await desk.end(each)).status == "SUCCEEDED"
    assert (await desk.end(hostile)).status == "FAILED"


async def test_no_process_outlives_its_engine(engines):
    engine = await engines()
    desk = Desk(engine)
    await desk.publish(jsonata(SUM))
    await desk.end(await desk.start("n"))
    (decider,) = engine._deciders._running
    await engine.stop()
    assert decider.is_gone


def test_patience_changes_whether_an_answer_comes_and_never_which():
    states = {"A": {"Type": "Pass", "Parameters": COUNT, "End": True}}
    machine = read(json.dumps({"StartAt": "A", "States": states}))
    before = Execution("d:n", "d", "n", 1, b"s" * 16, 0, input=Document.of(WIDE))
    begun = transition(machine, before, events.Begin(), 1).execution
    with pytest.raises(OverBudget):
        transition(machine, begun, events.Advance("0"), 1, patience=Patience.in_loop(lambda: 0.0))
    step = transition(machine, begun, events.Advance("0"), 1)
    assert step.execution.status == "SUCCEEDED"
    last = transition(machine, begun, events.Advance("0"), 1, patience=Patience.last(lambda: 0.0))
    assert (last.execution.status, last.execution.error) == ("FAILED", "States.Runtime")


HOLDS = [
    ENTER,
    RUN,
    Delay(1, 2),
    Backoff(1, 2),
    Work(1, "q", 2, 3, 4, callback=True, submitted=True),
    Listen(1, "go", 5),
    Fork(1, 2, 3, pages=1),
    Unwind("E", None, (("0", 0, 3),), 4),
]


@pytest.mark.parametrize("hold", HOLDS, ids=lambda hold: type(hold).__name__)
def test_executions_and_events_cross_to_another_process_unchanged(hold):
    frame = Frame("0", "A", hold, Document.from_text(b'{"a": 1}'), item=Document.of([1]))
    closing = Closing("FAILED", "E", None, 3, (("0", 0, 1),))
    frames = {"0": frame, "0/1": None}
    values = {"a:0:x": Document.of(1), "r:0:1": None}
    given = Execution("d:n", "d", "n", 1, b"s", 0, closing=closing, frames=frames, values=values)
    event = events.TaskSucceeded("0", 1, Document.of({}), events.Started(5, "w"))
    for each in (given, event, events.SignalReceived("go", "1", Document.of(1)), DEFAULT):
        assert pickle.loads(pickle.dumps(each)) == each
    crossed = pickle.loads(pickle.dumps(given))
    assert crossed.frames["0"].input.text == b'{"a": 1}'  # a document's own text stays


async def test_a_caller_that_gives_up_leaves_no_answer_for_the_next(desk):
    await desk.publish(jsonata(SUM))
    await desk.end(await desk.start("first"))
    deciders = desk.engine._deciders
    machine = await desk.engine.queries._machines.get("default", "d", 1)
    run = Execution("d:x", "d", "x", 1, b"s" * 16, 0, input=Document.of({}))
    begun = transition(machine, run, events.Begin(), 1).execution
    known_as, go = machine.content_hash, events.Advance("0")
    asking = asyncio.ensure_future(
        deciders.decide(Question(known_as, None, begun, go, 1, DEFAULT))  # type: ignore[arg-type]
    )
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    view = await desk.end(await desk.start("n"))
    assert (view.id, view.output.value) == ("d:n", 20000100000)
