"""Which children wait for the redrive of their Map Run."""

from __future__ import annotations

from desk import ME, Desk
from maps.over import TASK, children, over

from engine.views import Ask, Outcome


async def waiting(desk: Desk) -> list[str]:
    """How those that wait have ended."""
    return [child.status for child in await children(desk, is_waiting=True)]


async def test_children_wait_from_the_redrive_on_until_it_has_come_to_them(desk: Desk):
    await desk.publish(over(TASK, MaxConcurrency=1, ToleratedFailureCount=2))
    await desk.start("n", {"items": ["a", "b", "c"]})
    for _ in range(3):
        [task] = await desk.lease()
        outcome = Outcome(task.token, error="E", cause="why", lease=task.lease)
        await desk.engine.commands.settle(ME, outcome)
    assert (await desk.end("d:n")).status == "FAILED"
    assert await waiting(desk) == []
    await desk.engine.commands.redrive(ME, "d:n", Ask(), version=None, data=None)
    seen = []
    for _ in range(3):
        [task] = await desk.lease()
        seen.append(await waiting(desk))
        await desk.succeed(task, task.input.value)
    assert seen == [["FAILED", "FAILED"], ["FAILED"], []]
    assert (await desk.end("d:n")).output.value == ["a", "b", "c"]
