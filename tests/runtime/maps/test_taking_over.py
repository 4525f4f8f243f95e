"""Map Runs that are taken over between two of their driver's writes."""

from __future__ import annotations

import pytest
from desk import ME, Desk
from maps.over import FAIL_ODD, TASK, children, end_of, odd, over, the_run

from engine.errors import StoreUnavailable
from engine.runtime.maps.children import StandardChildren
from engine.views import Ask, Outcome


@pytest.fixture
async def desk(engines) -> Desk:
    """With leases that lapse soon, so that a run is soon taken again."""
    return Desk(await engines(lease_ms=500))


def lost_once(monkeypatch, name: str) -> list[int]:
    """The first call of this method of children is never made; how many there have been."""
    method, calls = getattr(StandardChildren, name), [0]

    async def called(self, *given):
        calls[0] += 1
        if calls[0] == 1:
            raise StoreUnavailable("the driver is gone")
        return await method(self, *given)

    monkeypatch.setattr(StandardChildren, name, called)
    return calls


async def test_what_was_noted_and_not_started_is_started_within_the_window(desk, monkeypatch):
    calls = lost_once(monkeypatch, "start")
    await desk.publish(over(TASK, MaxConcurrency=2))
    await desk.start("n", {"items": ["a", "b", "c", "d", "e"]})
    seen = []
    for _ in range(5):
        tasks = [(await desk.lease())[0]] + await desk.lease(most=9, wait_ms=300)
        run = await the_run(desk)
        assert len(tasks) <= 2
        assert run.executions.running <= 2
        for task in tasks:
            seen.append(task.input.value)
            await desk.succeed(task, task.input.value)
        if len(seen) == 5:
            break
    assert (await desk.end("d:n")).output.value == ["a", "b", "c", "d", "e"]
    assert sorted(seen) == ["a", "b", "c", "d", "e"]
    assert calls[0] > 1


async def test_a_run_that_has_failed_sees_to_what_was_noted_and_not_started(desk, monkeypatch):
    method, calls = StandardChildren.start, [0]

    async def called(self, children):
        calls[0] += 1
        if calls[0] == 1:
            await method(self, children[:1])
            raise StoreUnavailable("the driver is gone")
        return await method(self, children)

    monkeypatch.setattr(StandardChildren, "start", called)
    view = await end_of(desk, over(FAIL_ODD), odd(1, 2, 4))
    assert (view.status, view.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    assert {"FAILED"} <= {child.status for child in await children(desk)}
    assert (await the_run(desk)).executions.running == 0
    assert calls[0] > 1


async def test_a_redrive_that_was_noted_and_not_begun_goes_on_with_whoever_takes_the_run(
    desk, monkeypatch
):
    await desk.publish(over(TASK, MaxConcurrency=3))
    await desk.start("n", {"items": ["a", "b", "c"]})
    tasks = [(await desk.lease())[0] for _ in range(3)]
    await desk.succeed(tasks[0], tasks[0].input.value)
    for task in tasks[1:]:
        outcome = Outcome(task.token, error="E", cause="why", lease=task.lease)
        await desk.engine.commands.settle(ME, outcome)
    assert (await desk.end("d:n")).status == "FAILED"
    calls = lost_once(monkeypatch, "redrive")
    await desk.engine.commands.redrive(ME, "d:n", Ask(), version=None, data=None)
    seen = []
    for _ in range(2):
        [task] = await desk.lease()
        seen.append(task.input.value)
        await desk.succeed(task, task.input.value)
    assert (await desk.end("d:n")).output.value == ["a", "b", "c"]
    assert sorted([*seen, tasks[0].input.value]) == ["a", "b", "c"]
    assert calls[0] > 1
    counts = (await the_run(desk)).executions
    assert (counts.succeeded, counts.failed, counts.running, counts.total) == (3, 0, 0, 3)
