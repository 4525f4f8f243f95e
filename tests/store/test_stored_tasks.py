"""Handing tasks out: in order, each under a lease, again when the lease lapses."""

import asyncio
from dataclasses import replace

import pytest
from world import CALLBACK, NS, PAY, TIMED, address

from engine.core.events import TaskFailed, TaskSubmitted, TaskSucceeded
from engine.core.tokens import task_token
from engine.documents import Document
from engine.errors import LeaseLost, TaskClosed, TaskNotFound
from engine.store.tasks import Address, address_of
from engine.store.timers import Fired

MINUTE_MS = 60_000


async def settle(world, taken, *, by_token=False):
    event = TaskSucceeded(taken.row.frame, taken.row.revision, Document.of(1))
    await world.tasks.settle(address(taken), event, lease="" if by_token else taken.lease)


async def in_one_partition(world, count, states=PAY):
    """Refs of so many executions of one partition, each waiting for its task."""
    await world.publish(states=states)
    names = [f"n{i}" for i in range(999) if world.keys.partition_of(f"default:d:n{i}") == 0]
    refs = [f"default:d:{name}" for name in names[:count]]
    for ref in refs:
        await world.create(ref.rpartition(":")[2])
        await world.advance(ref)
    return refs


async def test_tasks_of_a_partition_are_handed_out_in_the_order_they_came(world):
    refs = await in_one_partition(world, 12)
    queue = world.keys.queue(0, NS, "pay")
    waiting = await world.redis.call(queue, "ZRANGE", queue, 0, -1, "WITHSCORES")
    came = {task.decode().partition("/")[0]: int(ms) for task, ms in zip(*[iter(waiting)] * 2)}  # noqa: B905
    assert [came[ref] for ref in refs] == sorted(came.values())
    leases = []
    for nonce in ("a", "b", "c"):
        leases += await world.lease(refs[0], most=5, nonce=nonce)
    assert sorted(lease.ref for lease in leases) == sorted(refs)
    assert [came[lease.ref] for lease in leases] == sorted(came.values())


async def test_a_task_is_handed_out_once_whoever_else_polls_at_the_same_time(world):
    refs = await in_one_partition(world, 20)
    polls = await asyncio.gather(*(world.lease(refs[0], most=3, nonce=f"w{n}") for n in range(20)))
    tasks = [address(lease).task for leases in polls for lease in leases]
    assert len(tasks) == len(set(tasks)) == 20
    assert len({lease.lease for leases in polls for lease in leases}) == 20


async def test_an_empty_queue_is_taken_off_the_partitions_list(world):
    [ref] = await in_one_partition(world, 1)
    assert await world.queues() == [(0, "default:pay")]
    leased = await world.tasks.lease(0, NS, "pay", most=1, lease_ms=1000, nonce="n", worker="w")
    assert (len(leased.tasks), leased.left) == (1, 0)
    assert await world.queues() == []
    assert leased.tasks[0].ref == ref


async def test_a_lost_answer_loses_no_task_it_comes_again_under_the_same_token(world):
    [ref] = await in_one_partition(world, 1)
    [lost] = await world.lease(ref, lease_ms=1000, nonce="lost")
    assert await world.lease(ref) == []
    assert await world.timers.fire(await world.timer(ref, "lease")) is None
    assert await world.lease(ref) == []  # not before its time
    await world.pass_time(1000)
    assert await world.timers.fire(await world.timer(ref, "lease")) == Fired(ref, "pay")
    [again] = await world.lease(ref, nonce="again")
    assert (again.secret, again.row, again.ref) == (lost.secret, lost.row, lost.ref)
    assert again.lease != lost.lease


async def test_a_lapsed_task_comes_before_those_that_were_queued_after_it(world):
    refs = await in_one_partition(world, 3)
    [first] = await world.lease(refs[0], most=1, lease_ms=1000)
    await world.pass_time(1000)
    await world.timers.fire(await world.timer(refs[0], "lease"))
    leases = await world.lease(refs[0])
    assert leases[0].ref == first.ref
    assert len(leases) == 3


