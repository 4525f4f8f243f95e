"""Signals: each once, kept until somebody waits, refused with the reason."""

import asyncio

import pytest
from world import LISTEN, PAY, RETENTION_MS, TWO, World

from engine.documents import Document
from engine.errors import ExecutionClosed, ExecutionNotFound, QuotaExceeded, TaskClosed


async def deliver(world, ref, number, name="go"):
    return await world.signals.deliver(ref, name, f"s{number}", Document.of(number))


async def test_a_signal_is_accepted_once_per_id_and_a_repeat_writes_nothing(world):
    ref = await world.start(states=LISTEN)
    assert await deliver(world, ref, 1) is True
    before = await world.snapshot()
    assert await deliver(world, ref, 1) is False
    assert await world.snapshot() == before
    answers = await asyncio.gather(*(deliver(world, ref, 2) for _ in range(10)))
    assert sorted(answers) == [False] * 9 + [True]


async def test_a_repeat_is_known_even_after_the_end_and_a_new_one_is_refused(world):
    ref = await world.start(states=LISTEN)
    await deliver(world, ref, 1)
    await world.advance(ref)
    assert await world.status(ref) == "SUCCEEDED"
    before = await world.snapshot()
    assert await deliver(world, ref, 1) is False
    with pytest.raises(ExecutionClosed) as refused:
        await deliver(world, ref, 2)
    assert refused.value.facts == {"execution_status": "SUCCEEDED"}
    assert await world.snapshot() == before


async def test_a_signal_to_no_execution_is_refused_and_leaves_no_key(world):
    with pytest.raises(ExecutionNotFound):
        await deliver(world, "default:d:never", 1)
    assert await world.names() == []


async def test_signals_before_the_wait_are_consumed_in_the_order_they_came(world):
    states = {
        "One": LISTEN["Ask"] | {"ResultPath": "$.one", "Next": "Two"},
        "Two": LISTEN["Ask"] | {"ResultPath": "$.two"},
    }
    del states["One"]["End"]
    ref = await world.start(states=states)
    for number in (1, 2, 3):
        await deliver(world, ref, number)
    await world.advance(ref)
    stored = await world.read(ref)
    assert stored.execution.output.value == {"one": 1, "two": 2}


async def test_the_inbox_has_a_quota_and_a_refused_signal_may_be_sent_again(redis):
    world = World(redis, inbox_max=3)
    ref = await world.start(states=PAY)
    for number in range(3):
        await deliver(world, ref, number)
    before = await world.snapshot()
    with pytest.raises(QuotaExceeded):
        await deliver(world, ref, 3)
    assert await world.snapshot() == before
    await world.advance(ref)
    assert await deliver(world, ref, 3) is True


async def test_kept_signals_have_a_quota_that_counts_those_in_the_inbox(redis):
    world = World(redis, buffered_max=3)
    ref = await world.start(states=PAY)
    await deliver(world, ref, 0, "later")
    await world.advance(ref)
    await deliver(world, ref, 1, "later")
    await deliver(world, ref, 2, "later")
    with pytest.raises(QuotaExceeded):
        await deliver(world, ref, 3, "later")


async def test_a_pruned_executions_signals_are_refused_as_closed(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    await world.pass_time(RETENTION_MS)
    await world.listing.prune(await world.now_ms(), 10, 60_000)
    with pytest.raises(ExecutionClosed):
        await deliver(world, ref, 1)
    with pytest.raises(ExecutionClosed):
        await world.signals.stop(ref, None, None, watch_ms=0)


async def test_control_events_have_a_bound(world):
    ref = await world.start()
    for _ in range(100):
        await world.signals.stop(ref, None, None, watch_ms=0)
    with pytest.raises(QuotaExceeded):
        await world.signals.stop(ref, None, None, watch_ms=0)
    await world.advance(ref)
    assert await world.status(ref) == "ABORTED"


async def test_of_a_stop_an_outcome_and_a_signal_at_once_exactly_one_ends_it(world):
    from world import address

    from engine.core.events import TaskSucceeded

    await world.publish(states=PAY)
    for number in range(10):
        ref = await world.start(f"n{number}")
        await world.advance(ref)
        [lease] = [one for one in await world.lease(ref) if one.ref == ref]
        event = TaskSucceeded(lease.row.frame, lease.row.revision, Document.of(1))
        told = await asyncio.gather(
            world.signals.stop(ref, None, None, watch_ms=0),
            world.tasks.settle(address(lease), event, lease=lease.lease),
            deliver(world, ref, 1),
            return_exceptions=True,
        )
        # The stop has come first: an outcome would not count any more, and is not accepted.
        assert isinstance(told[1], TaskClosed)
        assert told[1].facts["outcome"] == "ABORTED"
        await world.advance(ref)
        assert await world.status(ref) == "ABORTED"
        history = world.keys.of(ref).history
        from engine.store import codec

        records = await world.redis.call(history, "LRANGE", history, 0, -1)
        kinds = [codec.unpack_record(record).type for record in records]
        assert kinds[-1] == "ExecutionAborted"
        assert sum(kind in ("ExecutionAborted", "ExecutionSucceeded") for kind in kinds) == 1
