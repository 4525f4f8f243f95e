"""Creating executions: once per name, of the version that is current, within the quota."""

import asyncio

import pytest
from world import LISTEN, PAY, RETENTION_MS, TWO, World

from engine.documents import Document


async def test_a_created_execution_is_ready_and_pinned_to_the_current_version(world):
    await world.publish()
    await world.publish(states=TWO)
    created = await world.create()
    assert (created.verdict, created.version) == ("created", 2)
    ref = "default:d:n"
    due = await world.executions.due(world.keys.partition_of(ref), await world.now_ms(), 10)
    assert due == [ref]
    assert (await world.claim(ref)).execution.version == 2


async def test_a_repeated_create_answers_with_the_running_one_and_writes_nothing(world):
    await world.publish()
    first = await world.create(given={"a": 1, "b": [2]})
    before = await world.snapshot()
    again = await world.create(given=Document.parse('{ "b": [2],  "a": 1 }'))
    assert (again.verdict, again.started_ms, again.version) == ("exists", first.started_ms, 1)
    assert await world.snapshot() == before


async def test_another_input_under_the_same_name_is_a_conflict_and_writes_nothing(world):
    await world.publish()
    await world.create(given={"a": 1})
    before = await world.snapshot()
    assert (await world.create(given={"a": 2})).verdict == "conflict"
    assert await world.snapshot() == before


async def test_a_closed_executions_name_stays_taken_even_for_the_same_input(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    answer = await world.create()
    assert (answer.verdict, answer.status) == ("conflict", "SUCCEEDED")


async def test_a_tombstone_keeps_the_name_until_its_time_counted_from_the_close(world):
    ref = await world.start(states=TWO)
    await world.advance(ref)
    await world.pass_time(RETENTION_MS)
    now_ms = await world.now_ms()
    assert await world.listing.prune(now_ms, 10, 3_600_000) == 1
    assert (await world.create()).verdict == "conflict"
    key = world.keys.of(ref).execution
    stopped = int(await world.redis.call(key, "HGET", key, "stopped"))
    assert await world.redis.call(key, "PEXPIRETIME", key) == stopped + 3_600_000


async def test_a_definition_that_was_never_published_starts_nothing(world):
    before = await world.snapshot()
    assert (await world.create()).verdict == "unknown"
    assert await world.snapshot() == before


async def test_the_quota_counts_running_executions_and_frees_with_their_end(redis):
    world = World(redis, open_max=4)  # one per partition
    await world.publish(states=TWO)
    ref = await world.start("n0")
    partition = world.keys.partition_of(ref)
    other = next(
        f"m{n}" for n in range(99) if world.keys.partition_of(f"default:d:m{n}") == partition
    )
    before = await world.snapshot()
    assert (await world.create(other)).verdict == "quota"
    assert await world.snapshot() == before
    await world.advance(ref)
    assert (await world.create(other)).verdict == "created"


async def test_of_many_creates_at_once_exactly_one_creates(world):
    await world.publish()
    answers = await asyncio.gather(*(world.create() for _ in range(20)))
    assert sorted(a.verdict for a in answers) == ["created"] + ["exists"] * 19
    partition = world.keys.partition_of("default:d:n")
    key = world.keys.open(partition, "default")
    assert await world.redis.call(key, "GET", key) == b"1"


async def test_an_explicit_version_is_kept(world):
    await world.publish(states=PAY)
    await world.publish(states=TWO)
    assert (await world.create(version=1)).version == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"z": 9007199254740993, "a": [], "m": {}, "k": [[], {}]}',
        '{"ß": "żółć 😀 \\u0000 \\" |", "n": null, "f": 1.0, "e": 1e-7}',
        '[123456789012345678901234567890, -0.0, "", " | ", false]',
    ],
)
async def test_a_payload_comes_back_byte_for_byte_through_frames_tasks_and_signals(world, text):
    document = Document.parse(text)
    states = {
        "Pay": {"Type": "Task", "Resource": "activity:pay", "Next": "Ask"},
        "Ask": LISTEN["Ask"],
    }
    ref = await world.start(given=document, states=states)
    await world.advance(ref)
    [lease] = await world.lease(ref)
    assert lease.row.input.text == document.text
    from world import address

    from engine.core.events import TaskSucceeded

    outcome = TaskSucceeded(lease.row.frame, lease.row.revision, document)
    await world.tasks.settle(address(lease), outcome, lease=lease.lease)
    claim = await world.advance(ref)
    assert claim.execution.frames["0"].input.text == document.text
    await world.signals.deliver(ref, "go", "s1", document)
    await world.advance(ref)
    stored = await world.read(ref)
    assert stored.execution.output.text == document.text
    assert stored.execution.input.text == document.text


async def test_what_lua_writes_of_times_and_numbers_is_exact(world):
    ref = await world.start(states=PAY)
    before_ms = await world.now_ms()
    await world.advance(ref)
    [lease] = await world.lease(ref)
    key = world.keys.of(ref).execution
    names = ("started", "until", "rev", "claims")
    fields = await world.redis.call(key, "HMGET", key, *names)
    assert all(value.isdigit() for value in fields)
    assert abs(int(fields[1]) - before_ms) < 600_000
    leases = world.keys.leases(world.keys.partition_of(ref))
    [held] = await world.redis.call(leases, "HVALS", leases)
    assert all(part.isdigit() for part in held.split(b"|")[1:3])
    timers = world.keys.timers(world.keys.partition_of(ref))
    [_, score] = await world.redis.call(timers, "ZRANGE", timers, 0, -1, "WITHSCORES")
    assert score == held.split(b"|")[2]
    assert lease.until_ms == int(score)
