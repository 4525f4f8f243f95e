"""Commits: all of it or none, once per revision, by the holder alone."""

import asyncio

import pytest
from world import LEASE_MS, LISTEN, PARTITIONS, PAY, RETENTION_MS, TIMED, TWO, WAIT, World, address

from engine.core.events import TaskSucceeded
from engine.documents import Document
from engine.errors import StaleCommit
from engine.store import codec
from engine.store.commits.answers import ClockAhead


async def settle(world, lease, output=1):
    event = TaskSucceeded(lease.row.frame, lease.row.revision, Document.of(output))
    await world.tasks.settle(address(lease), event, lease=lease.lease)


async def test_a_commit_under_another_nonce_is_stale_and_writes_nothing(world):
    ref = await world.start(states=TWO)
    first = await world.claim(ref, "first")
    await world.pass_time(LEASE_MS)
    await world.claim(ref, "second")
    before = await world.snapshot()
    with pytest.raises(StaleCommit) as refused:
        await world.step(first)
    assert refused.value.facts == {"revision": "0", "nonce": "second"}
    assert await world.snapshot() == before


async def test_a_second_commit_of_a_revision_is_stale_and_writes_nothing(world):
    ref = await world.start(states=TIMED)
    claim = await world.claim(ref)
    _, commit = await world.prepare(claim)
    await world.executions.commit(claim, commit)
    before = await world.snapshot()
    with pytest.raises(StaleCommit):
        await world.executions.commit(claim, commit)
    assert await world.snapshot() == before


