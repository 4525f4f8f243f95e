"""Large documents are stored once for their execution, referred to, and freed with the last reference."""

from __future__ import annotations

import asyncio
import json
import random

import pytest
from desk import ME, Desk
from world import CALLBACK, LISTEN, NS, PAY, World, address

from engine.core.events import TaskSubmitted, TaskSucceeded
from engine.documents import Document
from engine.errors import StoreRefused
from engine.language.machine import Keeping
from engine.store import codec
from engine.store.connection import Redis
from tests.chaos.rig import dump
from tests.chaos.rig.references import problems

LARGE = {"text": "x" * 20_000}
OTHER = {"text": "y" * 20_000}
CHAIN = {
    f"S{n}": {"Type": "Pass"} | ({"Next": f"S{n + 1}"} if n < 4 else {"End": True})
    for n in range(5)
}
WIDE = {
    "Keep": {"Type": "Pass", "Assign": {"kept.$": "$"}, "Next": "Both"},
    "Both": {
        "Type": "Parallel",
        "Branches": [
            {"StartAt": "A", "States": {"A": {**PAY["Pay"]}}},
            {"StartAt": "B", "States": {"B": {**CALLBACK["Pay"], "TimeoutSeconds": 60}}},
            {"StartAt": "C", "States": {"C": {**LISTEN["Ask"]}}},
        ],
        "ResultPath": "$.results",
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Every", "ResultPath": "$.failure"}],
        "Next": "Every",
    },
    "Every": {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": {
            "StartAt": "Each",
            "States": {"Each": {"Type": "Pass", "Result": LARGE, "End": True}},
        },
        "End": True,
    },
}


@pytest.fixture
async def world(url):
    redis = Redis(url)
    await redis.open()
    yield World(redis)
    await redis.close()


async def wrong(world):
    """What is wrong with the references of the whole store."""
    client = dump.client_of(world.redis.url)
    found = await dump.snapshot(client, "t")
    await client.aclose()
    return problems(found, "t")


async def payloads(world, ref):
    """Texts of an execution's payloads, by their names."""
    key = world.keys.of(ref).payloads
    flat = await world.redis.call(key, "HGETALL", key)
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    return {name: text for name, text in fields.items() if len(name) == 16}


async def size_of(world, ref):
    """Bytes of everything that is stored of an execution but its payloads."""
    keys = world.keys.of(ref)
    total = 0
    for key in await world.names():
        if key.startswith(keys.execution) and key != keys.payloads:
            kind, content, _ = await world._content(key)
            parts = content.values() if kind == b"hash" else content
            total += sum(len(part) for part in parts)
    return total


async def test_a_document_that_is_passed_on_is_stored_once(world):
    ref = await world.start(given=LARGE, states=CHAIN)
    await world.advance(ref)
    assert [json.loads(text) for text in (await payloads(world, ref)).values()] == [LARGE]
    assert await size_of(world, ref) < 3000
    assert await wrong(world) == []


async def test_history_and_description_show_large_documents_whole(desk):
    await desk.publish({**CHAIN, "S4": {"Type": "Wait", "Seconds": 3600, "End": True}})
    execution = await desk.start("n", LARGE)
    await desk.engine.queries.history(
        ME, execution, after=12, limit=1, descending=False, wait_ms=60_000
    )
    view = await desk.describe(execution)
    assert view.frames[0].input.value == LARGE
    page = await desk.engine.queries.history(ME, execution, after=None, limit=100, descending=False)
    entered = [
        e["stateEnteredEventDetails"] for e in page.events if e["type"] == "PassStateEntered"
    ]
    assert [json.loads(each["input"]) for each in entered] == [LARGE] * 4


async def test_small_documents_make_no_payloads(world):
    ref = await world.start(given={"a": 1}, states=CHAIN)
    await world.advance(ref)
    assert await payloads(world, ref) == {}
    assert not [key for key in await world.names() if key.endswith(":p")]


