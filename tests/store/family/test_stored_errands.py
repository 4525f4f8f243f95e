"""Errands in the store: written with the end that they tell of, run at least once, and taken out once."""

from __future__ import annotations

from world import NS, RETENTION_MS

from engine.documents import Document
from engine.store import errands
from engine.store.errands import Stop, Tell

DONE = {"A": {"Type": "Pass", "Result": 7, "End": True}}
WAITS = {"A": {"Type": "Wait", "Seconds": 60, "End": True}}
CHILD = f"{NS}:d:n"


def row(key="k"):
    return errands.pack(errands.tell(Tell("d:n", "token", "workflow:d", key)))


async def start(world, states, key="k", given=None):
    await world.publish(states=states)
    return await world.create(given=given, key=key, tell=row(key))


async def test_the_end_puts_out_one_errand_for_each_who_waits_for_it(alone):
    await start(alone, WAITS)
    assert (await alone.create(key="other", tell=row("other"))).verdict == "exists"
    assert (await alone.create()).verdict == "exists"
    await alone.advance(CHILD)
    assert await alone.lease(CHILD, "@states") == []
    await alone.signals.stop(CHILD, "E", "why", watch_ms=0)
    await alone.advance(CHILD)
    leases = await alone.lease(CHILD, "@states")
    told = [errands.read(lease.row.uri, lease.row.input) for lease in leases]
    assert sorted(each.key for each in told) == ["k", "other"]
    end = await alone.errands.end(NS, "d:n")
    assert (end.status, end.error, end.cause) == ("ABORTED", "E", "why")


async def test_an_errand_whose_runner_died_is_handed_out_again_until_it_is_finished(alone):
    await start(alone, DONE)
    await alone.advance(CHILD)
    [first] = await alone.lease(CHILD, "@states", lease_ms=1000)
    await alone.pass_time(1000)
    await alone.timers.fire(await alone.timer(CHILD, "lease"))
    [second] = await alone.lease(CHILD, "@states")
    assert second.row == first.row
    await alone.errands.finish(second)
    await alone.errands.finish(first)
    await alone.pass_time(60_000)
    assert await alone.lease(CHILD, "@states") == []
    assert not [
        name for name in await alone.names() if name.endswith((":tasks", ":queues", ":timers"))
    ]


async def test_a_start_that_made_its_child_finds_it_again_whatever_became_of_it(alone):
    assert (await start(alone, DONE)).verdict == "created"
    await alone.advance(CHILD)
    assert (await alone.create(key="k", tell=row())).verdict == "exists"
    assert (await alone.create(key="other", tell=row("other"))).verdict == "conflict"
    assert (await alone.create()).verdict == "conflict"
    [lease] = await alone.lease(CHILD, "@states")
    await alone.errands.finish(lease)
    assert (await alone.create(key="k", tell=row())).verdict == "exists"


async def test_a_child_is_pruned_only_after_its_parent_was_told(alone):
    await start(alone, DONE)
    await alone.advance(CHILD)
    await alone.pass_time(RETENTION_MS)
    assert await alone.listing.prune(await alone.now_ms(), 10, 1000) == 0
    assert (await alone.errands.end(NS, "d:n")).output == Document.of(7)
    [lease] = await alone.lease(CHILD, "@states")
    await alone.errands.finish(lease)
    await alone.pass_time(60_000)
    assert await alone.listing.prune(await alone.now_ms(), 10, 1000) == 1
    assert await alone.errands.end(NS, "d:n") is None


async def test_only_the_start_that_made_a_child_stops_it(alone):
    await start(alone, WAITS)
    await alone.create(key="other", tell=row("other"))
    assert await alone.errands.stop(NS, Stop("d:n", "other", "p:n")) == "OTHER"
    assert await alone.errands.stop(NS, Stop("d:n", "k", "p:n")) == "STOPPED"
    assert await alone.errands.stop(NS, Stop("d:n", "k", "p:n")) == "STOPPED"
    await alone.advance(CHILD)
    assert await alone.status(CHILD) == "ABORTED"
    assert await alone.errands.stop(NS, Stop("d:n", "k", "p:n")) == "CLOSED"
    # Who did not start it has not waited for it any more.
    [lease] = await alone.lease(CHILD, "@states")
    assert errands.read(lease.row.uri, lease.row.input).key == "k"


async def test_a_start_that_was_taken_back_is_refused_and_the_name_is_free_for_others(alone):
    await alone.publish(states=WAITS)
    assert await alone.errands.stop(NS, Stop("d:n", "k", "p:n")) == "REFUSED"
    assert (await alone.create(key="k", tell=row())).verdict == "refused"
    assert (await alone.create(key="other", tell=row("other"))).verdict == "created"
