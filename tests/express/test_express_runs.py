"""Express executions on a running engine: what they do, and that nothing of them is stored."""

from __future__ import annotations

import asyncio
import json

import pytest
import redis as redis_py
from desk import ME, until

from engine.documents import Document
from engine.errors import (
    ExecutionClosed,
    ExecutionNotFound,
    ExpressUnsupported,
    QuotaExceeded,
    TaskClosed,
)
from engine.store.finding.filter import Filter
from engine.store.keys import ref_of
from engine.views import Outcome

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:pay"
PAY = {"Pay": {"Type": "Task", "Resource": FUNCTION, "End": True}}
NAP = {"Nap": {"Type": "Wait", "Seconds": 60, "End": True}}
CHAIN = {
    "A": {"Type": "Pass", "Result": {"a": 1}, "ResultPath": "$.a", "Next": "B"},
    "B": {"Type": "Pass", "End": True},
}


def keys_of(url: str) -> dict[bytes, bytes]:
    with redis_py.Redis.from_url(url) as client:
        return {key: client.dump(key) for key in client.scan_iter("*")}


async def test_a_short_synchronous_one_is_closed_when_its_start_returns(desk):
    await desk.publish(CHAIN)
    ended = await desk.run({"n": 7}, synchronous=True)
    assert (ended.status, ended.output) == ("SUCCEEDED", Document.of({"n": 7, "a": {"a": 1}}))
    assert ended.id.startswith("d:n:")


async def test_nothing_of_an_execution_is_written_to_redis(desk, url):
    await desk.publish(PAY)
    before = keys_of(url)
    execution = (await desk.run()).id
    [task] = await desk.lease()
    assert keys_of(url) == before
    await desk.succeed(task, {"paid": True})
    assert (await desk.end(execution)).output == Document.of({"paid": True})
    assert keys_of(url) == before


async def test_every_start_of_a_name_is_an_execution_of_its_own(desk):
    await desk.publish(NAP)
    first, second = await desk.run(), await desk.run()
    assert first.name == second.name == "n"
    assert first.id != second.id


async def test_the_newest_version_is_started_at_once(desk):
    await desk.publish({"A": {"Type": "Pass", "Result": 1, "End": True}})
    assert (await desk.run(synchronous=True)).output == Document.of(1)
    await desk.publish({"A": {"Type": "Pass", "Result": 2, "End": True}})
    ended = await desk.run(synchronous=True)
    assert (ended.output, ended.version) == (Document.of(2), 2)
    old = await desk.engine.commands.start(
        ME, "d", name="n", input=Document.of({}), version=1, synchronous=True
    )
    assert old.execution.output == Document.of(1)


async def test_its_history_has_the_records_of_a_stored_one(desk):
    await desk.publish(PAY)
    execution = (await desk.run()).id
    [task] = await desk.lease(worker="w7")
    await desk.succeed(task)
    await desk.end(execution)
    assert await desk.kinds(execution) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


async def test_a_description_shows_where_it_rests_and_who_holds_its_task(desk):
    await desk.publish(PAY)
    execution = (await desk.run({"n": 1})).id
    await desk.lease(worker="w7")
    view = await desk.describe(execution)
    assert (view.status, view.input) == ("RUNNING", Document.of({"n": 1}))
    assert [(f.state, f.waiting["kind"]) for f in view.frames] == [("Pay", "task")]
    assert [(t.status, t.worker) for t in view.tasks] == [("leased", "w7")]


async def test_only_a_synchronous_one_is_told_nothing_of_redrives(desk):
    await desk.publish({"A": {"Type": "Pass", "Parameters": {"x.$": "$$.Execution"}, "End": True}})
    waited = await desk.run(synchronous=True)
    assert "RedriveCount" not in waited.output.value["x"]
    left = await desk.end((await desk.run()).id)
    assert left.output.value["x"]["RedriveCount"] == 0
    assert left.output.value["x"]["Id"] == left.id


async def test_a_fork_with_more_items_than_run_at_once_gathers_all_results(desk):
    processor = {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}}
    await desk.publish({"All": {"Type": "Map", "ItemProcessor": processor, "End": True}})
    items = list(range(500))
    ended = await desk.run(items, synchronous=True)
    view = await desk.end(ended.id)
    assert view.output == Document.of(items)


async def test_a_long_history_keeps_its_newest_records_and_their_numbers(desk):
    processor = {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}}
    await desk.publish({"All": {"Type": "Map", "ItemProcessor": processor, "End": True}})
    execution = (await desk.run(list(range(500)))).id
    await desk.end(execution)
    page = await desk.engine.queries.history(
        ME, execution, after=None, limit=1000, descending=False
    )
    numbers = [event["id"] for event in page.events]
    assert numbers == list(range(numbers[0], numbers[0] + 1000))
    assert page.events[-1]["type"] == "ExecutionSucceeded"
    newest = await desk.engine.queries.history(ME, execution, after=None, limit=3, descending=True)
    assert [event["id"] for event in newest.events] == numbers[:-4:-1]


