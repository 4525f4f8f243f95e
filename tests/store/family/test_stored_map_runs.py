"""Map Runs in the store: children are started once and counted once, whoever drives the run."""

from __future__ import annotations

import pytest
from family.map_scenarios import (
    FAILS,
    RUN,
    SEED,
    child_ref,
    create_child,
    ended,
    last_step_of_a_child,
    opened,
    publish_children,
    reserved,
    runs_of,
    spec,
)
from world import NS, RETENTION_MS

from engine.core.execution import ROOT
from engine.store.maps.child import child_name, name_prefix
from engine.store.maps.reading import ReadingRuns
from engine.store.maps.runs import RunLost


def partition(world, index=0):
    return world.keys.partition_of(child_ref(index))


async def test_an_end_counts_once_and_only_of_a_child_that_is_out(world):
    runs, held = runs_of(world), await reserved(world)
    for _ in range(2):
        told = [(ended(0), b"a"), (ended(1, "TIMED_OUT", items=5), b"b"), (ended(7), b"c")]
        await runs.advance(held, ended=told)
    at = held.standing
    assert (at.out, at.children["SUCCEEDED"], at.items["TIMED_OUT"]) == (1, 1, 5)
    assert await runs.out(held) == [2]
    assert await runs.results(held) == {0: b"a", 1: b"b"}
    assert await runs.left(held, 0, 10) == [1]


async def test_who_has_lost_the_run_writes_nothing_to_it(world):
    runs, held = runs_of(world), await reserved(world)
    other = await opened(world, "you")
    assert other.claims == 2
    before = await world.snapshot()
    with pytest.raises(RunLost):
        await runs.advance(held, ended=[(ended(0), b"a")], status="SUCCEEDED")
    assert await world.snapshot() == before


async def test_a_run_goes_on_from_where_the_one_before_has_come_to(alone):
    runs, held = runs_of(alone), await opened(alone)
    fields = {"next": 9, "item": 40, "sure": 5, "sure_item": 20, "read": "1"}
    await runs.advance(held, out=[5, 4], items=20, fields=fields)
    again = await opened(alone, "you")
    assert (again.next, again.item, again.sure, again.sure_item) == (9, 40, 5, 20)
    assert again.is_read
    assert again.seed == SEED
    assert (again.standing.out, again.standing.out_items) == (4, 20)
    assert await runs.out(again) == [5, 6, 7, 8]


async def test_an_earlier_task_cannot_take_the_run_from_a_later_one(alone):
    await opened(alone, revision=5)
    answer = await runs_of(alone).open(NS, spec(), revision=4, nonce="old", seed=SEED)
    assert (answer.verdict, answer.held) == ("OLD", None)


async def test_a_run_that_was_stopped_before_it_began_never_begins_for_that_task(alone):
    runs = runs_of(alone)
    ref = runs.keys_of(NS, spec()).ref
    assert await runs.abort(ref, revision=3, nonce="stop") is None
    answer = await runs.open(NS, spec(), revision=3, nonce="me", seed=SEED)
    assert (answer.verdict, answer.held) == ("ENDED", None)
    later = await runs.open(NS, spec(redrives=1), revision=8, nonce="me", seed=SEED)
    assert later.verdict == "OK"


async def test_a_run_that_is_being_stopped_is_not_taken_until_it_has_ended(alone):
    runs, held = runs_of(alone), await reserved(alone)
    stopping = await runs.abort(held.ref, revision=1, nonce="stop")
    answer = await runs.open(NS, spec(redrives=1), revision=8, nonce="me", seed=SEED)
    assert answer.verdict == "BUSY"
    told = [(ended(index, "ABORTED"), None) for index in range(3)]
    await runs.advance(stopping, ended=told, status="ABORTED")
    assert await runs.abort(held.ref, revision=1, nonce="again") is None
    answer = await runs.open(NS, spec(redrives=1), revision=8, nonce="me", seed=SEED)
    assert answer.verdict == "OK"
    assert answer.held.standing.pending == 3


async def test_a_redrive_waits_for_those_that_did_not_succeed(alone):
    runs, held = runs_of(alone), await reserved(alone)
    told = [(ended(0), b"a"), (ended(1, "FAILED"), b"b"), (ended(2, "TIMED_OUT"), b"c")]
    await runs.advance(held, ended=told, status="FAILED", fields={"error": "E", "cause": "why"})
    assert (await runs.open(NS, spec(), revision=2, nonce="x", seed=SEED)).held.outcome == (
        "E",
        "why",
    )
    answer = await runs.open(NS, spec(redrives=1), revision=9, nonce="you", seed=SEED)
    again = answer.held
    assert (again.standing.status, again.standing.pending, again.outcome) == ("RUNNING", 2, None)
    assert again.standing.children["FAILED"] == 0
    assert await runs.left(again, 0, 10) == [1, 2]
    await runs.advance(again, again=[1], items=1, pending=1)
    assert again.standing.pending == 1
    assert await runs.left(again, 0, 10) == [2]
    await runs.advance(again, ended=[(ended(1), b"B")])
    assert again.standing.children["SUCCEEDED"] == 2
    assert (await runs.results(again))[1] == b"B"


