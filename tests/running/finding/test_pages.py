"""Pages, scans and counts: complete, in order, bounded, and from the smallest index."""

from __future__ import annotations

import random

import pytest
from planting import plant, unplant
from world import NS

from engine.store.finding import finding
from engine.store.finding.filter import Filter
from engine.store.finding.finding import CANDIDATES_MAX
from engine.store.finding.rows import Row


def row(number: int, **more) -> Row:
    given = {"version": 1, "status": "RUNNING", "started_ms": 1_764_000_000_000 + number} | more
    return Row(f"d:n{number:05}", **given)


async def plant_many(world, rows) -> None:
    for one in rows:
        await plant(world, one)


async def paged(world, wanted, *, limit=100):
    found, after, pages = [], None, 0
    while True:
        page = await world.finding.page(NS, wanted, limit=limit, after=after)
        assert len(page.rows) <= limit
        found += [one.id for one in page.rows]
        after, pages = page.next, pages + 1
        if after is None:
            return found, pages


async def scanned(world, wanted, *, limit):
    found = []
    for partition in range(world.keys.partitions):
        after = None
        while True:
            rows, after = await world.finding.scan(NS, wanted, partition, after, limit)
            assert len(rows) <= limit
            found += [one.id for one in rows]
            if after is None:
                break
    return found


def counted(redis):
    """Counts the commands of one kind of question, and what they bring."""
    seen = {"commands": 0, "members": 0}
    call = redis.call

    async def counting(future):
        reply = await future
        seen["members"] += len(reply) if isinstance(reply, list) else 1
        return reply

    def asked(key, *args):
        seen["commands"] += 1
        return counting(call(key, *args))

    redis.call = asked
    return seen


FILTERS = [
    {},
    {"definition": "d"},
    {"definition": "d", "status": "FAILED"},
    {"definition": "d", "version": 2},
    {"definition": "d", "version": 2, "status": "RUNNING"},
    {"definition": "d", "state": "B"},
    {"definition": "d", "error": "E1"},
    {"definition": "d", "attributes": (("who", "w1"),)},
    {"definition": "d", "attributes": (("who", "w1"), ("sum", "3"))},
    {"definition": "d", "attributes": (("sum", "3"),), "status": "FAILED", "version": 1},
    {"definition": "d", "started_from_ms": 1_764_000_000_020},
    {
        "version": 2, "definition": "d", "started_from_ms": 1_764_000_000_020,
        "started_until_ms": 1_764_000_000_090,
    },
    {"state": "A"},
    {"error": "E0"},
]  # fmt: skip


def kinds() -> list[Row]:
    """Executions of all kinds, several of a millisecond."""
    chance = random.Random(7)
    rows = []
    for number in range(150):
        status = chance.choice(["RUNNING", "RUNNING", "FAILED", "SUCCEEDED"])
        rows.append(
            row(
                number,
                version=chance.choice([1, 2]),
                status=status,
                started_ms=1_764_000_000_000 + number // 3 * 3,
                stopped_ms=None if status == "RUNNING" else 1_764_000_100_000,
                state=chance.choice(["A", "B", ""]) if status == "RUNNING" else "",
                error=f"E{number % 2}" if status == "FAILED" else None,
                attributes={"who": f"w{number % 4}", "sum": number % 5},
            )
        )
    return rows


async def test_whatever_the_filter_pages_scans_and_counts_agree_with_looking_at_everything(alone):
    await alone.publish()
    rows = kinds()
    await plant_many(alone, rows)
    newest = sorted(rows, key=lambda one: (one.started_ms, one.id), reverse=True)
    for asked in FILTERS:
        wanted = Filter(**asked)
        right = [one.id for one in newest if wanted.matches(one)]
        for limit in (1, 7, 1000):
            assert (await paged(alone, wanted, limit=limit))[0] == right, asked
        for limit in (1, 50):
            assert sorted(await scanned(alone, wanted, limit=limit)) == sorted(right), asked
        count = await alone.finding.count(NS, wanted)
        assert (count.count, count.exact) == (len(right), True), asked


async def test_a_scan_is_oldest_first_so_that_what_starts_later_comes_last(alone):
    rows = [row(n) for n in range(40)]
    await plant_many(alone, rows)
    wanted = Filter(definition="d", status="RUNNING")
    before, after = await alone.finding.scan(NS, wanted, 1, None, 3)
    assert [one.started_ms for one in before] == sorted(one.started_ms for one in before)
    late = next(n for n in range(40, 99) if alone.keys.partition_of(f"{NS}:d:n{n:05}") == 1)
    await plant(alone, row(late))
    found = [one.id for one in before]
    while after is not None:
        more, after = await alone.finding.scan(NS, wanted, 1, after, 3)
        found += [one.id for one in more]
    there = [one.id for one in [*rows, row(late)] if alone.keys.partition_of(f"{NS}:{one.id}") == 1]
    assert found == there


async def test_a_page_is_read_from_the_index_with_the_fewest_candidates(alone):
    rows = [row(n, state="A", attributes={"who": "all", "one": n}) for n in range(300)]
    await plant_many(alone, rows)
    wanted = {"definition": "d", "attributes": (("who", "all"), ("one", "7")), "state": "A"}
    seen = counted(alone.redis)
    found = await alone.finding.page(NS, Filter(**wanted), limit=10)
    assert [one.id for one in found.rows] == ["d:n00007"]
    assert found.next is None
    # Three counts in each of four partitions, four stretches, of which one has one member, and its row.
    assert seen["commands"] == 3 * 4 + 4 + 1
    assert seen["members"] == 3 * 4 + 2 + 7