async def test_a_lease_that_is_given_back_is_the_tasks_next_and_only_its_holder_can(world):
    refs = await in_one_partition(world, 2)
    [first] = await world.lease(refs[0], most=1, lease_ms=MINUTE_MS)
    assert not await world.tasks.give_back(replace(first, lease="another's"))
    assert await world.tasks.give_back(first)
    assert not await world.tasks.give_back(first)
    [again, other] = await world.lease(refs[0], lease_ms=MINUTE_MS, nonce="later")
    assert (again.ref, again.secret) == (first.ref, first.secret)
    assert other.ref != first.ref
    assert not await world.tasks.give_back(first)
    assert await world.lease(refs[0]) == []


async def test_a_heartbeat_with_its_lease_extends_it_and_can_shorten_it(world):
    [ref] = await in_one_partition(world, 1)
    [lease] = await world.lease(ref, lease_ms=1000)
    until_ms = await world.tasks.heartbeat(
        address(lease), lease=lease.lease, lease_ms=MINUTE_MS, heartbeat_ms=0
    )
    assert until_ms > lease.until_ms + 50_000
    await world.pass_time(2000)
    await world.timers.fire(await world.timer(ref, "lease"))
    assert await world.lease(ref) == []
    await world.tasks.heartbeat(address(lease), lease=lease.lease, lease_ms=1, heartbeat_ms=0)
    await world.pass_time(1)
    await world.timers.fire(await world.timer(ref, "lease"))
    assert len(await world.lease(ref)) == 1


async def test_a_heartbeat_under_a_lost_lease_says_so_and_extends_nothing(world):
    [ref] = await in_one_partition(world, 1)
    [first] = await world.lease(ref, lease_ms=1000, nonce="first")
    await world.pass_time(1000)
    await world.timers.fire(await world.timer(ref, "lease"))
    for _ in range(2):  # in the queue, then in another's hands
        before = await world.snapshot()
        with pytest.raises(LeaseLost):
            await world.tasks.heartbeat(
                address(first), lease=first.lease, lease_ms=MINUTE_MS, heartbeat_ms=0
            )
        assert await world.snapshot() == before
        await world.lease(ref, nonce="second")


async def test_heartbeats_of_ended_and_of_unknown_tasks_are_told_apart(world):
    [ref] = await in_one_partition(world, 1)
    [lease] = await world.lease(ref)
    at = address(lease)
    with pytest.raises(TaskNotFound):
        await world.tasks.heartbeat(
            Address(at.ref, at.frame, at.revision, "guess"), lease="", lease_ms=0, heartbeat_ms=0
        )
    await settle(world, lease)
    with pytest.raises(TaskClosed):
        await world.tasks.heartbeat(at, lease=lease.lease, lease_ms=1000, heartbeat_ms=0)


async def test_a_heartbeat_puts_the_heartbeat_time_out_off(world):
    states = {"Pay": PAY["Pay"] | {"HeartbeatSeconds": 10, "TimeoutSeconds": 600}}
    [ref] = await in_one_partition(world, 1, states)
    [lease] = await world.lease(ref)
    first = await world.timer(ref, "heartbeat")
    await world.pass_time(9000)
    await world.tasks.heartbeat(address(lease), lease="", lease_ms=0, heartbeat_ms=10_000)
    await world.pass_time(9000)
    assert await world.timers.fire(first) is None
    await world.pass_time(1000)
    assert await world.timers.fire(await world.timer(ref, "heartbeat")) == Fired(ref)
    await world.advance(ref)
    stored = await world.read(ref)
    assert (stored.execution.status, stored.execution.error) == ("FAILED", "States.Timeout")