# Ends


async def test_it_times_out_after_the_limit_of_all_express_executions(engines, express_desk):
    desk = express_desk(await engines(express_seconds_max=0.1))
    await desk.publish(NAP)
    ended = await desk.end((await desk.run()).id)
    assert (ended.status, ended.frames) == ("TIMED_OUT", [])
    assert (await desk.kinds(ended.id))[-1] == "ExecutionTimedOut"


async def test_the_machines_own_time_out_comes_first_where_it_is_shorter(desk):
    await desk.publish(NAP, TimeoutSeconds=1)
    assert (await desk.end((await desk.run()).id)).status == "TIMED_OUT"


async def test_a_stop_ends_it_and_takes_its_task_back(desk):
    await desk.publish(PAY)
    execution = (await desk.run()).id
    [task] = await desk.lease()
    stopped = await desk.engine.commands.stop(ME, execution, "Cancelled", "no need", 0)
    assert (stopped.status, stopped.error, stopped.cause) == ("ABORTED", "Cancelled", "no need")
    with pytest.raises(TaskClosed) as closed:
        await desk.succeed(task)
    assert closed.value.facts["outcome"] == "ABORTED"
    with pytest.raises(ExecutionClosed):
        await desk.engine.commands.stop(ME, execution, None, None, 0)


async def test_what_runs_when_the_process_stops_ends_aborted_and_says_why(engines, express_desk):
    engine = await engines()
    desk = express_desk(engine)
    await desk.publish(NAP)
    execution = (await desk.run()).id
    await engine.express.close()
    view = await desk.describe(execution)
    assert (view.status, view.error) == ("ABORTED", "Detent.ProcessStopped")
    with pytest.raises(QuotaExceeded):
        await desk.run()


async def test_one_that_somebody_waits_for_may_end_while_the_process_drains(desk):
    await desk.publish(PAY)
    execution = (await desk.run(synchronous=True)).id
    finishing = asyncio.create_task(desk.engine.commands.finish(ME, execution))
    [task] = await desk.lease()
    await desk.succeed(task, {"paid": True})
    assert (await finishing).status == "SUCCEEDED"


async def test_one_that_does_not_end_while_the_process_drains_is_aborted(engines, express_desk):
    desk = express_desk(await engines(drain_seconds=0.1))
    await desk.publish(PAY)
    execution = (await desk.run(synchronous=True)).id
    ended = await desk.engine.commands.finish(ME, execution)
    assert (ended.status, ended.error) == ("ABORTED", "Detent.ProcessStopped")


async def test_a_fault_of_the_engine_fails_the_execution_and_no_other(desk, monkeypatch):
    await desk.publish(NAP)
    sound = (await desk.run()).id
    find = desk.engine.express.remembered.find
    await until(lambda: find(ref_of("default", sound)).execution.last_record == 2)
    monkeypatch.setattr(desk.engine.express._deciding, "at_once", lambda *_: 1 / 0)
    broken = await desk.run(synchronous=True)
    assert (broken.status, broken.error) == ("FAILED", "States.Runtime")
    assert (await desk.describe(sound)).status == "RUNNING"


# Bounds, and what Express does not do


async def test_no_more_run_at_once_than_the_quota_allows(engines, express_desk):
    desk = express_desk(await engines(express_executions_max=2))
    await desk.publish(NAP)
    first, _ = await desk.run(), await desk.run()
    with pytest.raises(QuotaExceeded):
        await desk.run()
    await desk.engine.commands.stop(ME, first.id, None, None, 0)
    assert (await desk.run()).status == "RUNNING"


async def test_the_last_executions_are_remembered_and_older_ones_are_not(desk, monkeypatch):
    from engine.express import remembered

    monkeypatch.setattr(remembered, "CLOSED_MAX", 2)
    await desk.publish(CHAIN)
    first, second, third = [(await desk.run(synchronous=True)).id for _ in range(3)]
    with pytest.raises(ExecutionNotFound, match="Express executions are not kept"):
        await desk.describe(first)
    assert {(await desk.describe(e)).status for e in (second, third)} == {"SUCCEEDED"}


async def test_they_are_not_remembered_for_longer_than_ten_minutes(desk, monkeypatch):
    await desk.publish(CHAIN)
    execution = (await desk.run(synchronous=True)).id
    clock = desk.engine.clock
    later = clock.now_ms() + 600_001
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    with pytest.raises(ExecutionNotFound):
        await desk.describe(execution)


