"""Timers of a paused execution: held with what was left of them, or heard at resume. Time passes in Redis alone."""

from world import TIMED, WAIT, World

from engine.core.events import TaskSucceeded
from engine.core.orders import PauseRequested, ResumeRequested
from engine.documents import Document
from engine.store.tasks import Address

BEATING = {"Pay": TIMED["Pay"] | {"HeartbeatSeconds": 10}}
SIGNAL = {"Ask": {"Type": "Task", "Resource": "signal:go", "TimeoutSeconds": 60, "End": True}}


async def order(world: World, ref: str, event) -> None:
    await world.signals.control(ref, event)
    await world.advance(ref)


async def pause(world, ref, mode="hold"):
    await order(world, ref, PauseRequested("me", None, "", mode))


async def resume(world, ref):
    await order(world, ref, ResumeRequested("me", None, ""))


async def left_ms(world, ref, kind):
    return (await world.timer(ref, kind)).due_ms - await world.now_ms()


async def test_a_held_timer_does_not_fire_and_gets_back_what_was_left_of_it(alone):
    ref = await alone.start(states=WAIT)
    await alone.advance(ref)
    await alone.pass_time(20_000)
    due_ms = (await alone.read(ref)).execution.frames["0"].hold.due_ms
    await pause(alone, ref)
    await alone.pass_time(1_000_000)
    assert await alone.timers.fire(await alone.timer(ref, "due")) is None
    assert await alone.redis.call(alone.keys.of(ref).inbox, "LLEN", alone.keys.of(ref).inbox) == 0
    await resume(alone, ref)
    run = (await alone.read(ref)).execution
    timer = await alone.timer(ref, "due")
    assert timer.due_ms == run.frames["0"].hold.due_ms == due_ms + run.operated.held_ms


async def test_the_time_spent_paused_is_added_to_what_was_due(alone):
    ref = await alone.start(states=WAIT, TimeoutSeconds=600)
    await alone.advance(ref)
    before = {kind: (await alone.timer(ref, kind)).due_ms for kind in ("due", "deadline")}
    await pause(alone, ref)
    await backdate(alone, ref, 50_000)
    await resume(alone, ref)
    for kind, due_ms in before.items():
        assert (await alone.timer(ref, kind)).due_ms >= due_ms + 50_000


async def test_a_held_task_keeps_its_time_out_and_gets_a_whole_heartbeat(alone):
    ref = await alone.start(states=BEATING)
    await alone.advance(ref)
    [lease] = await alone.lease(ref)
    before = (await alone.timer(ref, "timeout")).due_ms
    await pause(alone, ref)
    await alone.pass_time(100_000)
    for kind in ("timeout", "heartbeat"):
        assert await alone.timers.fire(await alone.timer(ref, kind)) is None
    assert await alone.tasks.row(Address(ref, "0", lease.row.revision, "")) is not None
    await resume(alone, ref)
    held_ms = (await alone.read(ref)).execution.operated.held_ms
    assert (await alone.timer(ref, "timeout")).due_ms == before + held_ms
    assert 0 < await left_ms(alone, ref, "heartbeat") <= 10_000


async def test_a_held_wait_for_a_signal_keeps_its_time_out(alone):
    ref = await alone.start(states=SIGNAL)
    await alone.advance(ref)
    await pause(alone, ref)
    await backdate(alone, ref, 50_000)
    await resume(alone, ref)
    assert await left_ms(alone, ref, "timeout") > 100_000


async def test_a_task_settled_while_paused_gets_no_timer_back(alone):
    ref = await alone.start(states=BEATING)
    await alone.advance(ref)
    [lease] = await alone.lease(ref)
    await pause(alone, ref)
    event = TaskSucceeded("0", lease.row.revision, Document.of(1))
    await alone.tasks.settle(
        Address(ref, "0", lease.row.revision, lease.secret), event, lease=lease.lease
    )
    await resume(alone, ref)
    await alone.advance(ref) if await alone.status(ref) == "RUNNING" else None
    assert await alone.timers.upcoming(alone.keys.partition_of(ref), 2**52, 10) == []
    assert await alone.status(ref) == "SUCCEEDED"


async def test_timers_that_catch_up_wait_in_the_inbox_and_apply_at_resume(alone):
    ref = await alone.start(states=WAIT)
    await alone.advance(ref)
    await pause(alone, ref, "catch_up")
    timer = await alone.timer(ref, "due")
    await alone.pass_time(60_000)
    assert await alone.timers.fire(timer) is not None
    assert await alone.executions.claim(ref, "nobody") is None  # it is not ready
    await resume(alone, ref)
    assert await alone.status(ref) == "SUCCEEDED"


async def test_a_deadline_that_catches_up_ends_the_execution_at_resume(alone):
    ref = await alone.start(states=WAIT, TimeoutSeconds=30)
    await alone.advance(ref)
    await pause(alone, ref, "catch_up")
    timer = await alone.timer(ref, "deadline")
    await alone.pass_time(30_000)
    await alone.timers.fire(timer)
    await alone.advance(ref)
    assert await alone.status(ref) == "RUNNING"
    await resume(alone, ref)
    assert await alone.status(ref) == "TIMED_OUT"


async def test_a_held_deadline_does_not_end_a_paused_execution(alone):
    ref = await alone.start(states=WAIT, TimeoutSeconds=30)
    await alone.advance(ref)
    await pause(alone, ref)
    await alone.pass_time(30_000)
    assert await alone.timers.fire(await alone.timer(ref, "deadline")) is None
    assert await alone.executions.claim(ref, "nobody") is None


async def backdate(world, ref, ms):
    """Make the pause one that began `ms` earlier than it did."""
    from msgspec import structs

    from engine.store import codec

    key = world.keys.of(ref).execution
    meta = codec.unpack_meta(await world.redis.call(key, "HGET", key, "m"))
    paused = structs.replace(meta.operated.paused, since_ms=meta.operated.paused.since_ms - ms)
    operated = structs.replace(meta.operated, paused=paused)
    meta = structs.replace(meta, operated=operated)
    await world.redis.call(key, "HSET", key, "m", codec.pack(meta))