async def test_the_first_outcome_wins_its_repeat_is_accepted_and_another_is_told_how_it_ended(
    world,
):
    [ref] = await in_one_partition(world, 1)
    [lease] = await world.lease(ref)
    await settle(world, lease)
    before = await world.snapshot()
    await settle(world, lease)
    await settle(world, lease, by_token=True)
    failed = TaskFailed(lease.row.frame, lease.row.revision, "No", None)
    with pytest.raises(TaskClosed) as refused:
        await world.tasks.settle(address(lease), failed, lease=lease.lease)
    assert refused.value.facts == {"outcome": "SUCCEEDED"}
    assert await world.snapshot() == before
    await world.advance(ref)  # and after the end
    await settle(world, lease)
    with pytest.raises(TaskClosed) as refused:
        await world.tasks.settle(address(lease), failed, lease=lease.lease)
    assert refused.value.facts == {"outcome": "SUCCEEDED"}


async def test_of_twenty_different_outcomes_at_once_exactly_one_is_accepted(world):
    [ref] = await in_one_partition(world, 1)
    [lease] = await world.lease(ref)

    def outcome(number):
        return TaskSucceeded(lease.row.frame, lease.row.revision, Document.of(number))

    answers = await asyncio.gather(
        *(world.tasks.settle(address(lease), outcome(n), lease=lease.lease) for n in range(20)),
        return_exceptions=True,
    )
    accepted = [number for number, answer in enumerate(answers) if answer is None]
    assert len(accepted) == 1
    assert sum(isinstance(answer, TaskClosed) for answer in answers) == 19
    await world.advance(ref)
    assert (await world.read(ref)).execution.output.value == accepted[0]


async def test_a_wrong_secret_is_no_token_before_and_after_the_end(world):
    [ref] = await in_one_partition(world, 1)
    [lease] = await world.lease(ref)
    at = address(lease)
    guess = Address(at.ref, at.frame, at.revision, at.secret[:-1])
    event = TaskSucceeded(at.frame, at.revision, Document.of(1))
    for _ in range(2):
        before = await world.snapshot()
        with pytest.raises(TaskNotFound):
            await world.tasks.settle(guess, event, lease="")
        assert await world.snapshot() == before
        await settle(world, lease)
    for text in ("", "x", "eA.", "eA.s", task_token("d:never", "0", 1, "s")):
        with pytest.raises(TaskNotFound):
            await world.tasks.settle(address_of(NS, text), event, lease="")


async def test_settled_by_its_token_alone_a_task_leaves_the_queue_it_waits_in(world):
    [ref] = await in_one_partition(world, 1)
    [lease] = await world.lease(ref, lease_ms=1000)
    await world.pass_time(1000)
    await world.timers.fire(await world.timer(ref, "lease"))
    assert await world.queues() == [(0, "default:pay")]
    await settle(world, lease, by_token=True)
    assert await world.queues() == []
    assert world.keys.queue(0, NS, "pay") not in await world.snapshot()


async def test_settled_under_a_lapsed_lease_it_is_dropped_from_the_queue_on_the_way(world):
    refs = await in_one_partition(world, 2)
    [late] = await world.lease(refs[0], most=1, lease_ms=1000)
    await world.pass_time(1000)
    await world.timers.fire(await world.timer(refs[0], "lease"))
    await settle(world, late)
    leases = await world.lease(refs[0])
    assert [lease.ref for lease in leases] == [ref for ref in refs if ref != late.ref]
    assert await world.queues() == []


async def test_a_callbacks_first_answer_needs_the_lease_and_its_repeat_is_accepted(world):
    [ref] = await in_one_partition(world, 1, CALLBACK)
    [lease] = await world.lease(ref)
    submitted = TaskSubmitted(lease.row.frame, lease.row.revision, Document.of("on its way"))
    with pytest.raises(LeaseLost):
        await world.tasks.settle(address(lease), submitted, lease="another")
    await world.tasks.settle(address(lease), submitted, lease=lease.lease)
    before = await world.snapshot()
    await world.tasks.settle(address(lease), submitted, lease=lease.lease)
    assert await world.snapshot() == before
    await world.advance(ref)
    assert await world.status(ref) == "RUNNING"
    await settle(world, lease, by_token=True)
    await world.tasks.settle(address(lease), submitted, lease=lease.lease)
    await world.advance(ref)
    assert (await world.read(ref)).execution.output.value == 1


