"""Listing, history, pruning, and hearing of changes."""

import asyncio

import pytest
from world import LISTEN, NS, PAY, RETENTION_MS, TWO, WAIT

from engine.documents import Document
from engine.store.bounds.histories import HistoryPart
from engine.store.connection import Redis
from engine.store.finding.filter import Filter


async def ids(world, *, limit=100, **asked):
    """Every id that paging brings, in order; asserts that no page is over its limit."""
    wanted = Filter(**{"definition": "d"} | asked)
    found, after = [], None
    while True:
        page = await world.finding.page(NS, wanted, limit=limit, after=after)
        assert len(page.rows) <= limit
        found += [row.id for row in page.rows]
        after = page.next
        if after is None:
            return found


async def test_pages_bring_everything_once_newest_first(world):
    refs = [await world.start(f"n{number:02}", states=TWO) for number in range(23)]
    for ref in refs[::2]:
        await world.advance(ref)
    whole = await ids(world)
    assert sorted(whole) == sorted(ref.partition(":")[2] for ref in refs)
    started = [(await world.read(f"{NS}:{one}")).execution.started_ms for one in whole]
    assert started == sorted(started, reverse=True)
    for limit in (1, 7, 23, 24):
        assert await ids(world, limit=limit) == whole


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_paging_goes_through_any_number_that_started_in_one_millisecond(world, limit):
    await world.publish(states=TWO)
    names = [f"n{n}" for n in range(999) if world.keys.partition_of(f"{NS}:d:n{n}") < 2][:90]
    for name in names:
        await world.create(name)
    for partition in range(2):
        key = world.keys.index(partition, NS, "d", "RUNNING")
        for member in await world.redis.call(key, "ZRANGE", key, 0, -1):
            await world.redis.call(key, "ZADD", key, 1_700_000_000_000, member)
    assert await ids(world, limit=limit) == sorted((f"d:{n}" for n in names), reverse=True)


async def test_filters_by_status_state_version_and_definition(world):
    done = await world.start("done", states=TWO)
    await world.advance(done)
    await world.publish(states=PAY)
    waiting = await world.start("waiting")
    await world.advance(waiting)
    other = await world.start("other", states=WAIT, definition="e")
    await world.advance(other)
    assert await ids(world, status="SUCCEEDED") == ["d:done"]
    assert await ids(world, status="RUNNING") == ["d:waiting"]
    assert await ids(world, status="FAILED") == []
    assert await ids(world, state="Pay") == ["d:waiting"]
    assert await ids(world, state="A") == []
    assert await ids(world, version=1) == ["d:done"]
    assert await ids(world, version=2, status="RUNNING", limit=1) == ["d:waiting"]
    assert await ids(world, definition="e") == ["e:other"]
    assert sorted(await ids(world, definition=None)) == ["d:done", "d:waiting", "e:other"]
    assert await ids(world, definition=None, state="Nap") == ["e:other"]


async def test_a_listing_reads_its_own_writes(world):
    ref = await world.start(states=LISTEN)
    assert await ids(world, status="RUNNING") == ["d:n"]
    await world.advance(ref)
    assert await ids(world, state="Ask") == ["d:n"]
    await world.signals.deliver(ref, "go", "1", Document.of(1))
    await world.advance(ref)
    assert await ids(world, state="Ask") == await ids(world, status="RUNNING") == []
    page = await world.finding.page(NS, Filter(definition="d", status="SUCCEEDED"), limit=1)
    [row] = page.rows
    assert (row.id, row.status, row.state) == ("d:n", "SUCCEEDED", "")
    assert row.stopped_ms >= row.started_ms > 1_600_000_000_000


async def test_what_moves_while_a_page_is_read_is_shown_once(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    partition = world.keys.partition_of(ref)
    key = world.keys.index(partition, NS, "d", "RUNNING")
    started = (await world.read(ref)).execution.started_ms
    await world.redis.call(key, "ZADD", key, started, "d:n")  # as its commit came between the reads
    assert await ids(world) == ["d:n"]


async def test_history_is_paged_by_record_number_and_never_has_a_gap(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    everything = await world.listing.history(NS, "d:n", 1, 1000)
    whole, count = everything.records, everything.newest
    assert [record.id for record in whole] == list(range(1, count + 1))
    paged = []
    for first in range(1, count + 1, 2):
        part = await world.listing.history(NS, "d:n", first, first + 1)
        paged += part.records
        assert (part.newest, part.dropped) == (count, 0)
    assert paged == whole
    assert (await world.listing.history(NS, "d:never", 1, 10)) == HistoryPart([], 0)


async def test_a_closed_execution_is_pruned_to_its_tombstone_when_its_retention_is_over(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    assert await world.listing.prune(await world.now_ms(), 10, 60_000) == 0
    await world.pass_time(RETENTION_MS)
    assert await world.listing.prune(await world.now_ms(), 10, 600_000) == 1
    stored = await world.read(ref)
    assert (stored.pruned, stored.execution.status) == (True, "SUCCEEDED")
    mine = [key for key in await world.names() if ":x:" in key]
    assert mine == [world.keys.of(ref).execution]
    assert await ids(world) == []
    assert world.keys.closed(world.keys.partition_of(ref)) not in await world.names()


async def test_a_tombstone_whose_time_has_passed_is_not_kept(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    await world.pass_time(RETENTION_MS)
    await world.listing.prune(await world.now_ms(), 10, 0)
    assert [key for key in await world.names() if ":x:" in key] == []
    assert (await world.create()).verdict == "created"


async def test_a_running_execution_is_never_pruned_whatever_the_set_says(world):
    ref = await world.start(states=PAY)
    await world.advance(ref)
    key = world.keys.closed(world.keys.partition_of(ref))
    await world.redis.call(key, "ZADD", key, 1, ref)
    before = await world.snapshot()
    assert await world.listing.prune(await world.now_ms(), 10, 60_000) == 0
    assert await world.snapshot() == before


async def test_watched_commits_are_announced_and_the_last_as_the_end(world):
    ref = await world.start(states=TWO)
    other = Redis(world.redis.url)
    heard: list[bytes] = []
    connection = other.new_connection()
    await connection.connect()
    await connection.send_command("SUBSCRIBE", world.keys.changes)
    await connection.read_response(disable_decoding=True)
    assert await world.listing.watch("default:d:never", 1000) is None
    claim = await world.claim(ref)
    await world.step(claim)  # nobody watches yet
    assert await world.listing.watch(ref, 60_000) == ("RUNNING", 1)
    while not (await world.step(claim)).released:
        pass
    while b"closed" not in b" ".join(heard[-1:]):
        async with asyncio.timeout(30):
            heard.append((await connection.read_response(disable_decoding=True))[2])
    assert heard == [ref.encode()] * (len(heard) - 1) + [f"{ref} closed".encode()]
    assert await world.listing.watch(ref, 60_000) == ("SUCCEEDED", claim.execution.revision)
    await connection.disconnect()
    await other.close()
