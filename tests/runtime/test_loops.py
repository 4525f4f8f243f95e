"""The other loops: pruning, hearing of changes, and the supervisor that keeps them all running."""

import asyncio
import itertools
import logging
from types import SimpleNamespace

import pytest
from desk import ME, Desk, until

from engine.clock import ManualClock
from engine.errors import ExecutionAlreadyExists, StoreUnavailable
from engine.runtime import sweeper
from engine.runtime.changes import Changes
from engine.runtime.supervisor import Supervisor
from engine.telemetry import Counters

PASS = {"A": {"Type": "Pass", "End": True}}
LISTEN = {"Ask": {"Type": "Task", "Resource": "signal:go", "End": True}}


async def test_what_closed_longer_ago_than_its_retention_is_pruned_and_its_name_stays_taken(
    engines,
):
    desk = Desk(await engines(retention_hours=0, tombstone_hours=1))
    await desk.publish(PASS)
    await desk.end(await desk.start("n"))
    async with asyncio.timeout(60):
        while await desk.engine.pruner.tick() == 0:
            await asyncio.sleep(0.01)
    assert await desk.kinds("d:n") == []
    assert (await desk.describe("d:n")).status == "SUCCEEDED"
    with pytest.raises(ExecutionAlreadyExists):
        await desk.start("n")


async def test_what_is_kept_is_not_pruned(engines):
    desk = Desk(await engines(retention_hours=1))
    await desk.publish(PASS)
    await desk.end(await desk.start("n"))
    assert await desk.engine.pruner.tick() == 0
    assert len(await desk.kinds("d:n")) > 0


async def test_a_change_made_at_one_process_wakes_who_waits_at_another(engines):
    first, second = Desk(await engines()), Desk(await engines(advances=False))
    second.engine.changes.tick = None  # only announcements count here
    await first.publish(LISTEN)
    execution = await first.start("n")
    waiting = asyncio.create_task(second.end(execution))
    await until(lambda: f"default:{execution}" in second.engine.changes._waiting)
    await first.engine.commands.signal(ME, execution, "go", _one(), "1")
    assert (await waiting).status == "SUCCEEDED"


async def test_who_waits_for_the_end_is_not_woken_by_every_step():
    changes = Changes()
    with changes.watching("r", end=True) as end, changes.watching("r") as any_change:
        changes.ring("r", closed=False)
        await any_change.wait(60)
        assert not end._event.is_set()
        changes.ring("r", closed=True)
        await end.wait(60)
    assert not changes._waiting


async def test_a_tick_lets_everyone_look_for_himself():
    changes = Changes()
    with changes.watching("r", end=True) as change:
        await changes.tick()
        await change.wait(60)


async def test_a_change_between_looking_and_waiting_is_not_missed():
    changes = Changes()
    with changes.watching("r") as change:
        changes.ring("r", closed=False)
        await change.wait(60)
        waited = asyncio.create_task(change.wait(60))
        await asyncio.sleep(0)
        assert not waited.done()
        changes.ring("r", closed=False)
        await waited


async def test_the_supervisor_starts_a_loop_that_failed_again_and_later_each_time(caplog):
    clock = ManualClock()
    supervisor = Supervisor(clock, Counters())
    begun = []

    async def run():
        begun.append(clock.monotonic())
        if len(begun) % 2:
            raise RuntimeError("no")
        raise StoreUnavailable("gone")

    with caplog.at_level(logging.WARNING, "detent.supervisor"):
        supervisor.forever("loop", run)
        while len(begun) < 6:
            await asyncio.sleep(0)
            clock.advance(10)
        await supervisor.stop()
    pauses = [later - earlier for earlier, later in itertools.pairwise(begun)]
    assert pauses[0] < 0.2
    assert pauses[-1] > 5 * pauses[0]
    assert {record.name for record in caplog.records} == {"detent.supervisor"}


async def test_the_supervisor_repeats_a_tick_about_as_often_as_told_and_stops_where_it_waits():
    clock = ManualClock()
    supervisor = Supervisor(clock, Counters())
    ticks = []

    async def tick():
        ticks.append(clock.monotonic())

    supervisor.every(1.0, "tick", tick)
    while len(ticks) < 11:
        await asyncio.sleep(0)
        clock.advance(10)
    assert 9 <= ticks[-1] - ticks[0] <= 11.5
    await supervisor.stop()
    clock.advance(10_000)
    await asyncio.sleep(0)
    assert len(ticks) == 11


def _one():
    from engine.documents import Document

    return Document.of(1)


class Deaf:
    """Executions of which one partition never answers; the others count how often they were looked at."""

    def __init__(self):
        self.looks = []

    async def due(self, partition, now_ms, most):
        self.looks.append(partition)
        if partition == 1:
            await asyncio.Event().wait()
        if partition == 2:
            raise StoreUnavailable("its node is lost")
        return [f"default:d:{partition}"]


async def test_a_partition_that_does_not_answer_holds_up_no_sweep_of_the_others(
    engines, monkeypatch
):
    engine = await engines(partitions=4)
    await engine._supervisor.stop()
    monkeypatch.setattr(sweeper, "PATIENCE_SECONDS", 0.05)
    deaf, offered = Deaf(), []
    advancer = SimpleNamespace(room=10, offer=offered.append)
    swept = sweeper.Sweeper(
        deaf, engine.sweeper._keys, engine.clock, engine.dispatcher, advancer, None
    )
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await swept.tick()
    assert deaf.looks.count(1) == 1
    assert [deaf.looks.count(p) for p in (0, 2, 3)] == [3, 3, 3]
    assert offered.count("default:d:0") == offered.count("default:d:3") == 3
    ending = asyncio.create_task(swept.tick())
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)
    await asyncio.sleep(0)
    assert all(task.done() for task in swept._out.values())