async def test_after_a_stop_the_outcome_is_refused_with_what_became_of_the_execution(world):
    [ref] = await in_one_partition(world, 1, TIMED)
    [lease] = await world.lease(ref)
    await world.signals.stop(ref, None, None, watch_ms=0)
    await world.advance(ref)
    with pytest.raises(TaskClosed) as refused:
        await settle(world, lease)
    assert refused.value.facts == {"outcome": "ABORTED"}


@pytest.mark.parametrize("first", ["settle", "expire"])
async def test_of_an_outcome_and_the_time_out_exactly_one_wins(world, first):
    [ref] = await in_one_partition(world, 1, TIMED)
    [lease] = await world.lease(ref)
    timer = await world.timer(ref, "timeout")
    await world.pass_time(MINUTE_MS)
    if first == "settle":
        await settle(world, lease)
        assert await world.timers.fire(timer) is None
    else:
        assert await world.timers.fire(timer) == Fired(ref)
        with pytest.raises(TaskClosed) as refused:
            await settle(world, lease)
        assert refused.value.facts == {"outcome": "TIMED_OUT"}
    claim = await world.advance(ref)
    assert claim.execution.status == {"settle": "SUCCEEDED", "expire": "FAILED"}[first]
    assert world.keys.timers(0) not in await world.snapshot()


async def test_racing_outcomes_and_time_outs_leave_one_event_each(world):
    refs = await in_one_partition(world, 20, TIMED)
    leases = {lease.ref: lease for lease in await world.lease(refs[0], most=50)}
    await world.pass_time(MINUTE_MS)
    timers = await world.timers.upcoming(0, 2**52, 100)
    due = [timer for timer in timers if timer.member.endswith("#timeout")]
    races = [settle(world, lease) for lease in leases.values()]
    races += [world.timers.fire(timer) for timer in due]
    answers = await asyncio.gather(*races, return_exceptions=True)
    assert all(a is None or isinstance(a, Fired | TaskClosed) for a in answers)
    for ref in refs:
        inbox = world.keys.of(ref).inbox
        assert await world.redis.call(inbox, "LLEN", inbox) == 1


async def test_a_task_whose_row_is_damaged_does_not_keep_the_others_from_workers(world):
    refs = await in_one_partition(world, 3)
    rows = world.keys.tasks(0)
    bad, *_ = await world.redis.call(rows, "HKEYS", rows)
    await world.redis.call(rows, "HSET", rows, bad, "secret|garbage")
    leases = await world.lease(refs[0], most=10)
    assert len(leases) == 2
    assert bad.decode() not in {address(lease).task for lease in leases}


@pytest.mark.parametrize("failing", [True, False], ids=["failure", "success"])
async def test_an_outcome_under_a_lapsed_lease_cannot_take_a_task_from_its_new_holder(
    world, failing
):
    [ref] = await in_one_partition(world, 1)
    [late] = await world.lease(ref, lease_ms=1000, nonce="late")
    await world.pass_time(1000)
    await world.timers.fire(await world.timer(ref, "lease"))
    [holder] = await world.lease(ref, nonce="holder")
    at = (late.row.frame, late.row.revision)
    event = TaskFailed(*at, "E", "C") if failing else TaskSucceeded(*at, Document.of(2))
    before = await world.snapshot()
    for lease in (late.lease, "wrong"):
        with pytest.raises(LeaseLost):
            await world.tasks.settle(address(late), event, lease=lease)
    assert await world.snapshot() == before
    await settle(world, holder)
