"""Map Runs that cannot be driven: they are tried a few times, and then fail."""

from __future__ import annotations

import asyncio

import pytest
from desk import ME, Desk
from maps.over import TASK, children, over, the_run

from engine.errors import StoreUnavailable
from engine.runtime.maps.children import StandardChildren
from engine.runtime.maps.drive import Drive
from engine.runtime.maps.exporting import Results
from engine.runtime.maps.trying import TRIES_MAX
from engine.views import Ask


@pytest.fixture
async def desk(engines) -> Desk:
    """With leases that lapse soon, so that what has failed is soon tried again."""
    return Desk(await engines(lease_ms=500))


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
async def test_a_run_that_fails_its_drivers_time_after_time_fails_with_the_reason(
    desk: Desk, kind, monkeypatch
):
    tries = []

    async def broken(self, page):
        tries.append(page)
        raise KeyError("the page")

    monkeypatch.setattr(Drive, "_begin", broken)
    await desk.publish(over(kind=kind))
    end = await desk.end(await desk.start("n", {"items": [1, 2]}))
    assert (end.status, end.error) == ("FAILED", "States.Runtime")
    assert end.cause.endswith(
        "The Map Run was taken 5 times and came no further; the last time: KeyError: 'the page'"
    )
    assert len(tries) == TRIES_MAX
    assert (await the_run(desk)).status == "FAILED"


async def test_children_of_a_run_that_is_given_up_are_stopped(desk: Desk, monkeypatch):
    await desk.publish(over(TASK, MaxConcurrency=2))
    await desk.start("n", {"items": [1, 2, 3]})
    tasks = [(await desk.lease())[0] for _ in range(2)]

    def broken(self, held, ended):
        raise ValueError("no")

    monkeypatch.setattr(Results, "_kept", broken)
    await desk.succeed(tasks[0], 1)
    end = await desk.end("d:n")
    assert (end.status, end.error) == ("FAILED", "States.Runtime")
    assert end.cause.endswith("ValueError: no")
    assert (await the_run(desk)).status == "FAILED"
    for child in await children(desk):
        await desk.end(child.id)
    assert sorted(child.status for child in await children(desk)) == ["ABORTED", "SUCCEEDED"]


async def test_a_run_that_was_interrupted_by_redis_or_comes_further_is_tried_for_ever(
    desk: Desk, monkeypatch
):
    start, seen = Drive._start, []

    async def unlucky(self):
        seen.append(self)
        if len(seen) <= TRIES_MAX + 1:
            raise StoreUnavailable("down")
        if len(seen) <= 2 * TRIES_MAX + 2 and await start(self):
            raise ValueError("after a page")
        return await start(self)

    monkeypatch.setattr(Drive, "_start", unlucky)
    await desk.publish(over(MaxConcurrency=1))
    end = await desk.end(await desk.start("n", {"items": list(range(2 * TRIES_MAX))}))
    assert end.output.value == list(range(2 * TRIES_MAX))
    assert len(seen) > 2 * TRIES_MAX + 2


async def test_a_redrive_tries_a_run_anew_that_was_given_up(desk: Desk, monkeypatch):
    async def broken(self, page):
        raise KeyError("x")

    with monkeypatch.context() as patched:
        patched.setattr(Drive, "_begin", broken)
        await desk.publish(over())
        assert (await desk.end(await desk.start("n", {"items": [1]}))).status == "FAILED"
    await desk.engine.commands.redrive(ME, "d:n", Ask(), version=None, data=None)
    assert (await desk.end("d:n")).output.value == [1]


async def test_batches_that_were_never_started_are_stopped_with_all_their_items(
    desk: Desk, monkeypatch
):
    begun = asyncio.Event()

    async def lost(self, made):
        begun.set()
        await asyncio.sleep(3600)

    monkeypatch.setattr(StandardChildren, "start", lost)
    await desk.publish(over(ItemBatcher={"MaxItemsPerBatch": 3}))
    await desk.start("n", {"items": list(range(8))})
    await begun.wait()
    await desk.engine.commands.stop(ME, "d:n", None, None, 0)
    while (run := await the_run(desk)).stopped_ms is None:
        await asyncio.sleep(0.02)
    assert (run.status, run.items.aborted, run.executions.aborted) == ("ABORTED", 8, 3)
    assert run.items.running == 0
