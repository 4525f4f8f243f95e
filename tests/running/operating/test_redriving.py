"""A closed execution goes on from where it failed: same id, same history, counted and indexed as one that runs."""

import asyncio

import pytest
from desk import ME

from engine.documents import Document
from engine.errors import DefinitionNotFound, OrderRefused
from engine.store.finding.filter import Filter

PAY = {"Type": "Task", "Resource": "activity:pay", "End": True}
TWO = {"A": {"Type": "Pass", "Result": {"n": 1}, "Next": "B"}, "B": PAY}


async def failed(desk, states=TWO, given=None, **top):
    await desk.publish(states, **top)
    execution = await desk.start("n", given)
    [task] = await desk.lease()
    await desk.fail(task, "Broken")
    assert (await desk.end(execution)).status == "FAILED"
    return execution, task


async def test_it_goes_on_from_the_state_that_failed_with_the_data_it_had(desk):
    execution, first = await failed(desk)
    ordered = await desk.redrive(execution)
    assert (ordered.execution.status, ordered.applied) == ("RUNNING", True)
    [task] = await desk.lease()
    assert (task.state, task.input.value) == ("B", {"n": 1})
    assert task.idempotency_key != first.idempotency_key  # a failure was reported
    await desk.succeed(task, 7)
    view = await desk.end(execution)
    assert (view.status, view.output.value, view.redrives) == ("SUCCEEDED", 7, 1)
    kinds = await desk.kinds(execution)
    assert kinds.count("PassStateEntered") == 1
    after = kinds[kinds.index("ExecutionRedriven") :]
    assert after[:2] == ["ExecutionRedriven", "ActivityScheduled"]
    told = await desk.record(execution, "ExecutionRedriven")
    assert (told["redriveCount"], told["by"], told["reason"]) == (1, ME.name, "a test")


async def test_it_goes_on_with_other_data_and_on_a_newer_version(desk):
    execution, _ = await failed(desk)
    await desk.publish({"B": PAY | {"Parameters": {"mended.$": "$.n"}}})
    await desk.redrive(execution, {"n": 2}, version=2)
    [task] = await desk.lease()
    assert task.input.value == {"mended": 2}
    assert (await desk.describe(execution)).version == 2


async def test_a_version_without_the_state_is_refused_and_changes_nothing(desk):
    execution, _ = await failed(desk)
    await desk.publish({"C": PAY})
    with pytest.raises(OrderRefused) as refused:
        await desk.redrive(execution, version=2)
    assert refused.value.facts == {"reason": "state_not_in_scope"}
    with pytest.raises(DefinitionNotFound):
        await desk.redrive(execution, version=9)
    assert (await desk.describe(execution)).status == "FAILED"


async def test_only_what_closed_without_success_is_redriven(desk):
    await desk.publish({"A": PAY})
    execution = await desk.start("n")
    with pytest.raises(OrderRefused) as refused:
        await desk.redrive(execution)
    assert refused.value.facts == {"reason": "not_closed"}
    [task] = await desk.lease()
    await desk.succeed(task)
    await desk.end(execution)
    with pytest.raises(OrderRefused):
        await desk.redrive(execution)


async def test_a_redrive_repeated_under_its_id_happens_once(desk):
    execution, _ = await failed(desk)
    await desk.redrive(execution, id="once")
    [task] = await desk.lease()
    assert (await desk.redrive(execution, id="once")).applied
    await desk.fail(task, "Broken")
    await desk.end(execution)
    assert (await desk.redrive(execution, id="once")).execution.status == "FAILED"
    assert (await desk.kinds(execution)).count("ExecutionRedriven") == 1


async def test_it_is_listed_where_it_stands_and_its_retention_counts_from_its_last_end(desk):
    execution, _ = await failed(desk)
    assert await listed(desk, "FAILED") == [execution]
    await desk.redrive(execution)
    assert (await listed(desk, "FAILED"), await listed(desk, "RUNNING")) == ([], [execution])
    assert await desk.keys(":closed") == []
    [task] = await desk.lease()
    await desk.succeed(task)
    await desk.end(execution)
    assert await listed(desk, "SUCCEEDED") == [execution]


async def test_attempts_are_counted_anew(desk):
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    await desk.publish({"B": PAY | {"Retry": retry}})
    execution = await desk.start("n")
    await exhausted(desk, execution)
    await desk.end(execution)
    await desk.redrive(execution)
    await exhausted(desk, execution)
    assert (await desk.end(execution)).redrives == 1


async def test_variables_and_what_was_stopped_go_on(desk):
    states = {
        "S": {"Type": "Pass", "Assign": {"v": [1]}, "Next": "A"},
        "A": {"Type": "Task", "Resource": "activity:pay", "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"v.$": "$v"}, "End": True},
    }
    await desk.publish(states)
    execution = await desk.start("n")
    await desk.lease()
    await desk.terminate(execution)
    await desk.redrive(execution)
    [task] = await desk.lease()
    await desk.succeed(task)
    assert (await desk.end(execution)).output.value == {"v": [1]}


async def test_a_parallel_that_failed_is_run_again_whole(desk):
    branches = [{"StartAt": name, "States": {name: PAY}} for name in ("Left", "Right")]
    execution, _ = await failed(
        desk, {"P": {"Type": "Parallel", "Branches": branches, "End": True}}
    )
    await desk.redrive(execution)
    for task in (await desk.lease())[:1] + (await desk.lease())[:1]:
        await desk.succeed(task, 1)
    assert (await desk.end(execution)).output.value == [1, 1]


async def test_a_signal_sent_before_the_end_is_still_there(desk):
    states = {
        "A": PAY | {"Next": "Ask"},
        "Ask": {"Type": "Task", "Resource": "signal:go", "End": True},
    }
    del states["A"]["End"]
    await desk.publish(states)
    execution = await desk.start("n")
    [task] = await desk.lease()
    await desk.engine.commands.signal(ME, execution, "go", Document.of(5), None)
    await desk.fail(task, "Broken")
    await desk.end(execution)
    await desk.redrive(execution)
    [task] = await desk.lease()
    await desk.succeed(task)
    assert (await desk.end(execution)).output.value == 5


async def exhausted(desk, execution):
    """Fail the first and the second attempt, which a retrier grants."""
    for attempt in (1, 2):
        [task] = await desk.lease()
        assert task.attempt == attempt
        await desk.fail(task, "Broken")
        if attempt == 1:
            while (await desk.describe(execution)).frames[0].waiting["kind"] != "retry":
                await asyncio.sleep(0.01)
            await desk.retry(execution)


async def listed(desk, status):
    page = await desk.engine.queries.executions(
        ME, Filter(definition="d", status=status), limit=10, cursor=None
    )
    return [row.id for row in page.executions]


async def test_an_execution_whose_history_is_full_is_not_redriven(engines, desk_at):
    desk = desk_at(await engines(history_records_max=100))
    never = [{"Variable": "$.stop", "IsPresent": True, "Next": "C"}]
    await desk.publish(
        {
            "A": {"Type": "Pass", "Next": "B"},
            "B": {"Type": "Choice", "Choices": never, "Default": "A"},
            "C": {"Type": "Succeed"},
        }
    )
    execution = await desk.start("n")
    assert (await desk.end(execution)).error == "States.Runtime"
    with pytest.raises(OrderRefused) as refused:
        await desk.redrive(execution)
    assert refused.value.facts == {"reason": "history_full"}
