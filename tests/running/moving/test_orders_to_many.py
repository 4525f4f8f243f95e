"""One order to many executions: each is told once, and answers."""

from __future__ import annotations

import asyncio

from desk import ME

from engine.documents import Document
from engine.runtime.bulk.asked import Asked, Wanted

WAIT = {"Type": "Task", "Resource": "signal:go", "Next": "Done"}
STATES = {"A": WAIT, "Done": {"Type": "Succeed"}}


async def parked(desk, count, states=STATES):
    await desk.publish(states)
    ids = [await desk.start(f"n{number}", {"n": number}) for number in range(count)]
    async with asyncio.timeout(60):
        for each in ids:
            while not (await desk.describe(each)).waiting_signals:
                await asyncio.sleep(0.01)
    return ids


async def done(desk, kind, wanted=None, **more):
    asked = Asked(kind=kind, wanted=wanted or Wanted(definition="d"), by="ops", **more)
    begun = await desk.engine.operations.begin(ME, asked, None)
    async with asyncio.timeout(60):
        while (view := await desk.engine.operations.operation(ME, begun.id)).status != "DONE":
            await asyncio.sleep(0.02)
    assert view.waiting == 0
    return view.answers


async def test_all_are_paused_and_resumed_and_those_that_are_not_paused_refuse(desk):
    ids = await parked(desk, 6)
    one = Wanted(definition="d", ids=(ids[0],))
    assert await done(desk, "pause", one) == {"done": 1}
    assert await done(desk, "pause") == {"done": 5, "refused": 1}
    assert await done(desk, "resume") == {"done": 6}
    await desk.engine.commands.signal(ME, ids[3], "go", Document.of("on"), None)
    assert (await desk.end(ids[3])).output.value == "on"


async def test_all_are_sent_to_a_state_with_data(desk):
    ids = await parked(desk, 4)
    given = {"state": "Done", "data": '{"sent": true}'}
    assert await done(desk, "goto", given=given) == {"done": 4}
    for each in ids:
        assert (await desk.end(each)).output.value == {"sent": True}


async def test_those_that_rest_in_a_state_are_terminated_with_an_error_and_redriven(desk):
    ids = await parked(desk, 5)
    await desk.engine.commands.signal(ME, ids[0], "go", Document.of(1), None)
    await desk.end(ids[0])
    at_a = Wanted(definition="d", state="A")
    assert await done(desk, "terminate", at_a, given={"error": "Wrong"}) == {"done": 4}
    for each in ids[1:]:
        assert (await desk.end(each)).error == "Wrong"
    failed = Wanted(definition="d", status="ABORTED", error="Wrong")
    assert await done(desk, "redrive", failed) == {"done": 4}
    async with asyncio.timeout(60):
        while not (await desk.describe(ids[4])).waiting_signals:
            await asyncio.sleep(0.01)
    view = await desk.describe(ids[4])
    assert (view.status, view.redrives) == ("RUNNING", 1)


async def test_history_says_who_gave_the_order_and_why(desk):
    [execution] = await parked(desk, 1)
    await done(desk, "pause", reason="the bank is down")
    page = await desk.engine.queries.history(ME, execution, after=None, limit=100, descending=True)
    paused = page.events[0]
    assert paused["type"] == "ExecutionPaused"
    details = paused["executionPausedEventDetails"]
    assert (details["by"], details["reason"]) == ("ops", "the bank is down")
