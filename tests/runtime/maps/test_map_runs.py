"""Distributed Maps on a running engine: children of their own, counted once, and one outcome."""

from __future__ import annotations

import asyncio

import pytest
from desk import ME, Desk, until
from maps.over import FAIL_ODD, PASS, TASK, children, end_of, odd, over, the_run

from engine.errors import MapRunClosed
from engine.runtime.maps import drive
from engine.store.finding.filter import Filter
from engine.views import Ask, Outcome

both = pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])


@both
async def test_the_output_is_the_childrens_in_the_order_of_the_items(desk: Desk, kind):
    items = list(range(700))
    end = await end_of(desk, over(kind=kind), items)
    assert end.output.value == items
    run = await the_run(desk)
    assert (run.status, run.execution, run.state) == ("SUCCEEDED", "d:n", "M")
    for counts in (run.items, run.executions):
        assert (counts.succeeded, counts.total, counts.results_written) == (700, 700, 700)
        assert counts.pending == counts.running == counts.failed == 0


@both
async def test_no_items_are_no_children_and_an_empty_array(desk: Desk, kind):
    end = await end_of(desk, over(kind=kind), [])
    assert end.output.value == []
    assert (await the_run(desk)).executions.total == 0


@both
async def test_items_go_to_children_in_batches(desk: Desk, kind):
    batches = {"ItemBatcher": {"MaxItemsPerBatch": 3, "BatchInput": {"of": "three"}}}
    end = await end_of(desk, over(kind=kind, **batches), [1, 2, 3, 4])
    head = {"BatchInput": {"of": "three"}}
    assert end.output.value == [head | {"Items": [1, 2, 3]}, head | {"Items": [4]}]
    run = await the_run(desk)
    assert (run.items.succeeded, run.executions.succeeded) == (4, 2)