async def test_results_are_kept_up_to_the_limit_and_then_not_at_all(alone):
    runs, held = runs_of(alone), await reserved(alone)
    await runs.advance(held, ended=[(ended(0), b"12345")], size_max=9)
    assert held.standing.size == 5
    await runs.advance(held, ended=[(ended(1), b"12345"), (ended(2), b"1")], size_max=9)
    assert held.standing.size == -1
    assert await runs.results(held) == {}
    assert held.standing.children["SUCCEEDED"] == 3


async def test_a_brief_child_that_has_succeeded_leaves_nothing_but_the_note_of_it(world):
    held = await last_step_of_a_child(world, is_brief=True, tells_input=True, given={"n": 1})
    await world.step(held)
    left = [name for name in await world.names() if "~" in name]
    assert left == [world.keys.map_ends(partition(world), f"{NS}:d~L:{RUN}")]
    [note] = await runs_of(world).ends(f"{NS}:d~L:{RUN}", partition(world))
    assert (note.index, note.status, note.output, note.given) == (
        0,
        "SUCCEEDED",
        b'{"n":1}',
        b'{"n":1}',
    )
    assert not [name for name in await world.names() if name.endswith((":ready", ":closed"))]


async def test_a_large_input_goes_with_the_note_whole(alone):
    given = {"text": "x" * 20_000}
    held = await last_step_of_a_child(alone, is_brief=True, tells_input=True, given=given)
    await alone.step(held)
    [note] = await runs_of(alone).ends(f"{NS}:d~L:{RUN}", partition(alone))
    assert note.given == note.output
    assert len(note.given) > 20_000


async def test_a_child_that_did_not_succeed_is_kept_with_where_it_failed(alone):
    held = await last_step_of_a_child(alone, FAILS, is_brief=True)
    await alone.step(held)
    [note] = await runs_of(alone).ends(f"{NS}:d~L:{RUN}", partition(alone))
    assert (note.status, note.error, note.given) == ("FAILED", "E", b"0")
    stored = await alone.read(child_ref())
    assert stored.execution.status == "FAILED"
    assert ROOT in stored.execution.frames


async def test_a_child_outlives_the_retention_of_others_until_its_run_has_seen_its_end(alone):
    held = await last_step_of_a_child(alone)
    await alone.step(held)
    await alone.pass_time(RETENTION_MS)
    assert await alone.listing.prune(await alone.now_ms(), 10, 1000) == 0
    assert await alone.status(child_ref()) == "SUCCEEDED"


async def test_a_child_is_not_started_again_once_it_has_ended_whatever_is_left_of_it(alone):
    held = await last_step_of_a_child(alone, is_brief=True)
    await alone.step(held)
    assert (await create_child(alone, is_brief=True)).verdict == "exists"
    assert await alone.executions.due(partition(alone), await alone.now_ms(), 10) == []


async def test_who_had_the_run_before_can_start_no_child_any_more(world):
    await publish_children(world)
    runs = runs_of(world)
    await opened(world)
    held = await opened(world, "you")
    await runs.fence(held)
    assert (await create_child(world, claims=1)).verdict == "refused"
    assert (await create_child(world, claims=2)).verdict == "created"
    assert await runs.ends(held.ref, partition(world)) == []


async def test_children_are_in_the_lists_of_their_processor_and_in_no_other(alone):
    await publish_children(alone)
    await create_child(alone)
    indexes = [name for name in await alone.names() if ":ix:" in name]
    assert indexes == [alone.keys.index(partition(alone), NS, "d~L", "RUNNING")]


async def test_the_runs_of_an_execution_go_with_it(alone):
    ref = await alone.start(states={"A": {"Type": "Succeed"}})
    await reserved(alone)
    reading = ReadingRuns(alone.redis, alone.keys)
    [(_, name)] = await reading.of(NS, "d:n", 10, None)
    assert name == f"d~L:{RUN}"
    assert (await reading.read(NS, name)).about.parent == "d:n"
    await alone.advance(ref)
    await alone.pass_time(RETENTION_MS)
    assert await alone.listing.prune(await alone.now_ms(), 10, 1000) == 1
    assert not [name for name in await alone.names() if ":mr" in name]


async def test_what_a_run_keeps_to_is_changed_while_it_runs_and_not_afterwards(alone):
    runs, held = runs_of(alone), await reserved(alone)
    change = {"concurrency": 7, "tolerated_count": None, "tolerated_percentage": 12.5}
    assert await runs.update(held.ref, **change) == "OK"
    await runs.advance(held)
    at = held.standing
    assert (at.concurrency, at.tolerated_count, at.tolerated_percentage) == (7, 1, 12.5)
    await runs.advance(held, status="FAILED")
    assert await runs.update(held.ref, **change) == "CLOSED"
    assert await runs.update(f"{NS}:d~L:other", **change) == "UNKNOWN"


def test_names_of_children_are_uuids_that_tell_their_run():
    names = {child_name(RUN, index) for index in range(1000)}
    assert len(names) == 1000
    assert all(name.startswith(name_prefix(RUN)) for name in names)
    assert name_prefix("another") != name_prefix(RUN)
