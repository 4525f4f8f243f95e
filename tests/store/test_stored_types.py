"""Redis undoes nothing: a script that meets a key of another type refuses before it has written anything.

Each scenario leads up to one call of a script; the call is then made once for every key it declares, with that key
replaced by one of another type, and compared by the content of the whole store.
"""

import asyncio
import re

import pytest
from world import (
    CALLBACK,
    LEASE_MS,
    LISTEN,
    NS,
    PAY,
    RETENTION_MS,
    TIMED,
    TWO,
    WAIT,
    CheckedRedis,
    World,
    address,
)

from engine.core.events import StopRequested, TaskSubmitted, TaskSucceeded
from engine.core.orders import PauseRequested, RedriveRequested, ResumeRequested
from engine.documents import Document
from engine.errors import StoreRefused
from engine.store import errands, scripts
from engine.store.orders import Orders

PAUSE = PauseRequested("me", None, "@o")
BEATING = {"Pay": TIMED["Pay"] | {"HeartbeatSeconds": 10}}


class Taken(Exception):
    """The call that the scenario led up to was taken down instead of made."""


class TakingRedis(CheckedRedis):
    """Takes down the next call of the script named `take` instead of making it."""

    take = ""
    taken = None

    def script(self, name, keys, args):
        if name != self.take:
            return super().script(name, keys, args)
        self.taken = (list(keys), list(args))
        future = asyncio.get_running_loop().create_future()
        future.set_exception(Taken())
        return future


async def add_version(world):
    await world.publish()
    return world.publish(states=TWO)


async def set_current(world):
    await world.publish()
    return world.publish(states=TWO)


async def create_execution(world):
    await world.publish()
    return world.create(watch_ms=1000)


async def create_execution_of_a_child(world):
    await world.publish()
    return world.create(key="k", tell=errands.pack(TOLD))


async def claim(world):
    ref = await world.start(states=LISTEN)
    await world.signals.deliver(ref, "go", "1", Document.of(1))
    return world.claim(ref)


