"""Timers: never early by Redis time, never twice, and harmless when they come too late."""

import asyncio

import pytest
from world import LISTEN, TWO, WAIT, address

from engine.core.events import TaskSucceeded
from engine.documents import Document
from engine.store.timers import Fired, Timer

MINUTE_MS = 60_000


async def test_a_timer_does_not_fire_before_its_time_whoever_asks_and_how_often(world):
    ref = await world.start(states=WAIT)
    await world.advance(ref)
    timer = await world.timer(ref, "due")
    assert timer.due_ms > await world.now_ms() + 50_000
    before = await world.snapshot()
    for told in (timer, Timer(1, timer.member)):  # an engine whose clock runs ahead
        assert await world.timers.fire(told) is None
    assert await world.snapshot() == before


async def test_a_due_timer_fires_once_and_its_wait_ends_not_early(world):
    ref = await world.start(states=WAIT)
    await world.advance(ref)
    timer = await world.timer(ref, "due")
    await world.pass_time(MINUTE_MS)
    answers = await asyncio.gather(*(world.timers.fire(timer) for _ in range(10)))
    assert [answer for answer in answers if answer is not None] == [Fired(ref)]
    await world.advance(ref)
    assert await world.status(ref) == "SUCCEEDED"
    assert world.keys.timers(world.keys.partition_of(ref)) not in await world.snapshot()


async def test_a_timer_of_what_is_over_or_gone_is_removed_and_wakes_nobody(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    key = world.keys.timers(world.keys.partition_of(ref))
    for member in (f"{ref}/0@1#due", f"{ref}/0@1#timeout", f"{ref}/@1#deadline"):
        await world.redis.call(key, "ZADD", key, 1, member)
        before = (await world.snapshot())[world.keys.of(ref).execution]
        assert await world.timers.fire(Timer(1, member)) is None
        after = await world.snapshot()
        assert after[world.keys.of(ref).execution] == before
        assert key not in after
        assert world.keys.of(ref).inbox not in after


async def test_a_stale_timer_of_a_running_execution_changes_nothing_of_it(world):
    ref = await world.start(states=WAIT)
    await world.advance(ref)
    key = world.keys.timers(world.keys.partition_of(ref))
    await world.redis.call(key, "ZADD", key, 1, f"{ref}/0@77#due")
    assert await world.timers.fire(Timer(1, f"{ref}/0@77#due")) == Fired(ref)
    before = (await world.read(ref)).execution.frames
    await world.advance(ref)
    stored = await world.read(ref)
    assert stored.execution.frames == before
    assert (await world.timer(ref, "due")).due_ms == before["0"].hold.due_ms


async def test_the_machines_deadline_ends_the_execution_before_what_waits_in_the_inbox(world):
    ref = await world.start(states=LISTEN, TimeoutSeconds=60)
    await world.advance(ref)
    await world.signals.deliver(ref, "other", "1", Document.of(1))
    timer = await world.timer(ref, "deadline")
    await world.pass_time(MINUTE_MS)
    assert await world.timers.fire(timer) == Fired(ref)
    await world.advance(ref)
    assert await world.status(ref) == "TIMED_OUT"


@pytest.mark.parametrize("first", ["signal", "timeout"])
async def test_of_a_signal_and_its_waits_time_out_the_first_wins_and_no_signal_is_lost(
    world, first
):
    states = {
        "Ask": LISTEN["Ask"] | {"TimeoutSeconds": 60, "Next": "Again"} | {"Catch": []},
        "Again": LISTEN["Ask"],
    }
    del states["Ask"]["End"]
    states["Ask"]["Catch"] = [
        {"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": "Again"}
    ]
    ref = await world.start(states=states)
    await world.advance(ref)
    timer = await world.timer(ref, "timeout")
    await world.pass_time(MINUTE_MS)
    deeds = [
        lambda: world.signals.deliver(ref, "go", "1", Document.of("kept")),
        lambda: world.timers.fire(timer),
    ]
    for deed in deeds if first == "signal" else reversed(deeds):
        await deed()
    await world.advance(ref)
    stored = await world.read(ref)
    if first == "signal":
        assert stored.execution.frames["0"].state == "Again"
        assert stored.execution.frames["0"].input.value == "kept"
    else:
        assert (stored.execution.status, stored.execution.output.value) == ("SUCCEEDED", "kept")


async def test_a_tasks_time_out_takes_it_out_of_its_queue(world):
    states = {
        "Pay": {"Type": "Task", "Resource": "activity:pay", "TimeoutSeconds": 60, "End": True}
    }
    ref = await world.start(states=states)
    await world.advance(ref)
    await world.pass_time(MINUTE_MS)
    assert await world.timers.fire(await world.timer(ref, "timeout")) == Fired(ref)
    assert await world.lease(ref) == []
    assert await world.queues() == []
    await world.advance(ref)
    assert (await world.read(ref)).execution.error == "States.Timeout"


async def test_an_outcome_of_an_earlier_attempt_leaves_the_next_one_alone(world):
    states = {
        "Pay": {
            "Type": "Task",
            "Resource": "activity:pay",
            "TimeoutSeconds": 60,
            "Retry": [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1}],
            "End": True,
        }
    }
    ref = await world.start(states=states)
    await world.advance(ref)
    [first] = await world.lease(ref)
    await world.pass_time(MINUTE_MS)
    await world.timers.fire(await world.timer(ref, "timeout"))
    await world.advance(ref)
    await world.pass_time(1000)
    await world.timers.fire(await world.timer(ref, "due"))
    await world.advance(ref)
    [second] = await world.lease(ref)
    assert (first.row.attempt, second.row.attempt) == (1, 2)
    assert second.row.idempotency_key == first.row.idempotency_key
    event = TaskSucceeded(first.row.frame, first.row.revision, Document.of("late"))
    from engine.errors import TaskClosed

    with pytest.raises(TaskClosed):
        await world.tasks.settle(address(first), event, lease=first.lease)
    event = TaskSucceeded(second.row.frame, second.row.revision, Document.of("second"))
    await world.tasks.settle(address(second), event, lease=second.lease)
    await world.advance(ref)
    assert (await world.read(ref)).execution.output.value == "second"


async def test_due_timers_are_read_earliest_first_and_their_times_are_whole_milliseconds(world):
    refs = [await world.start(f"n{number}", states=WAIT) for number in range(12)]
    for ref in refs:
        await world.advance(ref)
    for partition in range(4):
        found = await world.timers.upcoming(partition, 2**52, 100)
        assert found == sorted(found)
        key = world.keys.timers(partition)
        raw = await world.redis.call(key, "ZRANGE", key, 0, -1, "WITHSCORES")
        assert [str(timer.due_ms).encode() for timer in found] == raw[1::2]
        assert await world.timers.upcoming(partition, await world.now_ms(), 100) == []
