"""One execution and one version: what it keeps, what it gives up, and when it stays."""

from __future__ import annotations

import asyncio

from desk import ME

from engine.documents import Document
from engine.store.codec import unpack_frame

END = {"Type": "Succeed"}


def task(queue="pay", **more):
    return {"Type": "Task", "Resource": f"activity:{queue}", "Next": "Done", **more}


def signal(name="go", **more):
    return {"Type": "Task", "Resource": f"signal:{name}", "Next": "Done", **more}


async def parked(desk, states, state, given=None, name="n", **top):
    """An execution of version 1 that rests in a state."""
    await desk.publish(states, **top)
    execution = await desk.start(name, given)

    await until_async(lambda: rests(desk, execution, state))
    return execution


async def test_a_task_that_is_out_keeps_its_token_in_a_state_of_another_name(desk):
    execution = await parked(desk, {"A": task(), "Done": END}, "A")
    [held] = await desk.lease()
    await desk.publish({"B": task(), "Done": END})
    assert await desk.move(execution, 2, mapping={"A": "B"}, explicit=()) == ("moved", None)
    assert await desk.at(execution) == {"0": "B"}
    await desk.succeed(held, {"paid": True})
    view = await desk.end(execution)
    assert (view.version, view.output.value) == (2, {"paid": True})
    assert "TaskStateExited" in await desk.kinds(execution)


async def test_a_state_that_is_gone_blocks_and_nothing_changes(desk):
    execution = await parked(desk, {"A": task(), "Done": END}, "A")
    before = await desk.describe(execution)
    await desk.publish({"B": task(), "Done": END})
    assert await desk.move(execution, 2) == ("blocked", "state_removed")
    after = await desk.describe(execution)
    assert (after.version, after.frames, after.tasks) == (1, before.frames, before.tasks)
    assert "ExecutionMigrated" not in await desk.kinds(execution)


async def test_a_wait_keeps_its_due_time(desk):
    wait = {"Type": "Wait", "Seconds": 3600, "Next": "Done"}
    execution = await parked(desk, {"A": wait, "Done": END}, "A")
    [timer] = (await desk.describe(execution)).timers
    await desk.publish({"A": {**wait, "Seconds": 10}, "Done": END})
    assert (await desk.move(execution, 2))[0] == "moved"
    assert (await desk.describe(execution)).timers == [timer]


async def test_what_cannot_be_kept_is_given_up_only_where_the_mapping_names_the_state(desk):
    execution = await parked(desk, {"A": task(), "Done": END}, "A", {"n": 1})
    await desk.publish({"A": signal(), "Done": END})
    assert await desk.move(execution, 2) == ("blocked", "kind_differs")
    assert (await desk.move(execution, 2, mapping={"A": "A"}))[0] == "moved"
    await until_async(lambda: listens(desk, execution))
    assert await desk.lease(wait_ms=0) == []  # the task was taken back
    await desk.engine.commands.signal(ME, execution, "go", Document.of({"n": 2}), None)
    assert (await desk.end(execution)).output.value == {"n": 2}


async def test_an_execution_is_sent_back_to_an_earlier_state_with_its_data(desk):
    states = {"A": task("first", Next="B"), "B": signal(), "Done": END}
    execution = await parked(desk, states, "A", {"n": 1})
    [first] = await desk.lease("first")
    await desk.succeed(first, {"n": 2})
    await until_async(lambda: rests(desk, execution, "B"))
    await desk.publish({"A": task("first"), "Done": END})
    assert (await desk.move(execution, 2, mapping={"B": "A"}))[0] == "moved"
    [again] = await desk.lease("first")
    assert again.input.value == {"n": 2}
    await desk.succeed(again, {"n": 3})
    assert (await desk.end(execution)).output.value == {"n": 3}


async def test_a_subscription_follows_the_new_name_of_its_signal_and_finds_what_is_kept(desk):
    execution = await parked(desk, {"A": signal("old"), "Done": END}, "A")
    await desk.engine.commands.signal(ME, execution, "new", Document.of("early"), None)
    await desk.publish({"A": signal("new"), "Done": END})
    assert (await desk.move(execution, 2))[0] == "moved"
    assert (await desk.end(execution)).output.value == "early"


async def test_finished_items_of_a_map_stay_and_the_others_go_on_in_the_new_version(desk):
    def mapping(inner):
        processor = {"StartAt": inner, "States": {inner: {**task(), "End": True}}}
        del processor["States"][inner]["Next"]
        return {"M": {"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": processor, "End": True}}

    execution = await parked(desk, mapping("X"), "M", [1, 2, 3, 4])
    held = []
    while len(held) < 2:
        held += await desk.lease(most=2)
    await desk.succeed(held[0], "one")
    await until_async(lambda: has_frame(desk, execution, "0/2"))
    await desk.publish(mapping("Y"))
    assert await desk.move(execution, 2) == ("blocked", "state_removed")
    assert (await desk.move(execution, 2, mapping={"X": "Y"}, explicit=()))[0] == "moved"
    await desk.succeed(held[1], "two")
    for _ in range(2):
        [more] = await desk.lease()
        assert more.state in {"X", "Y"}
        await desk.succeed(more, more.input.value)
    view = await desk.end(execution)
    assert sorted(map(str, view.output.value)) == ["3", "4", "one", "two"]