@pytest.mark.parametrize(
    "asked",
    [
        {"definition": "d"},
        {"definition": "d", "version": 1, "status": "RUNNING"},
        {"definition": "d", "attributes": (("who", "all"),)},
        {"definition": "d", "attributes": (("who", "all"), ("rare", "yes"))},
        {"definition": "d", "status": "RUNNING", "state": "A", "started_from_ms": 1},
    ],
)
async def test_a_page_and_a_count_cost_the_same_however_many_executions_there_are(alone, asked):
    costs = []
    for first, last in ((0, 200), (200, 2000)):
        rows = (
            row(n, state="A", attributes={"who": "all", "rare": "yes"} if n < 5 else {"who": "all"})
            for n in range(first, last)
        )
        await plant_many(alone, rows)
        call, seen = alone.redis.call, counted(alone.redis)
        page = await alone.finding.page(NS, Filter(**asked), limit=10)
        middle = (1_764_000_000_100, "d:n00100")
        await alone.finding.page(NS, Filter(**asked), limit=10, after=middle)
        alone.redis.call = call
        assert page.rows
        costs.append(seen)
    assert costs[1] == costs[0]


async def test_what_nothing_matches_costs_a_bounded_look_and_has_a_cursor(alone):
    count = CANDIDATES_MAX + 50
    await plant_many(alone, [row(n) for n in range(count)])
    seen = counted(alone.redis)
    page = await alone.finding.page(
        NS, Filter(definition="d", status="RUNNING", error="E"), limit=5
    )
    assert (page.rows, page.next) == ([], None)  # the index by error is empty
    assert seen["commands"] < 50
    page = await alone.finding.page(NS, Filter(version=9, status="RUNNING"), limit=5)
    assert page.rows == []
    assert page.next == (1_764_000_000_050, "d:n00050")
    found, pages = await paged(alone, Filter(version=9, status="RUNNING"))
    assert (found, pages) == ([], 2)


async def test_a_count_that_would_have_to_look_at_too_many_says_at_least(alone, monkeypatch):
    monkeypatch.setattr(finding, "COUNTED_MAX", 100)
    monkeypatch.setattr(finding, "CANDIDATES_MAX", 50)
    await plant_many(alone, [row(n, version=1 + n % 2) for n in range(240)])
    wanted = Filter(version=1, status="RUNNING")
    found = await alone.finding.count(NS, wanted)
    assert (found.count, found.exact) == (50, False)
    found = await alone.finding.count(NS, Filter(definition="d", version=1, status="RUNNING"))
    assert (found.count, found.exact) == (120, True)
    monkeypatch.setattr(finding, "COUNTED_MAX", 1000)
    found = await alone.finding.count(NS, wanted)
    assert (found.count, found.exact) == (120, True)


async def test_what_closes_between_two_reads_is_found_all_the_same(alone):
    """Executions close one after the other at every read; each is in one of two indexes at any moment."""
    rows = [row(n) for n in range(80)]
    await plant_many(alone, rows)
    chance, call, open_ = random.Random(3), alone.redis.call, list(rows)
    chance.shuffle(open_)

    def closing(key, *args):
        future = call(key, *args)
        if open_ and args[0] == "ZRANGE":
            gone = open_.pop()
            closed = row(int(gone.id[3:]), status="SUCCEEDED", stopped_ms=1)
            execution = alone.keys.of(f"{NS}:{gone.id}").execution
            # As one script does it: nothing is read in between.
            call(execution, "HSET", execution, "status", "SUCCEEDED", "stopped", 1)
            moves = [(closed, "ZADD"), (gone, "ZREM")]
            for one, command in moves:
                for definition in ("d", ""):
                    partition = alone.keys.partition_of(f"{NS}:{one.id}")
                    index = alone.keys.index(partition, NS, definition, one.status)
                    score = [one.started_ms] if command == "ZADD" else []
                    call(index, command, index, *score, one.id)
        return future

    alone.redis.call = closing
    found, _ = await paged(alone, Filter(definition="d"), limit=7)
    alone.redis.call = call
    assert sorted(found) == [one.id for one in rows]
    assert found == sorted(found, reverse=True)
    assert len(open_) < 40


async def test_entries_of_what_is_gone_are_passed_over(alone):
    rows = [row(n) for n in range(6)]
    await plant_many(alone, rows)
    key = alone.keys.of(f"{NS}:{rows[3].id}").execution
    await alone.redis.call(key, "DEL", key)
    found, _ = await paged(alone, Filter(definition="d"), limit=2)
    assert found == [one.id for one in reversed(rows) if one is not rows[3]]
    await unplant(alone, rows[3])
    assert (await alone.finding.count(NS, Filter(definition="d"))).count == 5


async def test_a_store_without_definitions_has_nothing_to_find(alone):
    for asked in ({"state": "A"}, {"error": "E"}, {}):
        page = await alone.finding.page(NS, Filter(**asked), limit=5)
        assert (page.rows, page.next) == ([], None)
        found = await alone.finding.count(NS, Filter(**asked))
        assert (found.count, found.exact) == (0, True)
