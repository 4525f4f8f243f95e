"""What senders of signals are told, at a running engine."""

from __future__ import annotations

import asyncio

import pytest
from desk import ME, until

from engine.errors import (
    DefinitionNotFound,
    ExecutionAlreadyExists,
    ExecutionNotFound,
    ExpressUnsupported,
    InvalidRequest,
    SignalInvalid,
)

WAITS = {"Type": "Task", "Resource": "signal:go", "End": True}
PAY = {"Pay": {"Type": "Task", "Resource": "activity:pay", "Next": "A"}, "A": WAITS}
APPROVAL = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}
STRICT = {**WAITS, "Parameters": {"Schema": APPROVAL}}


LENIENT = {**WAITS, "Parameters": {"Schema": {"type": "string"}}}


def then(state, following):
    return {key: value for key, value in state.items() if key != "End"} | {"Next": following}


async def test_whoever_waits_is_answered_when_a_state_takes_the_signal(desk):
    await desk.publish(PAY)
    execution = await desk.start("n")
    await desk.send(execution, 7, id="a")
    waiting = asyncio.ensure_future(desk.fate(execution, "a"))
    [task] = await desk.lease()
    await until(lambda: desk.engine.changes.is_watched(f"default:{execution}"))
    assert not waiting.done()
    await desk.succeed(task)
    fate = await waiting
    assert (fate.status, fate.state) == ("consumed", "A")
    page = await desk.engine.queries.history(
        ME, execution, after=fate.record - 1, limit=1, descending=False
    )
    assert page.events[0]["signalConsumedEventDetails"] == {"name": "go", "id": "a", "state": "A"}


async def test_whoever_waits_is_told_that_the_time_is_over_although_nothing_happens(desk):
    await desk.publish(PAY)
    execution = await desk.start("n")
    await desk.send(execution, id="a", ttl_ms=150)
    fate = await desk.fate(execution, "a")
    assert (fate.status, await desk.fates(execution)) == ("expired", [("a", "expired")])
    assert (await desk.describe(execution)).signals == []


async def test_whoever_waits_is_told_that_the_execution_ended_without_it(desk):
    await desk.publish({"Pay": PAY["Pay"] | {"Next": "B"}, "B": {"Type": "Succeed"}})
    execution = await desk.start("n")
    await desk.send(execution, {"x": 1}, id="a")
    waiting = asyncio.ensure_future(desk.fate(execution, "a"))
    await desk.succeed((await desk.lease())[0])
    assert (await waiting).status == "left_over"
    view = await desk.end(execution)
    assert [(each.name, each.id, each.payload.value) for each in view.signals] == [
        ("go", "a", {"x": 1})
    ]
    assert (await desk.kinds(execution))[-2:] == ["SignalsLeftOver", "ExecutionSucceeded"]


async def test_when_the_time_to_wait_is_up_the_signal_is_told_as_it_stands(desk):
    await desk.publish(PAY)
    execution = await desk.start("n")
    await desk.send(execution, id="a")
    assert (await desk.fate(execution, "a", wait_ms=1)).status == "accepted"
    with pytest.raises(ExecutionNotFound):
        await desk.fate(execution, "never sent", wait_ms=1)


async def test_a_repeat_is_answered_as_one_with_what_became_of_the_signal_even_after_the_end(desk):
    await desk.publish({"A": WAITS})
    execution = await desk.start("n")
    first = await desk.send(execution, 1, id="a")
    assert (first.duplicate, first.status) == (False, "accepted")
    await desk.end(execution)
    again = await desk.send(execution, 1, id="a")
    assert (again.duplicate, again.status, again.state) == (True, "consumed", "A")


async def test_one_id_counts_once_however_it_comes(desk):
    await desk.publish(PAY)
    execution = await desk.start("n")
    await desk.send(execution, 1, id="a")
    started = await desk.start_with("n", 2, id="a")
    assert (started.created, started.execution.signal.duplicate) == (False, True)
    assert (await desk.send(execution, 3, name="other", id="a")).duplicate
    assert await desk.fates(execution) == [("a", "accepted")]


# Starting with a signal


async def test_a_start_with_a_signal_runs_with_it_and_a_second_one_only_delivers(desk):
    first, second = ({**WAITS, "ResultPath": path} for path in ("$.a", "$.b"))
    await desk.publish({"A": then(first, "B"), "B": second})
    first = await desk.start_with("n", 1, {"order": 1}, id="x")
    second = await desk.start_with("n", 2, {"order": "other"}, id="y")
    assert (first.created, second.created) == (True, False)
    view = await desk.end("d:n")
    assert view.output.value == {"order": 1, "a": 1, "b": 2}
    repeat = await desk.start_with("n", 1, {"order": 1}, id="x")
    assert (repeat.created, repeat.execution.status) == (False, "SUCCEEDED")
    assert (repeat.execution.signal.duplicate, repeat.execution.signal.status) == (True, "consumed")
    with pytest.raises(ExecutionAlreadyExists):
        await desk.start_with("n", 3, id="z")