async def test_a_parallel_with_another_number_of_branches_blocks_or_begins_anew(desk):
    def parallel(count):
        names = [f"B{n}" for n in range(count)]
        branches = [
            {
                "StartAt": name,
                "States": {name: {"Type": "Task", "Resource": "activity:pay", "End": True}},
            }
            for name in names
        ]
        return {"P": {"Type": "Parallel", "Branches": branches, "End": True}}

    execution = await parked(desk, parallel(2), "P")
    await until_async(lambda: has_frame(desk, execution, "0/1"))
    await desk.publish(parallel(3))
    assert await desk.move(execution, 2) == ("blocked", "branches_differ")
    assert (await desk.move(execution, 2, mapping={"P": "P"}))[0] == "moved"
    done = 0
    while done < 3:
        for held in await desk.lease(most=3):
            await desk.succeed(held, done)
            done += 1
    assert len((await desk.end(execution)).output.value) == 3


async def test_rolling_back_restores_states_and_the_very_bytes_of_the_data(desk):
    odd = {"n": 1.0, "text": "é"}
    execution = await parked(desk, {"A": task(), "Done": END}, "A", odd)
    before = await desk.describe(execution)
    await desk.publish({"B": task(), "Done": END})
    data = "$merge([$states.input, {'more': 1}])"
    assert (await desk.move(execution, 2, mapping={"A": "B"}, explicit=(), data=data))[0] == "moved"
    moved = await desk.describe(execution)
    assert moved.frames[0].input.value == {**odd, "more": 1}
    assert (await desk.move(execution, 0, back=desk.last_operation))[0] == "moved"
    after = await desk.describe(execution)
    assert after.version == 1
    assert after.frames == before.frames
    assert after.frames[0].input.text == before.frames[0].input.text
    assert after.tasks == before.tasks


async def test_one_that_has_used_its_new_data_is_not_rolled_back(desk):
    states = {"A": signal(Next="C"), "C": signal("more"), "Done": END}
    execution = await parked(desk, states, "A", {"n": 1})
    await desk.publish({**states, "A": signal(Next="C", ResultPath="$.r")})
    assert (await desk.move(execution, 2, data="{'n': 2}"))[0] == "moved"
    migration = desk.last_operation
    await desk.engine.commands.signal(ME, execution, "go", Document.of(1), None)
    await until_async(lambda: rests(desk, execution, "C"))
    assert await desk.move(execution, 0, back=migration) == ("blocked", "moved_on")


async def test_an_expression_that_fails_leaves_everything_as_it_is(desk):
    execution = await parked(desk, {"A": task(), "Done": END}, "A", {"n": 1})
    before = await desk.describe(execution)
    await desk.publish({"A": task(), "Done": END}, Comment="new")
    assert await desk.move(execution, 2, data="$error('no')") == ("blocked", "data_failed")
    after = await desk.describe(execution)
    assert (after.version, after.frames, after.tasks) == (1, before.frames, before.tasks)


async def test_very_many_strands_are_moved_in_several_transitions(desk):
    def wide(inner):
        processor = {
            "StartAt": inner,
            "States": {inner: {"Type": "Task", "Resource": "signal:never", "End": True}},
        }
        return {
            "M": {"Type": "Map", "MaxConcurrency": 350, "ItemProcessor": processor, "End": True}
        }

    execution = await parked(desk, wide("X"), "M", list(range(350)))
    keys = desk.engine.commands._executions._keys.of(f"default:{execution}")

    async def fields():
        return await desk.engine.redis.call(keys.execution, "HLEN", keys.execution) > 355

    await until_async(fields)
    await desk.publish(wide("Y"))
    assert (await desk.move(execution, 2, mapping={"X": "Y"}, explicit=()))[0] == "moved"
    reply = await desk.engine.redis.call(keys.execution, "HGETALL", keys.execution)
    frames = [
        unpack_frame(value)
        for name, value in zip(reply[::2], reply[1::2], strict=True)
        if name.startswith(b"f:0/")
    ]
    assert len(frames) == 350
    assert {frame.state for frame in frames} == {"Y"}
    assert (await desk.describe(execution)).version == 2


async def test_the_deadline_is_that_of_the_new_version(desk):
    execution = await parked(desk, {"A": signal(), "Done": END}, "A", TimeoutSeconds=3600)
    await desk.publish({"A": signal(), "Done": END}, TimeoutSeconds=1)
    assert (await desk.move(execution, 2))[0] == "moved"
    assert (await desk.end(execution)).status == "TIMED_OUT"


async def test_history_tells_who_moved_it_from_where_to_where(desk):
    execution = await parked(desk, {"A": signal(), "Done": END}, "A")
    await desk.publish({"B": signal(), "Done": END})
    await desk.move(execution, 2, mapping={"A": "B"}, explicit=())
    page = await desk.engine.queries.history(ME, execution, after=None, limit=100, descending=False)
    [event] = [event for event in page.events if event["type"] == "ExecutionMigrated"]
    assert event["executionMigratedEventDetails"] == {
        "fromVersion": 1,
        "toVersion": 2,
        "by": "tester",
        "migration": desk.last_operation,
        "moved": {"A": "B"},
    }


# Ways to wait


async def until_async(holds):
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.01)


async def rests(desk, execution, state):
    return (await desk.at(execution)).get("0") == state


async def has_frame(desk, execution, frame):
    view = await desk.describe(execution)
    return any(each.frame == frame and each.waiting for each in view.frames)


async def listens(desk, execution):
    return bool((await desk.describe(execution)).waiting_signals)