@both
async def test_an_item_selector_sees_each_item(desk: Desk, kind):
    selector = {"ItemSelector": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"}}
    end = await end_of(desk, over(kind=kind, **selector), ["a", "b"])
    assert end.output.value == [{"i": 0, "v": "a"}, {"i": 1, "v": "b"}]


@both
async def test_one_failed_item_fails_the_run_where_none_is_tolerated(desk: Desk, kind):
    states = over(FAIL_ODD, kind, MaxConcurrency=1)
    end = await end_of(desk, states, odd(0, 1, 2))
    assert end.error == "States.ExceedToleratedFailureThreshold"
    assert end.cause == "The specified tolerated failure threshold was exceeded"
    run = await the_run(desk)
    assert run.status == "FAILED"
    assert (run.items.succeeded, run.items.failed, run.items.pending) == (1, 1, 1)


@both
@pytest.mark.parametrize(
    "tolerance", [{"ToleratedFailureCount": 2}, {"ToleratedFailurePercentage": 50}]
)
async def test_a_tolerated_failure_is_told_of_whole_in_the_output(desk: Desk, kind, tolerance):
    end = await end_of(desk, over(FAIL_ODD, kind, **tolerance), odd(0, 1, 2, 3))
    first, second, third, fourth = end.output.value
    assert (first, third) == tuple(odd(0, 2))
    assert (second["Status"], second["Error"], second["Cause"]) == ("FAILED", "Odd", "It is.")
    assert second["Input"] == '{"n":1,"odd":true}'
    assert fourth["Status"] == "FAILED"
    assert (await the_run(desk)).items.failed == 2


async def test_more_than_the_tolerated_percentage_of_all_items_fails_the_run(desk: Desk):
    end = await end_of(desk, over(FAIL_ODD, ToleratedFailurePercentage=49), odd(0, 1, 2, 3))
    assert end.error == "States.ExceedToleratedFailureThreshold"


@both
async def test_outputs_beyond_the_payload_limit_fail_the_run_and_are_not_kept(desk: Desk, kind):
    shape = {"P": {"Type": "Pass", "Parameters": {"x": "y" * 1000}, "End": True}}
    end = await end_of(desk, over(shape, kind), list(range(400)))
    assert end.error == "States.DataLimitExceeded"
    assert not any(await desk.engine.redis.each_node("KEYS", "*:res"))


async def test_no_more_children_are_out_than_the_author_allows_and_it_can_be_changed(desk: Desk):
    await desk.publish(over(TASK, MaxConcurrency=2))
    await desk.start("n", {"items": list(range(9))})
    first = await desk.lease()
    second = await desk.lease()
    run = await the_run(desk)
    assert (run.executions.running, run.executions.pending) == (2, 7)
    assert await desk.lease(wait_ms=300) == []
    await desk.engine.map_runs.update(ME, run.id, concurrency_max=9, tolerated_count=5)
    tasks = [*first, *second, *[(await desk.lease())[0] for _ in range(7)]]
    assert (await the_run(desk)).concurrency_max == 9
    for task in tasks:
        await desk.succeed(task, {})
    assert (await desk.end("d:n")).status == "SUCCEEDED"
    with pytest.raises(MapRunClosed):
        await desk.engine.map_runs.update(ME, run.id, tolerated_count=1)


async def test_a_run_that_rests_follows_a_change_by_its_bell(desk: Desk, monkeypatch):
    monkeypatch.setattr(drive, "LOOK_SECONDS", (600.0, 600.0))  # it looks for nothing by itself
    await desk.publish(over(TASK, MaxConcurrency=1))
    await desk.start("n", {"items": [1, 2]})
    first = await desk.lease()
    assert await desk.lease(wait_ms=300) == []
    await desk.engine.map_runs.update(ME, (await the_run(desk)).id, concurrency_max=2)
    second = await desk.lease()
    for task in (*first, *second):
        await desk.succeed(task, {})
    assert (await desk.end("d:n")).status == "SUCCEEDED"


async def test_a_stop_ends_the_children_and_the_run(desk: Desk):
    await desk.publish(over(TASK))
    await desk.start("n", {"items": list(range(5))})
    for _ in range(5):
        await desk.lease()
    await desk.engine.commands.stop(ME, "d:n", None, None, 0)
    assert (await desk.end("d:n")).status == "ABORTED"
    while (run := await the_run(desk)).stopped_ms is None:
        await asyncio.sleep(0.02)
    assert (run.status, run.items.aborted, run.executions.aborted) == ("ABORTED", 5, 5)
    assert {child.status for child in await children(desk)} == {"ABORTED"}


async def test_a_stop_ends_express_children_too(desk: Desk):
    await desk.publish(over(TASK, "EXPRESS"))
    await desk.start("n", {"items": list(range(5))})
    for _ in range(5):
        await desk.lease()
    await desk.engine.commands.stop(ME, "d:n", None, None, 0)
    while (await the_run(desk)).stopped_ms is None:
        await asyncio.sleep(0.02)
    assert (await the_run(desk)).executions.aborted == 5
    await until(lambda: not desk.engine.express.remembered.running)


async def test_a_redrive_runs_again_only_what_has_not_succeeded(desk: Desk):
    await desk.publish(over(TASK, MaxConcurrency=3))
    await desk.start("n", {"items": ["a", "b", "c", "d"]})
    tasks = [(await desk.lease())[0] for _ in range(3)]
    await desk.succeed(tasks[0], tasks[0].input.value)
    for task in tasks[1:]:
        await fail(desk, task)
    if (await desk.describe("d:n")).status == "RUNNING":
        for task in await desk.lease(wait_ms=500):  # the fourth may have been started before
            await fail(desk, task)
    assert (await desk.end("d:n")).status == "FAILED"
    before = await the_run(desk)
    await desk.engine.commands.redrive(ME, "d:n", Ask(), version=None, data=None)
    seen = []
    for _ in range(3):
        [task] = await desk.lease()
        seen.append(task.input.value)
        await desk.succeed(task, task.input.value)
    end = await desk.end("d:n")
    assert end.output.value == ["a", "b", "c", "d"]
    assert sorted([*seen, tasks[0].input.value]) == ["a", "b", "c", "d"]
    run = await the_run(desk)
    assert (run.id, run.status, run.redrives) == (before.id, "SUCCEEDED", 1)
    assert (run.items.succeeded, run.items.failed, run.items.pending_redrive) == (4, 0, 0)
    assert "MapRunRedriven" in await desk.kinds("d:n")


async def test_a_redrive_makes_express_children_anew(desk: Desk):
    await desk.publish(over(TASK, "EXPRESS", MaxConcurrency=2))
    await desk.start("n", {"items": ["a", "b", "c"]})
    first, second = [(await desk.lease())[0] for _ in range(2)]
    await desk.succeed(first, first.input.value)
    await fail(desk, second)
    if (await desk.describe("d:n")).status == "RUNNING":
        for task in await desk.lease(wait_ms=500):
            await fail(desk, task)
    await desk.end("d:n")
    await desk.engine.commands.redrive(ME, "d:n", Ask(), version=None, data=None)
    for _ in range(2):
        [task] = await desk.lease()
        await desk.succeed(task, task.input.value)
    assert (await desk.end("d:n")).output.value == ["a", "b", "c"]


async def test_children_are_listed_by_their_run_and_not_among_their_parents(engines):
    desk = Desk(await engines(map_children_kept=3))
    await end_of(desk, over(FAIL_ODD, ToleratedFailureCount=9), odd(0, 2, 4, 6, 8, 1))
    assert len(await children(desk)) == 4  # those kept, and one that has failed
    [failed] = await children(desk, status="FAILED")
    view = await desk.describe(failed.id)
    assert (view.error, view.definition) == ("Odd", "d~L")
    assert "ExecutionFailed" in await desk.kinds(failed.id)
    page = await desk.engine.queries.listed(ME, Filter(definition="d"), limit=10, cursor=None)
    assert [each.id for each in page.executions] == ["d:n"]


async def test_a_distributed_map_inside_another_has_a_run_for_each_child(desk: Desk):
    inner = over(PASS)["M"]
    outer = over({"I": inner | {"Label": "I"}})
    end = await end_of(desk, outer, [{"items": [1, 2]}, {"items": [3]}])
    assert end.output.value == [[1, 2], [3]]


async def test_an_item_that_is_too_large_for_a_child_fails_alone(engines):
    desk = Desk(await engines(payload_bytes_max=2000))
    text = {"ItemSelector": {"v.$": "$$.Map.Item.Value", "more": "x" * 1990}}
    end = await end_of(desk, over(ToleratedFailureCount=1, **text), [1])
    [told] = end.output.value
    assert (told["Status"], told["Error"]) == ("FAILED", "States.DataLimitExceeded")
    assert ("Input" in told, told["InputDetails"]) == (False, {"Included": False})
    run = await the_run(desk)
    assert (run.items.failed, run.executions.failed) == (1, 1)


@both
async def test_the_form_none_tells_inputs_also_where_nothing_is_exported(desk: Desk, kind):
    whole = {"WriterConfig": {"Transformation": "NONE", "OutputType": "JSON"}}
    end = await end_of(desk, over(kind=kind, ResultWriter=whole), [{"n": 1}])
    [told] = end.output.value
    assert (told["Input"], told["Output"], told["Status"]) == ('{"n":1}', '{"n":1}', "SUCCEEDED")


@both
async def test_another_engine_goes_on_with_a_run_whose_driver_is_gone(engines, kind):
    first = Desk(await engines(drain_seconds=0.1))
    await first.publish(over(TASK, kind, MaxConcurrency=3))
    await first.start("n", {"items": list(range(1, 7))})
    held = [(await first.lease(lease_ms=500))[0] for _ in range(3)]
    for task in held[:2]:
        await first.succeed(task, task.input.value)
    second = Desk(await engines())
    await first.engine.stop()
    most = 0
    for _ in range(6 if kind == "EXPRESS" else 4):
        while (await second.describe("d:n")).status == "RUNNING":
            leased = await second.lease(wait_ms=200)
            most = max(most, (await the_run(second)).executions.running)
            if leased:
                await second.succeed(leased[0], leased[0].input.value)
                break
    end = await second.end("d:n")
    assert end.output.value == list(range(1, 7))
    run = await the_run(second)
    assert (run.executions.succeeded, run.executions.total) == (6, 6)
    assert most == 3


@both
async def test_an_engine_that_stops_hands_its_run_over_without_waiting_for_the_lease(engines, kind):
    for_long = {"lease_ms": 600_000}  # beyond any test's patience
    first = Desk(await engines(drain_seconds=5, **for_long))
    await first.publish(over(TASK, kind, MaxConcurrency=1))
    await first.start("n", {"items": ["a", "b"]})
    [task] = await first.lease()
    await first.succeed(task, "a")
    second = Desk(await engines(**for_long))
    await first.engine.stop()
    while (await second.describe("d:n")).status == "RUNNING":
        for task in await second.lease(wait_ms=200):
            await second.succeed(task, task.input.value)
    assert (await second.end("d:n")).output.value == ["a", "b"]


async def test_a_child_that_ended_while_nobody_drove_its_run_is_not_run_again(engines):
    first = Desk(await engines(map_children_kept=0, partitions=8))
    await first.publish(over(TASK, MaxConcurrency=3))
    await first.start("n", {"items": [1, 2, 3, 4]})
    held = [(await first.lease())[0] for _ in range(3)]
    first.engine.leave_map_runs()
    for task in held:
        await first.succeed(task, task.input.value)
    while any(await first.engine.redis.each_node("KEYS", "*:x:d~L:*")):
        await asyncio.sleep(0.01)  # each is unlinked by the commit that closes it
    second = Desk(await engines(map_children_kept=0, partitions=8))
    [last] = await second.lease()
    assert last.input.value == 4
    assert await second.lease(wait_ms=500) == []
    await second.succeed(last, 4)
    assert (await second.end("d:n")).output.value == [1, 2, 3, 4]


async def fail(desk: Desk, task) -> None:
    outcome = Outcome(task.token, error="E", cause="why", lease=task.lease)
    await desk.engine.commands.settle(ME, outcome)