async def test_many_at_once_start_one_execution_that_gets_every_signal(desk):
    await desk.publish(PAY)
    results = await asyncio.gather(
        *(desk.start_with("n", number, id=str(number)) for number in range(20))
    )
    assert sum(each.created for each in results) == 1
    assert len(await desk.fates("d:n")) == 20


async def test_what_cannot_be_started_with_a_signal_says_why(desk):
    with pytest.raises(DefinitionNotFound):
        await desk.start_with("n", definition="none")
    express = b'{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
    await desk.engine.commands.publish(ME, "x", express, "json", "EXPRESS")
    with pytest.raises(ExpressUnsupported):
        await desk.start_with("n", definition="x")
    with pytest.raises(InvalidRequest):
        await desk.send("d:n", ttl_ms=0)


# Schemas


async def test_a_payload_that_no_waiting_state_takes_is_refused_with_what_is_wrong_for_each(desk):
    await desk.publish({"A": then(STRICT, "B"), "B": STRICT})
    execution = await desk.start("n")
    for payload, pointer in (({"ok": "yes"}, "/ok"), ([1], "")):
        with pytest.raises(SignalInvalid) as refused:
            await desk.send(execution, payload, id="a")
        states = refused.value.facts["states"]
        assert [each["state"] for each in states] == ["A", "B"]
        assert [p["pointer"] for each in states for p in each["problems"]] == [pointer] * 2
    assert await desk.fates(execution) == []
    assert not (await desk.send(execution, {"ok": True}, id="a")).duplicate


async def test_one_state_that_takes_the_payload_is_enough_and_a_name_nobody_waits_for_takes_any(
    desk,
):
    await desk.publish({"A": then(STRICT, "B"), "B": LENIENT})
    execution = await desk.start("n")
    await desk.send(execution, "text", name="unknown")
    await desk.send(execution, "text", id="b")
    view = await desk.end(execution)
    assert (view.status, view.error) == ("FAILED", "Detent.SignalInvalid")
    assert "go" in view.cause
    assert "object" in view.cause
    assert (await desk.fate(execution, "b")).status == "consumed"


async def test_a_payload_unfit_for_the_state_that_takes_it_is_that_states_failure_to_catch(desk):
    catch = {"ErrorEquals": ["Detent.SignalInvalid"], "ResultPath": "$.problem", "Next": "B"}
    await desk.publish(
        {"A": then(STRICT, "C") | {"Catch": [catch]}, "C": LENIENT, "B": {"Type": "Succeed"}}
    )
    execution = await desk.start("n")
    await desk.send(execution, "text", id="b")
    view = await desk.end(execution)
    assert view.output.value["problem"]["Error"] == "Detent.SignalInvalid"
    assert (await desk.kinds(execution)).count("TaskFailed") == 1


async def test_a_payload_is_checked_for_the_version_the_execution_is_pinned_to(desk):
    await desk.publish({"A": STRICT})
    old = await desk.start("old")
    await desk.publish({"A": LENIENT})
    new = await desk.start("new")
    for _ in range(2):  # whatever the version is that was met last
        for execution, wrong in ((old, "text"), (new, {"ok": True})):
            with pytest.raises(SignalInvalid):
                await desk.send(execution, wrong)
    await desk.send(new, "text")
    await desk.send(old, {"ok": True})
    assert (await desk.end(old)).status == (await desk.end(new)).status == "SUCCEEDED"


async def test_a_start_with_a_signal_is_checked_too_for_what_runs_or_would_be_started(desk):
    await desk.publish({"A": STRICT})
    with pytest.raises(SignalInvalid):
        await desk.start_with("n", "text")
    with pytest.raises(ExecutionNotFound):
        await desk.describe("d:n")
    await desk.start("n")
    await desk.publish({"A": LENIENT})
    with pytest.raises(SignalInvalid):
        await desk.start_with("n", "text")  # it runs, in the first version
    assert (await desk.start_with("other", "text")).created


async def test_in_jsonata_the_schema_stands_in_arguments(desk):
    state = {"Type": "Task", "Resource": "signal:go", "Arguments": {"Schema": APPROVAL}}
    await desk.publish({"A": state | {"End": True}}, QueryLanguage="JSONata")
    execution = await desk.start("n")
    with pytest.raises(SignalInvalid):
        await desk.send(execution, {"ok": 1})
    await desk.send(execution, {"ok": False})
    assert (await desk.end(execution)).output.value == {"ok": False}