async def test_a_worker_gets_its_large_input_and_its_row_holds_none(world):
    ref = await world.start(given=LARGE)
    await world.advance(ref)
    tasks = world.keys.tasks(world.keys.partition_of(ref))
    [row] = await world.redis.call(tasks, "HVALS", tasks)
    assert len(row) < 400
    [lease] = await world.lease(ref)
    assert lease.row.input.value == LARGE
    await world.tasks.settle(
        address(lease),
        TaskSucceeded(lease.row.frame, lease.row.revision, Document.of(OTHER)),
        lease="",
    )
    assert await wrong(world) == []
    await world.advance(ref)
    assert (await world.read(ref)).execution.output.value == OTHER
    assert await wrong(world) == []


async def test_a_task_that_ends_while_it_is_handed_out_is_not_handed_out(world):
    ref = await world.start(given=LARGE)
    await world.advance(ref)
    key = world.keys.of(ref).payloads
    await world.redis.call(key, "DEL", key)
    assert await world.lease(ref) == []


async def test_a_time_out_frees_what_the_tasks_row_referred_to(world):
    states = {"Pay": {**PAY["Pay"], "TimeoutSeconds": 60, "Parameters": {"a.$": "$", "b": 1}}}
    ref = await world.start(given=LARGE, states=states)
    await world.advance(ref)
    await world.pass_time(60_000)
    await world.timers.fire(await world.timer(ref, "timeout"))
    assert await wrong(world) == []
    await world.advance(ref)
    assert await wrong(world) == []


async def test_a_buffered_signal_and_a_variable_come_back_whole(world):
    states = {"A": {"Type": "Wait", "Seconds": 60, "Next": "Ask"}, **LISTEN}
    ref = await world.start(states=states)
    await world.advance(ref)
    await world.signals.deliver(ref, "go", "1", Document.of(LARGE))
    await world.advance(ref)
    assert (
        len(await payloads(world, ref)) == 2
    )  # the signal's payload, and the signal as it is kept
    assert await wrong(world) == []
    await world.pass_time(60_000)
    await world.timers.fire(await world.timer(ref, "due"))
    await world.advance(ref)
    assert (await world.read(ref)).execution.output.value == LARGE
    assert await wrong(world) == []


async def test_payloads_of_records_that_are_trimmed_are_freed(world, loop):
    """Each turn makes a document of its own; what is kept of them is bounded by what is kept of the history."""
    states = {
        "Go": {
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": "{% {'n': $states.input.n + 1, 'text': $states.input.text} %}",
            "Next": "Again",
        },
        **{name: state for name, state in loop.items() if name != "Go"},
    }
    ref = await world.start(given={"n": 0, **LARGE}, states=states)
    held = await world.claim(ref)
    held.keeping = Keeping(history_records=100)
    for _ in range(300):
        await world.step(held)
    records = held.execution.last_record - held.dropped
    assert records <= 220
    assert len(await payloads(world, ref)) <= records / 2 + 2
    assert await wrong(world) == []


async def test_a_commit_that_relies_on_a_payload_freed_meanwhile_sends_it(world):
    ref = await world.start(given=LARGE, states=CHAIN)
    held = await world.claim(ref)
    given = Document.of(LARGE)
    held.payloads[given.digest] = given  # as if it had been stored
    await world.step(held)
    assert list(await payloads(world, ref)) == [given.digest]
    assert await wrong(world) == []


async def test_an_execution_whose_payload_is_gone_is_set_aside_and_can_still_be_looked_at(desk):
    await desk.publish(LISTEN)
    execution = await desk.start("n", LARGE)
    await until_listening(desk, execution)
    key = desk.engine.pruner._listing._keys.of(f"{NS}:{execution}").payloads
    await desk.engine.redis.call(key, "DEL", key)
    await desk.engine.commands.signal(ME, execution, "go", Document.of(1), "1")
    async with asyncio.timeout(60):
        while not (view := await desk.describe(execution)).quarantined:
            await asyncio.sleep(0.01)
    assert "PayloadGone" in view.quarantined
    page = await desk.engine.queries.history(ME, execution, after=None, limit=10, descending=False)
    assert page.events == []


