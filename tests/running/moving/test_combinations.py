"""Moving together with what else happens to executions: pauses, orders, loops, other migrations at the same time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from desk import ME

from api.rest.operations import bulk
from api.rest.operations.bulk import BulkBody, BulkSelection
from engine.commands.migrations import MigrationWish
from engine.documents import Document
from engine.errors import InvalidRequest
from engine.runtime.bulk.asked import Asked, Wanted
from engine.views import Ask

END = {"Type": "Succeed"}


async def test_one_that_kept_its_state_goes_back_to_it_though_another_was_moved_there(desk):
    first = await parked(desk, {"A": signal("a", Next="B"), "B": signal("b"), "Done": END}, "A")
    second = await desk.start("second")
    await sent(desk, second, "a")
    await until_async(lambda: rests(desk, second, "B"))
    await desk.publish({"B": signal("b"), "Done": END})
    for execution, state in ((first, "A"), (second, "B")):
        assert (await desk.move(execution, 2, mapping={"A": "B"}, explicit=()))[0] == "moved"
        assert (await desk.move(execution, 0, back=desk.last_operation))[0] == "moved"
        assert await desk.at(execution) == {"0": state}


async def test_data_is_not_put_back_once_a_loop_has_come_to_the_same_state_again(desk):
    execution = await parked(desk, {"A": signal("a"), "Done": END}, "A", {"n": 1})
    stops = {"Variable": "$.stop", "IsPresent": True, "Next": "Done"}
    again = {"Type": "Choice", "Choices": [stops], "Default": "B"}
    work = {"Type": "Task", "Resource": "activity:pay", "Next": "Again"}
    await desk.publish({"B": work, "Again": again, "Done": END})
    assert (await desk.move(execution, 2, mapping={"A": "B"}, data="{'n': 2}"))[0] == "moved"
    migration = desk.last_operation
    [task] = await desk.lease()
    await desk.succeed(task, {"paid": 1})
    [second] = await desk.lease()
    assert second.input.value == {"paid": 1}
    assert await desk.move(execution, 0, back=migration) == ("blocked", "moved_on")


async def test_data_that_an_operator_has_set_since_is_not_replaced_when_a_migration_is_taken_back(
    desk,
):
    execution = await parked(desk, {"A": signal("a"), "Done": END}, "A", {"n": 1})
    await desk.publish({"A": signal("b"), "Done": END})
    assert (await desk.move(execution, 2, data="{'n': 2}"))[0] == "moved"
    migration = desk.last_operation
    await desk.engine.commands.set_data(
        ME, execution, Ask(wait_ms=20_000), frame="0", data=Document.of({"n": 3})
    )
    assert await desk.move(execution, 0, back=migration) == ("blocked", "moved_on")
    assert (await desk.describe(execution)).frames[0].input.value == {"n": 3}


async def test_a_paused_execution_of_very_many_strands_is_moved_whole(desk):
    execution = await crowded_and_paused(desk, wide("X"))
    await desk.publish(wide("Y"))
    assert (await desk.move(execution, 2, mapping={"X": "Y"}, explicit=()))[0] == "moved"
    view = await desk.describe(execution)
    assert (view.version, view.paused is not None) == (2, True)


async def test_verdicts_can_be_listed_of_executions_that_are_named(desk):
    named = [await parked(desk, {"A": signal(), "Done": END}, "A", name=n) for n in "abc"]
    await desk.start("other")
    await desk.publish({"B": signal(), "Done": END})
    wish = MigrationWish(wanted=Wanted(definition="d", ids=("a", "b", "c", "nobody")))
    found, cursor = [], None
    while True:
        page = await desk.engine.operations.migration_verdicts(
            ME, wish, outcome=None, limit=2, cursor=cursor
        )
        found += [verdict.id for verdict in page.executions]
        cursor = page.next
        if cursor is None:
            break
    assert found == named


async def test_executions_that_are_named_are_told_at_the_rate_too(desk):
    for name in "abc":
        await parked(desk, {"A": signal(), "Done": END}, "A", name=name)
    await desk.publish({"A": signal("other"), "Done": END})
    wanted = Wanted(definition="d", ids=("a", "b", "c"))
    begun = await desk.engine.operations.migrate(ME, MigrationWish(wanted=wanted, rate=0.001), None)

    async def is_one_moved():
        view = await desk.engine.operations.operation(ME, begun.id)
        return view.answers.get("moved", 0) > 0

    await until_async(is_one_moved)
    view = await desk.engine.operations.steer(ME, begun.id, "CANCELLED")
    assert (view.told, view.answers) == (1, {"moved": 1})


async def test_an_expression_that_was_only_held_up_is_evaluated_again(desk):
    execution = await parked(desk, {"A": signal(), "Done": END}, "A", {"n": 1})
    await desk.publish({"A": signal("other"), "Done": END})
    times = iter((0.0, 1.0))  # the process gets no time in the midst of the first evaluation
    desk.engine._advancer._deciding._clock = SimpleNamespace(monotonic=lambda: next(times, 1.0))
    assert await desk.move(execution, 2, data="{'n': 2}") == ("moved", None)
    assert (await desk.describe(execution)).frames[0].input.value == {"n": 2}


async def test_a_mapping_is_not_applied_to_one_that_has_come_to_another_version_meanwhile(desk):
    states = {"A": signal("a", Next="B"), "B": signal("b"), "Done": END}
    execution = await parked(desk, states, "A")
    await desk.publish({**states, "A": signal("a", Next="B", Comment="second")})
    await desk.publish({**states, "A": signal("a", Next="B", Comment="third")})
    assert (await desk.move(execution, 2, mapping={"A": "B"}, origin=1))[0] == "moved"
    late = await desk.move(execution, 3, mapping={"B": "A"}, origin=1)
    assert late == ("blocked", "version_changed")
    assert await desk.at(execution) == {"0": "B"}


async def test_one_that_was_sent_to_a_state_arrives_at_what_that_is_mapped_to(desk):
    execution = await crowded_and_paused(desk, wide("X", "Old"))
    await desk.engine.commands.goto(
        ME, execution, Ask(wait_ms=20_000), frame="0", state="Old", data=None
    )
    await desk.publish(wide("X", "New"))
    assert (await desk.move(execution, 2, mapping={"Old": "New"}, explicit=()))[0] == "moved"
    await desk.engine.commands.resume(ME, execution, Ask(wait_ms=20_000))
    await until_async(lambda: rests(desk, execution, "New"))


@pytest.mark.parametrize("version", [2, 7])
async def test_many_are_not_redriven_onto_a_version_that_has_nothing_to_go_on_with(desk, version):
    await desk.publish({"A": {"Type": "Fail", "Error": "E"}})
    execution = await desk.start("n")
    await desk.end(execution)
    await desk.publish({"Z": END})
    wanted = Wanted(definition="d", status="FAILED")
    asked = Asked(kind="redrive", wanted=wanted, by="tester", given={"version": version})
    begun = await desk.engine.operations.begin(ME, asked, None)
    await until_async(lambda: is_over(desk, begun.id))
    assert (await desk.engine.operations.operation(ME, begun.id)).answers == {"refused": 1}
    assert (await desk.describe(execution)).status == "FAILED"


async def test_taking_a_migration_back_that_is_not_over_stops_it(desk):
    for name in "abc":
        await parked(desk, {"A": signal(), "Done": END}, "A", name=name)
    await desk.publish({"A": signal("other"), "Done": END})
    slow = MigrationWish(wanted=Wanted(definition="d"), rate=0.001)
    begun = await desk.engine.operations.migrate(ME, slow, None)
    back = await desk.engine.operations.roll_back(
        ME, begun.id, reason=None, rate=None, percent=None
    )
    await until_async(lambda: is_over(desk, back.id))
    assert (await desk.engine.operations.operation(ME, begun.id)).status == "CANCELLED"


async def test_one_whose_history_a_version_could_not_keep_stays_where_it_is(desk_with):
    desk = await desk_with(history_records_max=100)
    many = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(60)}
    states = {**many, "S60": signal(), "Done": END}
    execution = await parked(desk, states, "S60", Detent={"HistoryRecords": 100})
    await desk.publish({**states, "S60": signal("other")})
    wish = MigrationWish(wanted=Wanted(definition="d"))
    plan = await desk.engine.operations.plan_migration(ME, wish)
    assert (plan.blocked, plan.positions[0].reason) == (1, "history_full")
    assert await desk.move(execution, 2) == ("blocked", "history_full")
    await sent(desk, execution, "go")
    assert (await desk.end(execution)).status == "SUCCEEDED"


@pytest.mark.parametrize("status", ["DONE", "CANCELLED"])
async def test_an_operation_that_has_ended_is_forgotten_some_day(desk, status):
    await parked(desk, {"A": signal(), "Done": END}, "A")
    await desk.publish({"A": signal("other"), "Done": END})
    rate = 0.001 if status == "CANCELLED" else None
    wish = MigrationWish(wanted=Wanted(definition="d"), rate=rate)
    begun = await desk.engine.operations.migrate(ME, wish, None)

    async def is_moved():
        return (await desk.engine.operations.operation(ME, begun.id)).answers == {"moved": 1}

    await until_async(is_moved)
    if status == "CANCELLED":
        await desk.engine.operations.steer(ME, begun.id, "CANCELLED")
    else:
        await until_async(lambda: is_over(desk, begun.id))
    redis = desk.engine.redis
    found = await redis.each_node("KEYS", f"*{begun.id}")
    keys = [key.decode() for keys in found for key in keys]
    assert len(keys) == 2
    assert all([await redis.call(key, "PTTL", key) > 0 for key in keys])
    await redis.call(keys[0], "UNLINK", *keys[:1])
    await redis.call(keys[1], "UNLINK", *keys[1:])
    assert (await desk.engine.operations.operations(ME, 10, None)).operations == []


async def test_an_order_to_many_is_not_kept_waiting_by_slow_migrations(desk):
    execution = await parked(desk, {"A": signal(), "Done": END}, "A")
    await desk.start("other")
    await desk.publish({"B": signal(), "Done": END})
    slow = MigrationWish(wanted=Wanted(definition="d"), propose=False, rate=0.001)
    for _ in range(8):
        await desk.engine.operations.migrate(ME, slow, None)
    asked = Asked(kind="pause", wanted=Wanted(definition="d"), by="tester")
    begun = await desk.engine.operations.begin(ME, asked, None)
    await until_async(lambda: is_over(desk, begun.id))
    assert (await desk.describe(execution)).paused


@pytest.mark.parametrize("filter_", [{"status": "FAILED"}, {"error": "E"}])
def test_an_order_for_running_executions_refuses_a_filter_for_closed_ones(filter_):
    body = BulkBody(verb="pause", filter=BulkSelection(**filter_))
    with pytest.raises(InvalidRequest):
        bulk._given(body)


# Ways to wait


def signal(name="go", **more):
    return {"Type": "Task", "Resource": f"signal:{name}", "Next": "Done", **more}


def wide(inner, last="Last"):
    """A Map of many iterations that wait, and a state that waits after it."""
    state = {"Type": "Task", "Resource": "signal:never", "End": True}
    many = {"StartAt": inner, "States": {inner: state}}
    whole = {"Type": "Map", "MaxConcurrency": 250, "ItemProcessor": many, "Next": last}
    return {"M": whole, last: signal("last"), "Done": END}


async def crowded_and_paused(desk, states):
    """A paused execution of 250 strands."""
    execution = await parked(desk, states, "M", list(range(250)))
    keys = desk.engine.commands._executions._keys.of(f"default:{execution}")

    async def is_full():
        return await desk.engine.redis.call(keys.execution, "HLEN", keys.execution) > 255

    await until_async(is_full)
    await desk.engine.commands.pause(ME, execution, Ask(wait_ms=20_000), mode="hold")
    return execution


async def until_async(holds):
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.01)


async def parked(desk, states, state, given=None, name="n", **top):
    """An execution of the version published here that rests in a state."""
    await desk.publish(states, **top)
    execution = await desk.start(name, given)
    await until_async(lambda: rests(desk, execution, state))
    return execution


async def rests(desk, execution, state):
    return (await desk.at(execution)).get("0") == state


async def sent(desk, execution, name, payload=None):
    await desk.engine.commands.signal(ME, execution, name, Document.of(payload), None)


async def is_over(desk, operation):
    return (await desk.engine.operations.operation(ME, operation)).status == "DONE"
