"""Claiming, releasing and setting aside: one holder at a time, and nothing that kills holders goes on for ever."""

import asyncio

import pytest
from world import LEASE_MS, LISTEN, PAY, TWO

from engine.documents import Document
from engine.errors import ExecutionClosed, ExecutionNotFound, StaleCommit, StoreRefused
from engine.store import codec
from engine.store.commits.answers import Suspect
from engine.store.executions import CLAIMS_MAX, SUSPECT_FROM
from engine.store.finding.filter import Filter
from engine.store.keys import task_id

MAP = {
    "All": {
        "Type": "Map",
        "MaxConcurrency": 1000,
        "ItemProcessor": {"StartAt": "Pay", "States": PAY},
        "End": True,
    }
}


async def due(world, ref):
    return await world.executions.due(world.keys.partition_of(ref), await world.now_ms(), 10)


async def test_of_many_claims_at_once_exactly_one_holds(world):
    ref = await world.start()
    claims = await asyncio.gather(*(world.executions.claim(ref, f"n{i}") for i in range(20)))
    assert sum(claim is not None for claim in claims) == 1
    assert await due(world, ref) == []


async def test_a_claim_that_lapsed_may_be_taken_over_and_its_first_holder_is_fenced(world):
    ref = await world.start(states=TWO)
    first = await world.claim(ref, "first")
    assert await world.executions.claim(ref, "second") is None
    await world.pass_time(LEASE_MS)
    assert await due(world, ref) == [ref]
    second = await world.claim(ref, "second")
    with pytest.raises(StaleCommit):
        await world.step(first)
    await world.step(second)


async def test_a_lapsed_claim_is_still_good_until_another_takes_over(world):
    ref = await world.start(states=TWO)
    claim = await world.claim(ref)
    await world.pass_time(10 * LEASE_MS)
    assert (await world.step(claim)).released is False


async def test_a_commit_that_extends_puts_the_lapse_off_and_one_that_does_not_leaves_it(world):
    ref = await world.start(states=TWO)
    claim = await world.claim(ref, "first")
    await world.pass_time(LEASE_MS - 1000)
    await world.step(claim, extend=True)
    await world.pass_time(LEASE_MS - 1000)
    assert await due(world, ref) == []
    assert await world.executions.claim(ref, "second") is None
    await world.step(claim, extend=False)
    await world.pass_time(1000)
    assert await due(world, ref) == [ref]


async def test_what_is_not_ready_is_not_claimed_and_nothing_is_written(world):
    ref = await world.start()
    await world.advance(ref)  # waits for its task
    before = await world.snapshot()
    assert await world.executions.claim(ref, "other") is None
    assert await world.executions.claim("default:d:never", "other") is None
    assert await world.snapshot() == before


