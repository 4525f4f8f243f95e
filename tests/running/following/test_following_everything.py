"""Following all executions: every change once and in one order, resumed exactly, and a gap that is told."""

from __future__ import annotations

import asyncio
import json

import pytest
from desk import ME, Desk
from stream_reader import events_in, events_of

from engine.core.events import MigrateRequested
from engine.documents import Document
from engine.errors import InvalidRequest
from engine.runtime import followers
from engine.store.feed import Place, read_place
from engine.store.finding.filter import Filter
from engine.store.keys import ref_of

WAIT = {
    "Ask": {"Type": "Task", "Resource": "signal:go", "Next": "Rest"},
    "Rest": {"Type": "Succeed"},
}


@pytest.fixture
async def engine(engines):
    return await engines(changes_kept=100_000)


async def changes(engine, after="0", **more):
    """All that there is after a place, page by page."""
    found = []
    while True:
        asked = {"after": after, "definition": None, "wait_ms": 0} | more
        page = await engine.feed.changes(ME, **asked)
        assert not page.gap
        found += page.changes
        if not page.changes:
            return found
        after = page.place


async def settled(engine, count):
    """All changes, once there are so many: a change is told as soon as Redis' clock has gone on."""
    async with asyncio.timeout(30):
        while len(found := await changes(engine)) < count:
            await asyncio.sleep(0.01)
    return found


async def run(desk, *names, definition="d"):
    await desk.publish(WAIT, name=definition)
    for name in names:
        execution = await desk.start(name, definition=definition)
        await desk.engine.commands.signal(ME, execution, "go", Document.of(1), None)
        await desk.end(execution)


async def waiting(engine):
    return await engine.queries.executions(
        ME, Filter(definition="d", state="Ask"), limit=1000, cursor=None
    )


def story(found):
    return [(change.kind, change.execution, change.status) for change in found]


async def test_starts_rests_and_ends_are_told_in_their_order(desk):
    await desk.publish(WAIT)
    execution = await desk.start("n")
    [started, parked] = await settled(desk.engine, 2)
    assert (started.kind, parked.kind) == ("started", "parked")
    assert (parked.state, parked.version, parked.definition, parked.revision) == ("Ask", 1, "d", 1)
    await desk.engine.commands.signal(ME, execution, "go", Document.of(1), None)
    found = await settled(desk.engine, 3)
    assert story(found)[2] == ("closed", execution, "SUCCEEDED")
    assert [change.time for change in found] == sorted(change.time for change in found)


async def test_a_reader_goes_on_after_any_change_with_exactly_what_followed(desk):
    await run(desk, *(f"n{number}" for number in range(12)))
    found = await settled(desk.engine, 24)
    assert len({change.place for change in found}) == len(found)
    for number, change in enumerate(found):
        assert await changes(desk.engine, change.place) == found[number + 1 :]


async def test_nothing_is_missed_or_told_twice_while_executions_change_at_two_engines(
    desk, engines
):
    other = Desk(await engines(changes_kept=100_000))
    await desk.publish(WAIT)
    told = []

    async def follow():
        after, ends = "0", 0
        while ends < 60:
            page = await other.engine.feed.changes(ME, after=after, definition=None, wait_ms=5000)
            told.extend(page.changes)
            ends = sum(change.kind == "closed" for change in told)
            after = page.place

    async def one(number):
        at = (desk, other)[number % 2]
        execution = await at.start(f"n{number}")
        await at.engine.commands.signal(ME, execution, "go", Document.of(1), None)

    async with asyncio.timeout(60):
        await asyncio.gather(follow(), *(one(number) for number in range(60)))
    assert told == await changes(desk.engine)
    assert len({change.place for change in told}) == len(told)
    assert sum(change.kind == "started" for change in told) == 60


async def test_a_commit_at_another_server_wakes_who_follows_here(desk, engines, monkeypatch):
    monkeypatch.setattr(followers, "LOOK_SECONDS", 1000)
    other = await engines(changes_kept=100_000)
    await desk.publish(WAIT)
    place = (await other.feed.changes(ME, after=None, definition=None, wait_ms=0)).place
    for name in ("a", "b"):
        following = asyncio.create_task(
            other.feed.changes(ME, after=place, definition=None, wait_ms=60_000)
        )
        await asyncio.sleep(0.3)
        assert not following.done()
        await desk.start(name)
        page = await following
        assert page.changes[0].execution == f"d:{name}"
        while page.changes[-1].kind != "parked":
            page = await other.feed.changes(ME, after=page.place, definition=None, wait_ms=60_000)
        place = page.place