async def test_of_twenty_commits_of_one_revision_exactly_one_is_written(world):
    ref = await world.start(states=TWO)
    claim = await world.claim(ref)
    _, commit = await world.prepare(claim)
    answers = await asyncio.gather(
        *(world.executions.commit(claim, commit) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(a, StaleCommit) for a in answers) == 19
    history = world.keys.of(ref).history
    records = await world.redis.call(history, "LRANGE", history, 0, -1)
    numbers = [codec.unpack_record(record).id for record in records]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_commit_dated_ahead_of_redis_time_is_refused_and_writes_nothing(world):
    ref = await world.start(states=TWO)
    claim = await world.claim(ref)
    before = await world.snapshot()
    now_ms = await world.now_ms()
    with pytest.raises(ClockAhead) as refused:
        await world.step(claim, now_ms=now_ms + 60_000)
    assert now_ms <= refused.value.now_ms < now_ms + 60_000
    assert await world.snapshot() == before
    await world.step(claim)


async def test_a_commit_writes_the_task_its_timers_and_its_queue_with_the_checkpoint(world):
    ref = await world.start(states=TIMED)
    await world.advance(ref)
    partition = world.keys.partition_of(ref)
    seen = await world.snapshot()
    task = f"{ref}/0@{(await world.read(ref)).execution.frames['0'].hold.revision}".encode()
    assert task in seen[world.keys.tasks(partition)][1]
    assert seen[world.keys.queue(partition, "default", "pay")][1][0] == task
    assert seen[world.keys.queues(partition)][1] == [b"default:pay"]
    assert seen[world.keys.timers(partition)][1][0] == task + b"#timeout"
    resting = world.keys.resting(partition, "default", "d", "Pay")
    assert seen[resting][1][0] == b"d:n"
    assert world.keys.ready(partition) not in seen


async def test_a_commit_that_closes_moves_indexes_counts_down_and_sets_the_retention(world):
    ref = await world.start(states=TIMED)
    await world.advance(ref)
    [lease] = await world.lease(ref)
    await settle(world, lease)
    await world.advance(ref)
    partition, seen = world.keys.partition_of(ref), await world.snapshot()
    keys = world.keys
    for gone in (
        keys.ready(partition),
        keys.timers(partition),
        keys.tasks(partition),
        keys.leases(partition),
        keys.queues(partition),
        keys.queue(partition, "default", "pay"),
        keys.index(partition, "default", "d", "RUNNING"),
        keys.resting(partition, "default", "d", "Pay"),
        keys.of(ref).inbox,
        keys.of(ref).values,
    ):
        assert gone not in seen, gone
    assert seen[keys.open(partition, "default")][1] == b"0"
    fields = seen[keys.of(ref).execution][1]
    started, stopped = fields[b"started"], int(fields[b"stopped"])
    assert fields[b"status"] == b"SUCCEEDED"
    assert seen[keys.index(partition, "default", "d", "SUCCEEDED")][1] == [b"d:n", started]
    assert seen[keys.closed(partition)][1] == [ref.encode(), b"%d" % (stopped + RETENTION_MS)]


async def test_a_stop_takes_task_lease_and_timers_back_in_the_commit_that_drops_the_frame(world):
    ref = await world.start(states=TIMED)
    await world.advance(ref)
    await world.lease(ref)
    await world.signals.stop(ref, None, None, watch_ms=0)
    await world.advance(ref)
    partition, seen = world.keys.partition_of(ref), await world.snapshot()
    for name in ("timers", "tasks", "leases", "queues", "ready"):
        assert f"{world.keys.tag(partition)}:{name}" not in seen


async def test_what_comes_in_while_a_commit_is_made_is_kept_and_prevents_the_release(world):
    ref = await world.start(states={"A": {"Type": "Pass", "Next": "Ask"}} | LISTEN)
    claim = await world.claim(ref)
    await world.step(claim, release=False)
    assert claim.execution.ready
    await world.signals.deliver(ref, "other", "1", Document.of(1))
    committed = await world.step(claim, release=True)
    assert not committed.released
    await world.signals.deliver(ref, "go", "2", Document.of(2))  # arrives before the next commit
    committed = await world.step(claim)  # consumes "other" alone
    assert not committed.released
    assert [codec.unpack_entry(entry).id for entry in committed.entries] == ["2"]
    while not (await world.step(claim)).released:
        pass
    stored = await world.read(ref)
    assert (stored.execution.status, stored.execution.output.value) == ("SUCCEEDED", 2)


async def test_an_idle_holder_lets_go_and_is_kept_only_if_something_came_in(world):
    ref = await world.start()
    await world.advance(ref)
    await world.signals.deliver(ref, "other", "1", Document.of(1))
    claim = await world.claim(ref)
    claim.entries = []  # as if it had come in just now
    commit = world.executions.commits.touch(claim)
    committed = await world.executions.commit(claim, commit)
    assert (committed.released, len(committed.entries)) == (False, 1)


async def test_a_release_by_commit_leaves_no_execution_in_the_ready_set(world):
    ref = await world.start(states=WAIT)
    await world.advance(ref)
    partition = world.keys.partition_of(ref)
    assert await world.executions.due(partition, 2**52, 10) == []
    timer = await world.timer(ref, "due")
    assert timer.member.startswith(f"{ref}/0@")


async def test_signals_nobody_waited_for_survive_the_end_and_others_values_do_not(world):
    ref = await world.start("kept")
    other = await world.start("spent")
    await world.signals.deliver(ref, "late", "1", Document.of({"x": 1}))
    for one in (ref, other):
        await world.advance(one)
    for one in (ref, other):
        for lease in await world.lease(one):
            await settle(world, lease)
    for one in (ref, other):
        if await world.status(one) == "RUNNING":
            await world.advance(one)
    kept = await world.listing.values(ref, ["s:late:0"])
    assert kept[0].value["payload"] == {"x": 1}
    assert world.keys.of(other).values not in await world.snapshot()


async def test_two_hundred_executions_leave_no_trace_but_their_own(world):
    """Every open count, index and set of the partitions adds up at the end."""
    await world.publish(states=TWO)
    refs = [f"default:d:n{number}" for number in range(200)]
    await asyncio.gather(*(world.create(ref.rpartition(":")[2]) for ref in refs))
    await asyncio.gather(*(world.advance(ref) for ref in refs))
    seen = await world.snapshot()
    counted = 0
    for partition in range(PARTITIONS):
        assert seen[world.keys.open(partition, "default")][1] == b"0"
        key = world.keys.index(partition, "default", "d", "SUCCEEDED")
        counted += len(seen[key][1]) // 2
        assert world.keys.ready(partition) not in seen
        assert world.keys.index(partition, "default", "d", "RUNNING") not in seen
    assert counted == 200


async def test_a_frame_of_many_children_is_written_in_bounded_commits(redis):
    world = World(redis)
    states = {
        "All": {
            "Type": "Map",
            "MaxConcurrency": 1000,
            "ItemProcessor": {"StartAt": "Pay", "States": PAY},
            "End": True,
        }
    }
    ref = await world.start(states=states, given=list(range(250)))
    claim = await world.claim(ref)
    while True:
        step, commit = await world.prepare(claim)
        assert len(commit.arguments[4]) < 128 * 1024
        assert len(step.frames) <= 102
        if (await world.step(claim)).released:
            break
    partition = world.keys.partition_of(ref)
    tasks = world.keys.tasks(partition)
    assert await world.redis.call(tasks, "HLEN", tasks) == 250
    await world.signals.stop(ref, None, None, watch_ms=0)
    await world.advance(ref)
    assert tasks not in await world.snapshot()
