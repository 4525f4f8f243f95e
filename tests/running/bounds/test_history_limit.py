"""A definition that keeps its newest records: an endless loop goes on for ever in a bounded history."""

from __future__ import annotations

import itertools

import pytest
from desk import ME, Desk, until
from world import World

from engine.errors import ExecutionNotFound
from engine.language.machine import Keeping
from engine.store.commits.parts import TRIM_MAX, TRIM_SLACK
from engine.store.connection import Redis

KEPT = 100
PER_COMMIT = 10  # records of one transition, at the most, in these tests


async def page(desk, execution, after=None, limit=1000, *, descending=False):
    return await desk.engine.queries.history(
        ME, execution, after=after, limit=limit, descending=descending
    )


async def whole(desk, execution, limit, *, descending=False):
    """Every id that paging brings, in order."""
    found, after = [], None
    while True:
        part = await page(desk, execution, after, limit, descending=descending)
        found += [event["id"] for event in part.events]
        after = part.next
        if after is None:
            return found, part.dropped


async def stopped_loop(desk, loop, transitions):
    """The execution of a loop that was stopped after so many transitions."""
    await desk.publish(loop, Detent={"HistoryRecords": KEPT})
    execution = await desk.start("n")
    await until(lambda: desk.engine.counters.value("detent_transitions_total") > transitions)
    await desk.engine.commands.stop(ME, execution, None, None, 60_000)
    return (await desk.end(execution)).id


async def test_an_endless_loop_goes_on_beyond_the_servers_limit_in_a_bounded_history(engines, loop):
    desk = Desk(await engines(history_records_max=100))
    await desk.publish(loop, Detent={"HistoryRecords": KEPT})
    execution = await desk.start("n")
    await until(lambda: desk.engine.counters.value("detent_transitions_total") > 1000)
    assert (await desk.describe(execution)).status == "RUNNING"
    key = desk.engine.pruner._listing._keys.of(f"default:{execution}").history
    length = await desk.engine.redis.call(key, "LLEN", key)
    assert KEPT <= length <= KEPT + TRIM_SLACK + PER_COMMIT


async def test_without_a_limit_of_its_own_a_definition_has_the_servers(engines, loop):
    desk = Desk(await engines(history_records_max=100))
    await desk.publish(loop)
    view = await desk.end(await desk.start("n"))
    assert (view.status, view.error) == ("FAILED", "States.Runtime")
    assert len(await desk.kinds(view.id)) == 100


async def test_a_closed_execution_keeps_exactly_the_newest_and_says_what_was_dropped(desk, loop):
    execution = await stopped_loop(desk, loop, 300)
    found = await page(desk, execution)
    ids = [event["id"] for event in found.events]
    assert found.events[-1]["type"] == "ExecutionAborted"
    assert ids == list(range(ids[-1] - KEPT + 1, ids[-1] + 1))
    assert (found.dropped.first, found.dropped.last) == (1, ids[0] - 1)
    assert found.dropped.count == ids[0] - 1


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 7, 1000])
async def test_pages_hold_every_record_that_is_kept_once(desk, loop, limit, descending):
    execution = await stopped_loop(desk, loop, 300)
    ids, dropped = await whole(desk, execution, limit, descending=descending)
    assert ids == sorted(range(dropped.last + 1, dropped.last + KEPT + 1), reverse=descending)


async def test_a_page_after_a_record_begins_with_the_next_one_that_is_kept(desk, loop):
    execution = await stopped_loop(desk, loop, 300)
    last = (await page(desk, execution)).dropped.last
    for after, first in ((1, last + 1), (last, last + 1), (last + 5, last + 6)):
        assert (await page(desk, execution, after, 3)).events[0]["id"] == first
    for after in (1, 2, last + 1):
        assert (await page(desk, execution, after, descending=True)).events == []
    shown = await page(desk, execution, last + 3, descending=True)
    assert [event["id"] for event in shown.events] == [last + 2, last + 1]


async def test_pages_read_while_the_history_is_trimmed_have_no_gap_inside(desk, loop):
    await desk.publish(loop, Detent={"HistoryRecords": KEPT})
    execution = await desk.start("n")
    after, seen = None, 0
    while seen < 2000:
        found = await page(desk, execution, after, 50)
        ids = [event["id"] for event in found.events]
        if ids:
            assert ids == list(range(ids[0], ids[-1] + 1))
            assert ids[0] > (after or 0)
            after = seen = ids[-1]


# Of the commits


@pytest.fixture
async def world(url):
    redis = Redis(url)
    await redis.open()
    yield World(redis)
    await redis.close()


async def test_a_limit_that_came_later_is_reached_by_pieces(world, loop):
    """As after a migration to a version that keeps less."""
    ref = await world.start(states=loop)
    held = await world.claim(ref)
    while held.execution.last_record < 2 * TRIM_MAX:
        await world.step(held)
    held.keeping = Keeping(history_records=KEPT)
    sizes = [held.execution.last_record]
    while held.dropped < held.execution.last_record - KEPT - TRIM_SLACK:
        await world.step(held)
        sizes.append(held.execution.last_record - held.dropped)
    assert all(before - after <= TRIM_MAX for before, after in itertools.pairwise(sizes))
    part = await world.listing.history("default", "d:n", 1, 10**6)
    assert len(part.records) == sizes[-1]
    assert part.records[0].id == held.dropped + 1


async def test_most_commits_of_a_loop_trim_nothing(world, loop):
    ref = await world.start(states=loop)
    held = await world.claim(ref)
    held.keeping = Keeping(history_records=KEPT)
    trims, steps = 0, 300
    for _ in range(steps):
        before = held.dropped
        await world.step(held)
        trims += held.dropped > before
    assert 0 < trims <= steps * PER_COMMIT / TRIM_SLACK


async def test_what_was_dropped_outlives_its_holder(world, loop):
    ref = await world.start(states=loop)
    held = await world.claim(ref)
    held.keeping = Keeping(history_records=KEPT)
    while not held.dropped:
        await world.step(held)
    await world.executions.release(held, reset=True)
    assert (await world.claim(ref, "other")).dropped == held.dropped


# Of retention


@pytest.mark.parametrize(("hours", "kept_ms"), [(None, 60_000), (0.5, 1_800_000), (2.0, 7_200_000)])
async def test_a_definitions_retention_wins_over_the_servers(world, hours, kept_ms):
    ref = await world.start(states={"A": {"Type": "Succeed"}})
    held = await world.claim(ref)
    held.keeping = Keeping(retention_hours=hours)
    while not (await world.step(held)).released:
        pass
    await world.pass_time(kept_ms - 10_000)
    assert await world.listing.prune(await world.now_ms(), 10, 0) == 0
    await world.pass_time(10_000)
    assert await world.listing.prune(await world.now_ms(), 10, 0) == 1
    with pytest.raises(ExecutionNotFound):
        await world.read(ref)