async def claim_of_what_is_over(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    return world.executions.claim(ref, "x")


async def claim_of_poison(world):
    ref = await world.start(states=TWO)
    for number in range(5):
        await world.claim(ref, f"n{number}")
        await world.pass_time(LEASE_MS)
    return world.executions.claim(ref, "x")


async def commit_that_schedules(world):
    ref = await world.start(states=BEATING)
    await world.listing.watch(ref, 60_000)
    return world.step(await world.claim(ref), extend=True)


async def commit_that_keeps_a_signal(world):
    ref = await world.start(states=LISTEN)
    await world.advance(ref)
    await world.signals.deliver(ref, "other", "1", Document.of(1))
    return world.step(await world.claim(ref))


async def commit_that_drops_a_signal(world):
    ref = await world.start(states={"A": {"Type": "Wait", "Seconds": 60, "Next": "Ask"}} | LISTEN)
    await world.advance(ref)
    await world.signals.deliver(ref, "go", "1", Document.of(1))
    await world.advance(ref)
    timer = await world.timer(ref, "due")
    await world.pass_time(60_000)
    await world.timers.fire(timer)
    held = await world.claim(ref)
    await world.step(held, release=False)
    return world.step(held)


async def commit_that_waits(world):
    return world.step(await world.claim(await world.start(states=WAIT)))


async def commit_that_takes_back_and_closes(world):
    ref = await world.start(states=BEATING)
    await world.advance(ref)
    await world.lease(ref)
    await world.signals.stop(ref, None, None, watch_ms=0)
    held = await world.claim(ref)
    while True:
        step, _ = await world.prepare(held)
        if step.execution.status != "RUNNING":
            return world.step(held)
        await world.step(held)


async def commit_that_closes_a_child(world):
    held = await world.claim(await child(world))
    await world.step(held)
    return world.step(held)


async def commit_that_touches(world):
    ref = await world.start(states=LISTEN)
    await world.advance(ref)
    await world.signals.deliver(ref, "other", "1", Document.of(1))
    held = await world.claim(ref)
    return world.executions.commit(held, world.executions.commits.touch(held))


async def release(world):
    return world.executions.release(await world.claim(await world.start()), reset=True)


async def quarantine(world):
    return world.executions.quarantine(await world.claim(await world.start()), "why")


async def deliver_signal(world):
    ref = await world.start()
    await world.advance(ref)
    return world.signals.deliver(ref, "go", "1", Document.of(1))


async def deliver_control(world):
    ref = await world.start()
    await world.executions.quarantine(await world.claim(ref), "why")
    return world.signals.stop(ref, None, None, watch_ms=1000)


async def deliver_control_of_an_operation(world):
    ref = await world.start()
    return world.signals.control(ref, StopRequested(), operation="o")


async def deliver_control_of_one_order(world):
    ref = await world.start()
    return world.signals.control(ref, PAUSE, operation="@o")


async def commit_that_pauses(world):
    ref = await world.start(states=BEATING)
    await world.advance(ref)
    await world.signals.control(ref, PAUSE, operation="@o")
    return world.step(await world.claim(ref))


async def commit_that_resumes(world):
    ref = await world.start(states=BEATING)
    await world.advance(ref)
    await world.signals.control(ref, PAUSE)
    await world.advance(ref)
    assert await world.lease(ref) == []
    await world.signals.control(ref, ResumeRequested("me", None, ""))
    return world.step(await world.claim(ref))


async def lease_tasks_of_what_is_paused(world):
    ref = await world.start(states=BEATING)
    await world.advance(ref)
    await world.signals.control(ref, PAUSE)
    await world.advance(ref)
    return world.lease(ref)


async def redrive(world):
    ref = await world.start()
    await world.advance(ref)
    await world.signals.stop(ref, None, None, watch_ms=0)
    await world.advance(ref)
    orders = Orders(world.redis, world.keys, open_max=10, bell=True)
    order = RedriveRequested("me", None, "@o")
    return orders.redrive(ref, order, status="ABORTED", version=None, watch_ms=1)


async def fire_timer(world):
    ref = await world.start(states=WAIT)
    await world.advance(ref)
    timer = await world.timer(ref, "due")
    await world.pass_time(60_000)
    return world.timers.fire(timer)


async def expire_task(world):
    ref = await world.start(states=BEATING)
    await world.advance(ref)
    await world.lease(ref)
    timer = await world.timer(ref, "heartbeat")
    await world.pass_time(10_000)
    return world.timers.fire(timer)


async def lapse_lease(world):
    ref = await world.start()
    await world.advance(ref)
    await world.lease(ref, lease_ms=1000)
    timer = await world.timer(ref, "lease")
    await world.pass_time(1000)
    return world.timers.fire(timer)


async def lease_tasks(world):
    ref = await world.start()
    await world.advance(ref)
    return world.lease(ref)


async def heartbeat_task(world):
    ref = await world.start(states=BEATING)
    await world.advance(ref)
    [lease] = await world.lease(ref)
    return world.tasks.heartbeat(
        address(lease), lease=lease.lease, lease_ms=1000, heartbeat_ms=1000
    )


async def settle_task(world):
    ref = await world.start(states=BEATING)
    await world.advance(ref)
    [lease] = await world.lease(ref, lease_ms=1000)
    await world.pass_time(1000)
    await world.timers.fire(await world.timer(ref, "lease"))
    event = TaskSucceeded(lease.row.frame, lease.row.revision, Document.of(1))
    return world.tasks.settle(address(lease), event, lease="")


async def settle_task_of_a_callback(world):
    ref = await world.start(states=CALLBACK)
    await world.advance(ref)
    [lease] = await world.lease(ref)
    event = TaskSubmitted(lease.row.frame, lease.row.revision, Document.of(1))
    return world.tasks.settle(address(lease), event, lease=lease.lease)


async def watch(world):
    return world.listing.watch(await world.start(states=PAY), 1000)


async def prune_execution(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    await world.pass_time(RETENTION_MS)
    return world.listing.prune(await world.now_ms(), 10, 1000)


async def prune_execution_that_is_to_be_told_of(world):
    ref = await child(world)
    await world.advance(ref)
    await world.pass_time(RETENTION_MS)
    return world.listing.prune(await world.now_ms(), 10, 1000)


async def stop_child(world):
    ref = await child(world)
    await world.executions.quarantine(await world.claim(ref), "why")
    return world.errands.stop(NS, errands.Stop("d:n", "k", "p:n"))


async def finish_errand(world):
    ref = await child(world)
    await world.advance(ref)
    [lease] = await world.lease(ref, "@states")
    return world.errands.finish(lease)


async def child(world):
    """A child, whose end the task of `TOLD` waits for."""
    await world.publish(states={"A": {"Type": "Succeed"}})
    await world.create(key="k", tell=errands.pack(TOLD))
    return f"{NS}:d:n"


async def add_operation(world):
    return world.operations.add(NS, "o", b"asked")


async def claim_operation(world):
    await world.operations.add(NS, "o", b"asked")
    return world.operations.claim(NS, "o", "nonce")


async def advance_operation(world):
    await world.operations.add(NS, "o", b"asked")
    held = await world.operations.claim(NS, "o", "nonce")
    return world.operations.advance(NS, held, finished=True)


async def steer_operation(world):
    await world.operations.add(NS, "o", b"asked")
    return world.operations.steer(NS, "o", "CANCELLED")


TOLD = errands.tell(errands.Tell("d:n", "token", "workflow:d", "k"))
SCENARIOS = [
    (add_version, 2), (set_current, 1), (create_execution, 6), (claim, 4), (claim_of_what_is_over, 2),
    (claim_of_poison, 2), (commit_that_schedules, 11), (commit_that_keeps_a_signal, 5),
    (commit_that_drops_a_signal, 5), (commit_that_waits, 6), (commit_that_takes_back_and_closes, 16),
    (commit_that_touches, 4), (release, 2), (quarantine, 2), (deliver_signal, 4), (deliver_control, 4),
    (deliver_control_of_an_operation, 5), (deliver_control_of_one_order, 5), (commit_that_pauses, 6),
    (commit_that_resumes, 8), (lease_tasks_of_what_is_paused, 6), (redrive, 9),
    (fire_timer, 4), (expire_task, 9), (lapse_lease, 5), (lease_tasks, 5), (heartbeat_task, 3), (settle_task, 9),
    (settle_task_of_a_callback, 8), (watch, 1), (prune_execution, 4), (create_execution_of_a_child, 7),
    (commit_that_closes_a_child, 10), (prune_execution_that_is_to_be_told_of, 2), (stop_child, 3), (finish_errand, 6),
]  # fmt: skip


OPERATION_SCENARIOS = [
    (add_operation, 3), (claim_operation, 1), (advance_operation, 2), (steer_operation, 2),
]  # fmt: skip
SCENARIOS += OPERATION_SCENARIOS


def script_of(scenario):
    return max((n for n in scripts.names() if scenario.__name__.startswith(n)), key=len)


async def taken_down(redis, scenario):
    """The call that the scenario leads up to, with the store as it was before it."""
    await redis.each_node("FLUSHALL")
    redis.take = ""
    deed = await scenario(World(redis))
    redis.take = script_of(scenario)
    with pytest.raises(Taken):
        await deed
    redis.take = ""
    return redis.taken


async def put_another_type(redis, key):
    kind = await redis.call(key, "TYPE", key)
    await redis.call(key, "DEL", key)
    if kind == b"string":
        await redis.call(key, "RPUSH", key, "of another type")
    else:
        await redis.call(key, "SET", key, "of another type")


@pytest.mark.parametrize(
    ("scenario", "refusals"), SCENARIOS, ids=lambda value: getattr(value, "__name__", "")
)
async def test_a_key_of_another_type_is_refused_before_anything_is_written(url, scenario, refusals):
    redis = TakingRedis(url)
    await redis.open()
    refused = 0
    keys, _ = await taken_down(redis, scenario)
    for number in range(len(keys)):
        keys, args = await taken_down(redis, scenario)
        await put_another_type(redis, keys[number])
        before = await World(redis).snapshot()
        [answer] = await asyncio.gather(
            redis.script(script_of(scenario), keys, args), return_exceptions=True
        )
        if isinstance(answer, Exception):
            assert isinstance(answer, StoreRefused)
            assert re.search("WRONGTYPE|not an integer", str(answer)), keys[number]
            assert await World(redis).snapshot() == before, keys[number]
            refused += 1
    await redis.close()
    assert refused >= refusals


def test_every_script_has_a_scenario():
    assert {script_of(scenario) for scenario, _ in SCENARIOS} == set(scripts.names())


@pytest.mark.parametrize("scenario", [create_execution, commit_that_takes_back_and_closes])
async def test_a_count_that_is_no_number_is_refused_before_anything_is_written(url, scenario):
    redis = TakingRedis(url)
    await redis.open()
    keys, args = await taken_down(redis, scenario)
    [key] = [key for key in keys if key.endswith(f":{NS}:open")]
    await redis.call(key, "SET", key, "many")
    before = await World(redis).snapshot()
    with pytest.raises(StoreRefused, match="not an integer"):
        await redis.script(script_of(scenario), keys, args)
    assert await World(redis).snapshot() == before
    await redis.close()