async def until_listening(desk, execution):
    async with asyncio.timeout(60):
        while not (await desk.describe(execution)).waiting_signals:
            await asyncio.sleep(0.01)


async def test_payloads_go_with_the_execution(world):
    ref = await world.start(given=LARGE, states=CHAIN)
    await world.advance(ref)
    await world.pass_time(60_000)
    assert await world.listing.prune(await world.now_ms(), 10, 1000) == 1
    assert await payloads(world, ref) == {}


async def test_a_payload_key_of_another_type_is_refused_before_anything_is_written(world):
    ref = await world.start(given=LARGE, states=CHAIN)
    held = await world.claim(ref)
    await world.redis.call(world.keys.of(ref).payloads, "SET", world.keys.of(ref).payloads, "x")
    before = await world.snapshot()
    with pytest.raises(StoreRefused, match="WRONGTYPE"):
        await world.step(held)
    assert await world.snapshot() == before


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kept", [None, 10])
async def test_every_count_is_right_after_every_commit(world, seed, kept):
    """Variables, branches, a Map, tasks, callbacks and signals, with outcomes, time-outs and a stop in random order."""
    random_ = random.Random(seed)
    world.executions.commits._packer = codec.packer(random_.choice([16, 100, 8192]))
    given = {"items": [1, 2, 3], **LARGE}
    ref = await world.start(given=given, states=WIDE)

    async def advance():
        held = await world.executions.claim(ref, "me")
        released = held is None
        while not released:
            held.keeping = Keeping(history_records=kept)
            released = (await world.step(held)).released
            assert await wrong(world) == []

    async def settle():
        for lease in await world.lease(ref, most=1):
            at, row = address(lease), lease.row
            kinds = (TaskSucceeded, TaskSubmitted) if row.callback else (TaskSucceeded,)
            event = random_.choice(kinds)(row.frame, row.revision, Document.of(OTHER))
            await world.tasks.settle(at, event, lease=lease.lease)

    async def signal():
        name = random_.choice(["go", "other"])
        await world.signals.deliver(ref, name, str(random_.random()), Document.of(LARGE))

    async def expire():
        await world.pass_time(60_000)
        due = await world.timers.upcoming(world.keys.partition_of(ref), 2**52, 10)
        for timer in due:
            await world.timers.fire(timer)

    async def stop():
        await world.signals.stop(ref, None, None, watch_ms=0)

    await advance()
    deeds = [settle, signal, settle, signal, expire, stop]
    random_.shuffle(deeds)
    for deed in [*deeds, stop]:
        if await world.status(ref) == "RUNNING":
            await deed()
            assert await wrong(world) == []
            await advance()
    assert await world.status(ref) != "RUNNING"
    assert (await world.listing.history(NS, "d:n", 1, 1000)).records


async def test_an_engine_carries_large_documents_through_tasks(engines):
    desk = Desk(await engines(payload_inline_bytes_max=64))
    await desk.publish(WIDE)
    execution = await desk.start("n", {"items": [1, 2], **LARGE})
    await desk.succeed((await desk.lease())[0], OTHER)
    await desk.engine.commands.signal(ME, execution, "go", Document.of(LARGE), "1")
    task = (await desk.lease())[0]
    assert task.input.value["text"] == LARGE["text"]
    await desk.succeed(task, {})
    from engine.views import Outcome

    token = task.token
    await desk.engine.commands.settle(ME, Outcome(token, output=Document.of(OTHER)))
    view = await desk.end(execution)
    assert (view.status, view.output.value) == ("SUCCEEDED", [LARGE, LARGE])
