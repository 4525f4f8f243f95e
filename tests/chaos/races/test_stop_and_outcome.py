"""An outcome and a stop that meet: what was accepted counts, and what would not count is not accepted."""

from __future__ import annotations

import json

import pytest

from engine.documents import Document
from engine.errors import ExecutionClosed, TaskClosed
from engine.views import Ask, Caller, Outcome

ME = Caller()
WORK = {"Type": "Task", "Resource": "activity:work"}


@pytest.fixture
async def met(engines):
    """An API process, an execution whose only task is leased, its outcome; nobody advances it for the moment."""
    api = await engines(advances=False)
    advancing = await engines()
    states = {"Work": WORK | {"Next": "More"}, "More": WORK | {"End": True}}
    text = json.dumps({"StartAt": "Work", "States": states}).encode()
    await api.commands.publish(ME, "d", text, "json")
    await api.commands.start(ME, "d", name="e", input=Document.of({}), version=None)
    options = {"most": 1, "wait_ms": 60_000, "lease_ms": 60_000, "worker": "w"}
    tasks = await api.commands.lease(ME, "work", **options)
    await advancing.stop()
    return api, Outcome(tasks[0].token, output=Document.of("done"), lease=tasks[0].lease)


async def ended(engines, api):
    await engines()
    view = await api.queries.describe(ME, "d:e", 60_000)
    page = await api.queries.history(ME, "d:e", after=None, limit=100, descending=False)
    return view.status, [event["type"] for event in page.events if "Activity" in event["type"]]


DONE = ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded", "ActivityScheduled"]


async def test_an_outcome_accepted_before_a_stop_is_recorded_before_the_end(met, engines):
    api, outcome = met
    await api.commands.settle(ME, outcome)
    await api.commands.stop(ME, "d:e", None, None, 0)
    assert await ended(engines, api) == ("ABORTED", DONE)


async def test_an_outcome_that_comes_after_a_stop_is_refused_with_what_happens_instead(
    met, engines
):
    api, outcome = met
    await api.commands.stop(ME, "d:e", None, None, 0)
    with pytest.raises(TaskClosed) as refused:
        await api.commands.settle(ME, outcome)
    assert refused.value.facts["outcome"] == "ABORTED"
    assert await ended(engines, api) == ("ABORTED", DONE[:2])


async def test_an_outcome_that_a_pause_has_kept_is_recorded_before_a_stop_ends_it(met, engines):
    api, outcome = met
    await api.commands.pause(ME, "d:e", Ask(), "hold")
    await api.commands.settle(ME, outcome)
    await api.commands.terminate(ME, "d:e", Ask(), None, None)
    assert await ended(engines, api) == ("ABORTED", DONE)


async def test_an_outcome_accepted_before_a_graceful_stop_is_recorded_before_it(met, engines):
    api, outcome = met
    await api.commands.settle(ME, outcome)
    await api.commands.cancel(ME, "d:e", Ask(), None, None)
    assert await ended(engines, api) == ("ABORTED", DONE)


async def test_a_stop_that_comes_to_an_end_of_the_executions_own_is_told_so(engines):
    engine = await engines()
    text = json.dumps({"StartAt": "Work", "States": {"Work": WORK | {"End": True}}}).encode()
    await engine.commands.publish(ME, "d", text, "json")
    await engine.commands.start(ME, "d", name="e", input=Document.of({}), version=None)
    options = {"most": 1, "wait_ms": 60_000, "lease_ms": 60_000, "worker": "w"}
    (task,) = await engine.commands.lease(ME, "work", **options)
    engine._advancer._open = False  # it takes nothing until both have come
    await engine.commands.settle(
        ME, Outcome(task.token, output=Document.of("done"), lease=task.lease)
    )
    await engine.commands.stop(ME, "d:e", None, None, 0)
    engine._advancer._open = True
    with pytest.raises(ExecutionClosed) as refused:
        await engine.commands.stop(ME, "d:e", None, None, 60_000)
    assert refused.value.facts["execution_status"] == "SUCCEEDED"