async def test_changes_of_one_definition_are_told_without_the_others(desk):
    await run(desk, "a", definition="d")
    await run(desk, "b", definition="e")
    await settled(desk.engine, 4)
    found = await changes(desk.engine, definition="e")
    assert {change.execution for change in found} == {"e:b"}
    assert found[-1].kind == "closed"


async def test_a_place_that_is_none_is_refused(desk):
    for text in ("", "x", "1-2", "-1", "1-2-3-4", "1" * 16, "٣"):
        with pytest.raises(InvalidRequest):
            await desk.engine.feed.changes(ME, after=text, definition=None, wait_ms=0)


def test_a_place_is_read_as_it_is_written():
    for place in (Place(7), Place(7, 0, 0), Place(7, 63, 12)):
        assert read_place(str(place)) == place
    assert Place(7) < Place(7, 0, 0) < Place(7, 0, 1) < Place(7, 1, 0) < Place(8)


async def test_changes_that_are_kept_no_longer_leave_a_gap_that_is_told(engines):
    desk = Desk(await engines(changes_kept=50, partitions=1))
    await desk.publish(WAIT)
    for number in range(300):  # a stream lets go of a hundred entries at a time
        await desk.start(f"n{number}")
    async with asyncio.timeout(30):
        while len((await waiting(desk.engine)).executions) < 300:
            await asyncio.sleep(0.05)
    page = await desk.engine.feed.changes(ME, after="1", definition=None, wait_ms=0)
    assert page.gap
    rest = await changes(desk.engine, page.place)  # which asks that nothing is missing there
    assert rest[-1].place > page.place


async def test_a_stream_tells_what_happens_from_now_on(desk, http):
    await run(desk, "before")
    await settled(desk.engine, 2)
    async with http.stream("GET", "/v1/events") as response:
        events = events_of(response)
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.2)
        await run(desk, "after")
        seen = [await first]
        while seen[-1].kind != "closed":
            seen.append(await anext(events))
    assert {event.data["execution"] for event in seen} == {"d:after"}
    assert seen[0].kind == "started"
    assert [event.id for event in seen] == [event.data["place"] for event in seen]


async def test_a_stream_is_resumed_at_another_server_without_a_loss(desk, faces, engines):
    await run(desk, "a", "b", "c")
    found = await settled(desk.engine, 6)
    first, server = await faces(desk.engine)
    async with first.stream("GET", "/v1/events?after=0") as response:
        events = events_of(response)
        seen = [await anext(events), await anext(events)]
    await server.stop()
    other, _ = await faces(await engines(changes_kept=100_000))
    async with other.stream(
        "GET", "/v1/events?after=0", headers={"last-event-id": seen[-1].id}
    ) as response:
        events = events_of(response)
        while len(seen) < len(found):
            seen.append(await anext(events))
    assert [event.data["place"] for event in seen] == [change.place for change in found]


async def test_a_stopping_server_ends_the_stream(desk, faces):
    client, server = await faces(desk.engine)
    async with client.stream("GET", "/v1/events") as response:
        await server.stop()
        text = await response.aread()
    assert events_in(text.decode()) == []


async def test_a_server_that_keeps_no_changes_says_so(engines, faces):
    client, _ = await faces(await engines(changes_kept=0))
    refused = await client.get("/v1/events")
    assert (refused.status_code, refused.json()["code"]) == (409, "changes_not_kept")


async def test_an_execution_that_moves_to_another_version_is_told_of(desk, engine):
    spec = json.dumps({"StartAt": "Ask", "States": WAIT})
    await engine.commands.publish(ME, "d", spec.encode(), "json")
    execution = await desk.start("n")
    await settled(engine, 2)
    await desk.publish(WAIT, Comment="second")
    await move(engine, execution, 2)
    found = await settled(engine, 3)
    assert [(c.kind, c.version) for c in found if c.kind == "moved"] == [("moved", 2)]


async def move(engine, execution, version):
    event = MigrateRequested(version, {}, frozenset(), "tester", None, "move")
    ref = ref_of(ME.namespace, execution)
    await engine.commands._signals.control(ref, event, operation="move")
    engine._offer(ref)