async def test_what_is_over_is_taken_off_the_ready_set(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    key = world.keys.ready(world.keys.partition_of(ref))
    await world.redis.call(key, "ZADD", key, 1, ref)
    assert await world.executions.claim(ref, "other") is None
    assert await due(world, ref) == []


async def test_a_suspect_is_claimed_only_by_who_holds_no_other_and_not_counted_before(world):
    ref = await world.start()
    for number in range(SUSPECT_FROM):
        assert await world.executions.claim(ref, f"dead{number}", is_alone=False) is not None
        await world.pass_time(LEASE_MS)
    for _ in range(CLAIMS_MAX):
        with pytest.raises(Suspect):
            await world.executions.claim(ref, "busy", is_alone=False)
    claim = await world.executions.claim(ref, "alone", is_alone=True)
    assert claim is not None
    await world.executions.release(claim, reset=True)
    assert await world.executions.claim(ref, "busy", is_alone=False) is not None


async def test_what_kills_five_holders_in_a_row_is_quarantined_with_its_data_kept(world):
    ref = await world.start()
    for number in range(CLAIMS_MAX):
        assert await world.executions.claim(ref, f"dead{number}") is not None
        await world.pass_time(LEASE_MS)
    assert await world.executions.claim(ref, "sixth") is None
    stored = await world.read(ref)
    assert "5 times" in stored.quarantine
    assert stored.execution.input == Document.of({})
    assert await due(world, ref) == []
    # An event that comes in is kept, and wakes nobody.
    await world.signals.deliver(ref, "go", "1", Document.of(1))
    assert await due(world, ref) == []
    assert [signal.name for signal in (await world.read(ref)).unread] == ["go"]


async def test_a_commit_forgets_the_claims_before_it(world):
    ref = await world.start(states=TWO)
    for number in range(CLAIMS_MAX - 1):
        await world.claim(ref, f"dead{number}")
        await world.pass_time(LEASE_MS)
    claim = await world.claim(ref, "good")
    await world.step(claim)
    for number in range(CLAIMS_MAX):
        await world.pass_time(LEASE_MS)
        await world.claim(ref, f"late{number}")


@pytest.mark.parametrize(("reset", "left"), [(True, CLAIMS_MAX), (False, CLAIMS_MAX - 1)])
async def test_a_release_makes_ready_at_once_and_forgets_the_claim_if_asked(world, reset, left):
    ref = await world.start()
    claim = await world.claim(ref, "first")
    await world.executions.release(claim, reset=reset)
    assert await due(world, ref) == [ref]
    for number in range(left):
        await world.claim(ref, f"dead{number}")
        await world.pass_time(LEASE_MS)
    assert await world.executions.claim(ref, "last") is None


async def test_release_and_quarantine_of_another_holders_claim_write_nothing(world):
    ref = await world.start()
    first = await world.claim(ref, "first")
    await world.pass_time(LEASE_MS)
    await world.claim(ref, "second")
    before = await world.snapshot()
    await world.executions.release(first, reset=True)
    await world.executions.quarantine(first, "not mine to say")
    assert await world.snapshot() == before


async def test_a_claim_that_is_prolonged_lasts_longer_and_is_not_counted(world):
    ref = await world.start(states=TWO)
    claim = await world.claim(ref, "first")
    for _ in range(CLAIMS_MAX + 1):
        await world.pass_time(LEASE_MS - 1000)
        assert await world.executions.prolong(claim)
        assert await due(world, ref) == []
        assert await world.executions.claim(ref, "second") is None
    await world.step(claim)


async def test_a_claim_that_is_anothers_or_nobodys_is_not_prolonged_and_nothing_is_written(world):
    ref = await world.start()
    first = await world.claim(ref, "first")
    await world.pass_time(LEASE_MS)
    second = await world.claim(ref, "second")
    before = await world.snapshot()
    assert not await world.executions.prolong(first)
    assert await world.snapshot() == before
    await world.executions.release(second, reset=True)
    before = await world.snapshot()
    assert not await world.executions.prolong(second)
    assert await world.snapshot() == before


async def test_a_claim_brings_a_hundred_entries_in_order_and_the_next_commit_the_rest(world):
    ref = await world.start(states=LISTEN)
    for number in range(130):
        await world.signals.deliver(ref, "other", f"s{number}", Document.of(number))
    claim = await world.claim(ref)
    assert len(claim.entries) == 100
    await world.step(claim)  # begins, and takes none
    numbers = []
    while claim.entries:
        assert len(claim.entries) <= 100
        numbers.append(codec.unpack_entry(claim.entries[0]).payload.value)
        await world.step(claim)
    assert numbers == list(range(130))
    assert len((await world.read(ref)).execution.signals["other"].listeners) == 0


async def test_a_claim_brings_the_frames_its_entries_name_with_their_ancestors_and_no_others(world):
    ref = await world.start(states=MAP, given=list(range(5)))
    await world.advance(ref)
    leases = await world.lease(ref)
    assert len(leases) == 5
    chosen = leases[3]
    from world import address

    from engine.core.events import TaskSucceeded

    outcome = TaskSucceeded(chosen.row.frame, chosen.row.revision, Document.of(1))
    await world.tasks.settle(address(chosen), outcome, lease=chosen.lease)
    claim = await world.claim(ref)
    assert set(claim.frames) == {"0", chosen.row.frame}


async def test_a_stop_lets_a_quarantined_execution_out_and_ends_it(world):
    ref = await world.start()
    await world.advance(ref)
    await world.signals.deliver(ref, "go", "1", Document.of(1))
    claim = await world.claim(ref)
    await world.executions.quarantine(claim, "cannot go on")
    assert (await world.read(ref)).quarantine == "cannot go on"
    await world.signals.stop(ref, "Enough", None, watch_ms=0)
    assert (await world.read(ref)).quarantine is None
    await world.advance(ref)
    stored = await world.read(ref)
    assert (stored.execution.status, stored.execution.error) == ("ABORTED", "Enough")
    tasks = world.keys.tasks(world.keys.partition_of(ref))
    assert not await world.redis.call(tasks, "HEXISTS", tasks, task_id(ref, "0", 1))


async def test_a_stop_comes_before_everything_else_and_a_second_one_is_refused_at_the_end(world):
    ref = await world.start(states=LISTEN)
    await world.advance(ref)
    await world.signals.deliver(ref, "go", "1", Document.of(1))
    await world.signals.stop(ref, None, None, watch_ms=0)
    await world.advance(ref)
    assert await world.status(ref) == "ABORTED"
    with pytest.raises(ExecutionClosed):
        await world.signals.stop(ref, None, None, watch_ms=0)
    with pytest.raises(ExecutionNotFound):
        await world.signals.stop("default:d:never", None, None, watch_ms=0)


@pytest.mark.parametrize("field", ["m", "s", "f:0"])
async def test_a_state_that_cannot_be_read_is_set_aside_and_can_still_be_looked_at(world, field):
    ref = await world.start()
    await world.advance(ref)
    await world.signals.deliver(ref, "go", "1", Document.of(1))
    key = world.keys.of(ref).execution
    await world.redis.call(key, "HSET", key, field, b"\x01\xc1 no such thing")
    await world.redis.call(key, "HSET", key, "ready", "0")
    assert await world.executions.claim(ref, "me") is None
    stored = await world.read(ref)
    assert "cannot be read" in stored.quarantine
    assert stored.execution.id == "d:n"
    await world.start("fine")
    await world.advance("default:d:fine")
    page = await world.finding.page("default", Filter(definition="d"), limit=10)
    assert {row.id for row in page.rows} == {"d:n", "d:fine"}


async def test_data_of_a_newer_format_is_refused_by_its_name(world):
    ref = await world.start()
    from engine.store import codec

    with pytest.raises(StoreRefused, match="upgrade"):
        codec.unpack_meta(b"\x02anything")
    key = world.keys.of(ref).execution
    await world.redis.call(key, "HSET", key, "m", b"\x02anything")
    assert await world.executions.claim(ref, "me") is None
    assert "upgrade" in (await world.read(ref)).quarantine
