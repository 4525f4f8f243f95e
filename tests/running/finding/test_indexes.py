"""Index entries: they change in the commit that changes the execution, and go when it is pruned."""

from __future__ import annotations

import pytest
from planting import indexed
from world import LISTEN, NS, PAY, RETENTION_MS, WAIT, address

from engine.core.events import TaskFailed
from engine.documents import Document
from engine.errors import StaleCommit
from engine.store import codec
from engine.store.finding.entries import entries_of
from engine.store.finding.filter import Filter
from engine.store.finding.rows import FIELDS, row_of

WHO = {"SearchAttributes": {"who": "$.who", "sum": "$.sum"}}
ASK = {
    "Ask": {"Type": "Task", "Resource": "signal:go", "Next": "Pay"},
    "Pay": {"Type": "Task", "Resource": "activity:pay", "ResultPath": None, "End": True},
}


async def ids(world, **asked):
    page = await world.finding.page(NS, Filter(**{"definition": "d"} | asked), limit=100)
    assert page.next is None
    return sorted(row.id for row in page.rows)


async def assert_indexes_say_what_is(world, *refs):
    """The indexes hold what follows from the executions, and nothing else."""
    expected = {}
    for ref in refs:
        key = world.keys.of(ref).execution
        row = row_of(ref.partition(":")[2], await world.redis.call(key, "HMGET", key, *FIELDS))
        for entry, (score, member) in entries_of(world.keys, NS, row).items():
            expected.setdefault(entry, {})[member] = float(score)
    assert await indexed(world) == expected


async def test_attributes_are_indexed_by_the_first_commit_and_move_with_the_data(world):
    ref = await world.start(given={"who": "ann", "sum": 7}, states=ASK, Detent=WHO)
    await world.advance(ref)
    assert await ids(world, attributes=(("who", "ann"), ("sum", "7"))) == ["d:n"]
    await assert_indexes_say_what_is(world, ref)
    await world.signals.deliver(ref, "go", "1", Document.of({"who": "bob"}))
    await world.advance(ref)
    assert await ids(world, attributes=(("who", "ann"),)) == []
    assert await ids(world, attributes=(("who", "bob"), ("sum", "7")), state="Pay") == ["d:n"]
    await assert_indexes_say_what_is(world, ref)


async def test_a_commit_that_is_refused_moves_no_entry(world):
    ref = await world.start(given={"who": "ann"}, states=LISTEN, Detent=WHO)
    claim = await world.claim(ref)
    _, commit = await world.prepare(claim)
    commit.arguments[1] = "another"
    before = await indexed(world)
    with pytest.raises(StaleCommit):
        await world.executions.commit(claim, commit)
    assert await indexed(world) == before


async def test_closed_executions_keep_their_attributes_and_have_their_error(world):
    ref = await world.start(given={"who": "ann"}, states=PAY, Detent=WHO)
    await world.advance(ref)
    [lease] = await world.lease(ref)
    event = TaskFailed(lease.row.frame, lease.row.revision, "Card.Declined", "no money")
    await world.tasks.settle(address(lease), event, lease=lease.lease)
    await world.advance(ref)
    assert await ids(world, error="Card.Declined") == ["d:n"]
    assert await ids(world, error="Card") == []
    assert await ids(world, definition=None, error="Card.Declined") == ["d:n"]
    assert await ids(world, attributes=(("who", "ann"),), status="FAILED") == ["d:n"]
    await assert_indexes_say_what_is(world, ref)


def test_an_execution_that_was_opened_again_has_no_error():
    packed = codec.pack(codec.Meta(error="Lost"))
    fields = [b"1", b"1000", None, packed, None, None]
    assert row_of("d:n", [b"FAILED", *fields]).error == "Lost"
    assert row_of("d:n", [b"RUNNING", *fields]).error is None


async def test_what_is_pruned_leaves_no_entry_in_any_index(world):
    given = {"who": "a long and odd name {of} somebody: with colons", "sum": 1.5}
    ref = await world.start(given=given, states=LISTEN, Detent=WHO)
    await world.advance(ref)
    await world.signals.stop(ref, "E" * 100, None, watch_ms=0)
    await world.advance(ref)
    assert await ids(world, attributes=(("who", given["who"]), ("sum", "1.50"))) == ["d:n"]
    assert await ids(world, error="E" * 100) == ["d:n"]
    await world.pass_time(RETENTION_MS)
    assert await world.listing.prune(await world.now_ms(), 10, 60_000) == 1
    assert await indexed(world) == {}
    assert (await world.read(ref)).pruned


async def test_what_has_changed_since_the_pruner_looked_is_not_pruned(world):
    ref = await world.start(given={"who": "ann"}, states=LISTEN, Detent=WHO)
    await world.advance(ref)
    await world.signals.stop(ref, None, None, watch_ms=0)
    await world.advance(ref)
    await world.pass_time(RETENTION_MS)
    key, script = world.keys.of(ref).execution, world.redis.script

    def meddling(name, keys, args):
        world.redis.call(key, "HINCRBY", key, "rev", 1)
        return script(name, keys, args)

    world.redis.script = meddling
    assert await world.listing.prune(await world.now_ms(), 10, 60_000) == 0
    world.redis.script = script
    await assert_indexes_say_what_is(world, ref)
    assert await world.listing.prune(await world.now_ms(), 10, 60_000) == 1


async def test_a_start_is_found_by_its_version_before_anything_else_has_happened(world):
    for number in range(1, 11):
        await world.publish(states={f"S{number}": {"Type": "Succeed"}})
        await world.create(f"n{number}")
    for number in (1, 9, 10):
        assert await ids(world, version=number) == [f"d:n{number}"]
        assert await ids(world, version=number, status="RUNNING") == [f"d:n{number}"]
    await assert_indexes_say_what_is(world, *(f"{NS}:d:n{n}" for n in range(1, 11)))


async def test_a_closed_execution_is_found_by_its_version_too(world):
    ref = await world.start(states={"A": {"Type": "Succeed"}})
    await world.advance(ref)
    assert await ids(world, version=1) == ["d:n"]
    assert await ids(world, version=1, status="RUNNING") == []
    assert await ids(world, version=2) == []
    await assert_indexes_say_what_is(world, ref)


async def test_executions_of_many_kinds_have_exactly_their_entries(world):
    refs = []
    await world.publish(states=WAIT, Detent=WHO)
    for number in range(12):
        given = {"who": f"w{number % 3}", "sum": number % 2}
        ref = f"{NS}:d:n{number}"
        await world.create(f"n{number}", given)
        refs.append(ref)
        if number % 4:
            await world.advance(ref)
        if number % 4 == 2:
            await world.signals.stop(ref, "Stopped", None, watch_ms=0)
            await world.advance(ref)
    await assert_indexes_say_what_is(world, *refs)
    assert await ids(world, attributes=(("who", "w2"), ("sum", "1"))) == ["d:n11", "d:n5"]
    assert await ids(world, error="Stopped") == ["d:n10", "d:n2", "d:n6"]