async def test_closed_ones_take_no_more_memory_than_is_set_aside(desk, monkeypatch):
    from engine.express import remembered

    monkeypatch.setattr(remembered, "CLOSED_BYTES_MAX", 300_000)
    await desk.publish(CHAIN)
    given = {"text": "x" * 50_000}
    ran = [(await desk.run(given, synchronous=True)).id for _ in range(5)]
    known = [desk.engine.express.remembered.find(ref_of("default", e)) is not None for e in ran]
    assert known[-1]
    assert not known[0]


async def test_signals_and_listing_are_refused_by_name(desk):
    await desk.publish(NAP)
    execution = (await desk.run()).id
    with pytest.raises(ExpressUnsupported):
        await desk.engine.commands.signal(ME, execution, "go", Document.of({}), None)
    with pytest.raises(ExpressUnsupported):
        await desk.engine.queries.executions(ME, Filter(definition="d"), limit=10, cursor=None)
    with pytest.raises(ExpressUnsupported):
        await desk.engine.queries.count(ME, Filter(definition="d"))


async def test_a_busy_loop_lets_others_go_on_and_ends_at_its_time(engines, express_desk):
    desk = express_desk(await engines(express_seconds_max=0.5))
    await desk.publish(
        {
            "A": {"Type": "Pass", "Next": "B"},
            "B": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.x", "IsPresent": False, "Next": "A"}],
                "Default": "End",
            },
            "End": {"Type": "Succeed"},
        }
    )
    busy = await desk.run(synchronous=True)
    assert (await desk.describe(busy.id)).status == "RUNNING"
    ended = await desk.end(busy.id)
    assert ended.status == "TIMED_OUT"
    run = desk.engine.express.remembered.find(ref_of("default", busy.id))
    assert len(run.memory.records) <= 1001
    assert run.memory.frames == {}


async def test_closed_ones_leave_nothing_out_in_the_world(desk):
    await desk.publish(PAY)
    execution = (await desk.run()).id
    await desk.engine.commands.stop(ME, execution, None, None, 0)
    tasks = desk.engine.express.tasks
    await until(lambda: not desk.engine.express._lives)
    assert (tasks._open, dict(tasks._queues)) == ({}, {})
    outcome = Outcome("bm8.x", output=Document.of(1))
    with pytest.raises(Exception, match="No task"):
        await desk.engine.commands.settle(ME, outcome)


async def test_an_expression_without_end_fails_its_run_and_holds_up_no_other(desk):
    endless = "{% ($f := function($n) { $f($n + 1) }; $f(1)) %}"
    rule = {"Condition": "{% $states.input.hostile %}", "Next": "Endless"}
    choice = {"Type": "Choice", "Choices": [rule], "Default": "Good"}
    states = {
        "Ask": choice,
        "Endless": {"Type": "Pass", "Output": endless, "End": True},
        "Good": {"Type": "Succeed"},
    }
    await desk.publish(states, QueryLanguage="JSONata")
    hostile = await desk.run({"hostile": True})
    for _ in range(10):
        other = await desk.run({"hostile": False})
        assert (await desk.end(other.id)).status == "SUCCEEDED"
    assert (await desk.describe(hostile.id)).status == "RUNNING"
    ended = await desk.end(hostile.id)
    assert (ended.status, ended.error) == ("FAILED", "States.QueryEvaluationError")


async def test_one_whose_expression_takes_long_can_be_stopped(desk):
    endless = "{% ($f := function($n) { $f($n + 1) }; $f(1)) %}"
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": endless, "End": True}
    await desk.publish({"A": state})
    run = await desk.run()
    await asyncio.sleep(0.1)
    stopped = await desk.engine.commands.stop(ME, run.id, "Enough", None, 0)
    assert (stopped.status, stopped.error) == ("ABORTED", "Enough")
    await asyncio.sleep(2)  # what was being decided comes to nothing
    assert (await desk.describe(run.id)).status == "ABORTED"


async def test_it_starts_a_stored_execution_and_goes_on(desk):
    stored = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 5, "End": True}}}
    await desk.engine.commands.publish(ME, "child", json.dumps(stored).encode(), "json")
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": "child", "Name": "c", "Input": {}},
        "End": True,
    }
    await desk.publish({"Start": start})
    ended = await desk.run(synchronous=True)
    ended = await desk.end(ended.id)
    assert (ended.status, ended.output.value["ExecutionArn"]) == ("SUCCEEDED", "child:c")
    assert (await desk.end("child:c")).output.value == 5
