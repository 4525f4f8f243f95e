"""What leads up to one call of each script: the store as it then is, and the call, not awaited yet."""

from __future__ import annotations

from catalog_scenarios import CATALOG_SCENARIOS
from family.map_scenarios import MAP_SCENARIOS
from msgspec import structs
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
    World,
    address,
)

from engine.core.events import SignalReceived, StopRequested, TaskSubmitted, TaskSucceeded
from engine.core.orders import PauseRequested, RedriveRequested, ResumeRequested
from engine.documents import Document
from engine.store import errands
from engine.store.bounds.copies import Copies
from engine.store.catalog.activities import Activities, Encryption
from engine.store.feed import Place
from engine.store.operating.orders import Orders

LARGE = {"text": "x" * 9000}
PAUSE = PauseRequested("me", None, "@o")
BEATING = {"Pay": TIMED["Pay"] | {"HeartbeatSeconds": 10}}


async def put_activity(world):
    await (await delete_activity(world))
    return Activities(world.redis, world.keys).create(NS, "a", Encryption(), {})


async def delete_activity(world):
    activities = Activities(world.redis, world.keys)
    await activities.create(NS, "a", Encryption(), {})
    return activities.delete(NS, "a")


async def create_execution(world):
    await world.publish()
    return world.create(watch_ms=1000)


async def create_execution_of_a_child(world):
    await world.publish()
    return world.create(key="k", tell=errands.pack(TOLD))


async def create_execution_with_a_signal(world):
    await world.publish()
    signal = world.signals.sent(SignalReceived("go", "1", Document.of(1)), None)
    return world.create(signal=signal)


async def create_execution_where_one_gets_a_signal(world):
    ref = await world.start()
    await world.advance(ref)
    await world.signals.deliver(ref, "go", "1", Document.of(1))
    signal = world.signals.sent(SignalReceived("go", "2", Document.of(1)), None)
    return world.create(signal=signal)


async def commit_that_tells_of_a_signal(world):
    ref = await world.start(states=LISTEN)
    await world.advance(ref)
    await world.signals.deliver(ref, "go", "1", Document.of(1))
    return world.step(await world.claim(ref))


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


async def mark(world):
    async def deed(key):
        return await world.redis.script("mark", [key], [])

    return deed(f"{world.keys.of(await world.start()).tag}:mark")


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


async def read_changes(world):
    following = World(world.redis, changes_kept=100)
    await following.publish()
    await following.create()
    return following.feed.read(NS, Place(0), arm=True)


async def commit_that_is_followed(world):
    following = World(world.redis, changes_kept=100)
    ref = await following.start(states=PAY)
    return following.step(await following.claim(ref))


async def create_execution_of_a_large_input(world):
    await world.publish()
    return world.create(given=LARGE)


async def commit_that_refers_to_a_payload(world):
    return world.step(await world.claim(await world.start(given=LARGE)))


async def import_execution(world):
    ref = await world.start(given=LARGE, states=TWO)
    await world.advance(ref)
    copies = Copies(world.redis, world.keys, world.listing)
    copy = await copies.read(NS, "d:n")
    return copies.write(NS, structs.replace(copy, id="d:copy"), kept_ms=1000)


TOLD = errands.tell(errands.Tell("d:n", "token", "workflow:d", "k"))
SCENARIOS = [
    *CATALOG_SCENARIOS, *MAP_SCENARIOS, (read_changes, 1), (commit_that_is_followed, 11),
    (put_activity, 2), (delete_activity, 2), (create_execution, 6), (claim, 4),
    (claim_of_what_is_over, 2), (claim_of_poison, 2), (commit_that_schedules, 11),
    (commit_that_keeps_a_signal, 5), (commit_that_drops_a_signal, 5), (commit_that_waits, 6),
    (commit_that_takes_back_and_closes, 16), (commit_that_touches, 4), (release, 2),
    (quarantine, 2), (mark, 0), (deliver_signal, 5), (deliver_control, 4),
    (deliver_control_of_an_operation, 5), (deliver_control_of_one_order, 5),
    (commit_that_pauses, 6), (commit_that_resumes, 8), (lease_tasks_of_what_is_paused, 6),
    (redrive, 9), (create_execution_with_a_signal, 6),
    (create_execution_where_one_gets_a_signal, 5), (commit_that_tells_of_a_signal, 9),
    (fire_timer, 4), (expire_task, 10), (lapse_lease, 5), (lease_tasks, 5), (heartbeat_task, 3),
    (settle_task, 10), (settle_task_of_a_callback, 9), (watch, 1), (prune_execution, 4),
    (create_execution_of_a_child, 7), (commit_that_closes_a_child, 10),
    (prune_execution_that_is_to_be_told_of, 2), (stop_child, 3), (finish_errand, 6),
    (create_execution_of_a_large_input, 7), (commit_that_refers_to_a_payload, 9),
    (import_execution, 7), (add_operation, 3), (claim_operation, 1), (advance_operation, 2), (steer_operation, 2),
]  # fmt: skip
