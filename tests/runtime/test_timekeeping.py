"""Waiting: it costs nothing while nothing is due, ends in time, and never early."""

import asyncio
import copy

from desk import ME, Desk, until
from faulty import FaultyRedis

from engine.store.timers import Timer

DAYS_30 = 30 * 86_400


def wait(seconds):
    return {"Nap": {"Type": "Wait", "Seconds": seconds, "End": True}}


async def test_waits_of_thirty_days_cost_no_call_however_many_there_are(engines):
    """Between two sweeps a process makes the same calls with a hundred waits as with none."""
    counted = []
    engine = await engines(
        redis=lambda real: counted.append(FaultyRedis(real, reads=True)) or counted[0]
    )
    desk = Desk(engine)

    async def calls_of_a_sweep():
        await engine._supervisor.stop()
        before = counted[0].calls
        await engine.sweeper.tick()
        await engine._timekeeper.tick()
        swept = counted[0].calls - before
        await asyncio.sleep(0.3)
        assert counted[0].calls - before == swept  # and nothing in between
        return swept

    await desk.publish(wait(DAYS_30))
    for number in range(100):
        await desk.start(f"n{number}")
    await until(lambda: engine.counters.value("detent_transitions_total") >= 100)
    full = await calls_of_a_sweep()
    await engine.redis.each_node("FLUSHALL")
    assert await calls_of_a_sweep() == full
    assert engine._timekeeper._heap == []


async def test_a_wait_ends_when_it_is_due_and_not_before_by_redis_time(desk):
    await desk.publish(wait(1))
    view = await desk.end(await desk.start("n"))
    assert view.status == "SUCCEEDED"
    page = await desk.engine.queries.history(ME, view.id, after=None, limit=10, descending=False)
    entered, left = (
        next(e["timestamp"] for e in page.events if e["type"] == f"WaitState{word}")
        for word in ("Entered", "Exited")
    )
    assert left >= plus_a_second(entered)


async def test_no_record_is_dated_before_the_moment_its_timer_was_due_however_late_a_process_clock_is(
    desk, monkeypatch
):
    clock = copy.copy(desk.engine.clock)  # the advancer's alone: whoever fires timers is not late
    monkeypatch.setattr(clock, "now_ms", lambda: desk.engine.clock.now_ms() - 300)
    monkeypatch.setattr(desk.engine._advancer, "_clock", clock)
    states = {
        "Nap": {"Type": "Wait", "Seconds": 1, "Next": "Pay"},
        "Pay": {
            "Type": "Task",
            "Resource": "activity:pay",
            "TimeoutSeconds": 1,
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}],
            "End": True,
        },
    }
    await desk.publish(states)
    view = await desk.end(await desk.start("n"))
    page = await desk.engine.queries.history(ME, view.id, after=None, limit=20, descending=False)
    times = [(event["type"], event["timestamp"]) for event in page.events]
    spans = ("WaitStateEntered", "ActivityScheduled", "ActivityTimedOut", "ActivityScheduled")
    at = 0
    for kind in spans:
        at = next(n for n in range(at, len(times)) if times[n][0] == kind)
        assert times[at + 1][1] >= plus_a_second(times[at][1]), times


async def test_a_timer_that_this_process_never_heard_of_is_found_by_the_sweep(engines):
    other = Desk(await engines())
    await other.publish(wait(1))
    other.engine._timekeeper.note = lambda due_ms, member: None
    await other.start("n")
    desk = Desk(await engines())
    assert (await desk.end("d:n")).status == "SUCCEEDED"


async def test_a_timer_that_cannot_be_read_does_not_hold_up_the_others(desk):
    keys = desk.engine.sweeper._keys
    await desk.publish(wait(1))
    execution = await desk.start("n")
    timers = keys.timers(keys.partition_of(f"default:{execution}"))
    await desk.engine.redis.call(timers, "ZADD", timers, 1, "no such thing")
    assert await desk.engine._timekeeper._fire(Timer(1, "no such thing")) is None
    assert (await desk.end(execution)).status == "SUCCEEDED"


async def test_a_task_nobody_does_times_out_and_one_that_is_done_does_not(desk):
    states = {"Pay": {"Type": "Task", "Resource": "activity:pay", "TimeoutSeconds": 1, "End": True}}
    await desk.publish(states)
    await desk.start("late")
    view = await desk.end("d:late")
    assert (view.status, view.error) == ("FAILED", "States.Timeout")
    await desk.start("done")
    [task] = await desk.lease()
    await desk.succeed(task)
    assert (await desk.end("d:done")).status == "SUCCEEDED"


async def test_a_lapsed_lease_wakes_a_poller_that_waits(desk):
    states = {"Pay": {"Type": "Task", "Resource": "activity:pay", "End": True}}
    await desk.publish(states)
    await desk.start("n")
    [first] = await desk.lease(lease_ms=1000, worker="vanished")
    [second] = await desk.lease(worker="next")
    assert (second.token, second.attempt) == (first.token, first.attempt)
    assert second.lease != first.lease
    await desk.succeed(second)
    assert (await desk.end("d:n")).status == "SUCCEEDED"


def plus_a_second(moment):
    """A second later than an ISO time, or than seconds since 1970, as history shows it."""
    if isinstance(moment, str):
        from engine.clock import iso, parse_iso

        return iso(parse_iso(moment) + 1000)
    return moment + 1


async def test_of_many_timers_due_at_once_no_more_are_fired_than_can_be_advanced(engines):
    """The others stay in Redis, so that what comes meanwhile does not stand in line behind all of them."""
    engine = await engines(concurrency=3)
    desk = Desk(engine)
    await desk.publish(wait(1))
    keeper, most = engine._timekeeper, []
    true = keeper._timers.fire

    async def fire(timer):
        most.append(len(engine._advancer._backlog))
        return await true(timer)

    keeper._timers.fire = fire
    for number in range(60):
        await desk.start(f"n{number}")
    for number in range(60):
        assert (await desk.end(f"d:n{number}")).status == "SUCCEEDED"
    assert len(most) >= 60
    assert max(most) <= 3
