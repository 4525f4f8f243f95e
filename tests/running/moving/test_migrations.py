"""Migrations of many executions: what the plan says is what happens, in part, with pauses, and back."""

from __future__ import annotations

import asyncio

import pytest
from desk import ME

from engine.commands.migrations import MigrationWish
from engine.documents import Document
from engine.errors import (
    DefinitionNotFound,
    InvalidRequest,
    OperationAlreadyExists,
    OperationEnded,
    OperationNotFound,
)
from engine.runtime.bulk.asked import Asked, Wanted

END = {"Type": "Succeed"}
WAIT = {"Type": "Task", "Resource": "signal:go", "Next": "Done"}
V1 = {"A": WAIT, "Done": END}
RENAMED = {"B": WAIT, "Done": END}


def wish(wanted=None, **more):
    return MigrationWish(wanted=wanted or Wanted(definition="d"), propose=False, **more)


async def started(desk, count, states=V1, prefix="n"):
    """So many executions, all of which rest."""
    await desk.publish(states)
    names = [f"{prefix}{number}" for number in range(count)]
    ids = await asyncio.gather(*(desk.start(name) for name in names))
    for each in ids:
        await until_rests(desk, each)
    return ids


async def until_rests(desk, execution):
    async with asyncio.timeout(60):
        while not (await desk.describe(execution)).waiting_signals:
            await asyncio.sleep(0.01)


async def ended(desk, operation, status="DONE"):
    async with asyncio.timeout(60):
        while (view := await desk.engine.operations.operation(ME, operation)).status != status:
            await asyncio.sleep(0.02)
    return view


async def versions(desk, ids):
    found = [(await desk.describe(each)).version for each in ids]
    return {version: found.count(version) for version in sorted(set(found))}


async def test_a_plan_counts_every_running_execution_by_position_and_writes_nothing(desk):
    ids = await started(desk, 12)
    await desk.publish(RENAMED)
    before = [await desk.describe(each) for each in ids]
    plan = await desk.engine.operations.plan_migration(ME, wish())
    assert (plan.examined, plan.blocked, plan.moves, plan.moves_by_mapping) == (12, 12, 0, 0)
    [position] = plan.positions
    assert (position.state, position.reason, position.count) == ("A", "state_removed", 12)
    assert position.example in ids
    plan = await desk.engine.operations.plan_migration(ME, wish(mapping={"A": "B"}))
    assert (plan.blocked, plan.moves_by_mapping) == (0, 12)
    assert plan.positions[0].to == "B"
    assert [await desk.describe(each) for each in ids] == before


async def test_a_plan_leaves_out_who_is_on_the_version_already(desk):
    await started(desk, 2)
    await desk.publish(RENAMED)
    await started(desk, 3, RENAMED, "new")
    plan = await desk.engine.operations.plan_migration(ME, wish(mapping={"A": "B"}))
    assert (plan.examined, plan.moves_by_mapping, plan.complete) == (2, 2, True)


async def test_a_plans_verdicts_can_be_listed_page_by_page(desk):
    ids = await started(desk, 7)
    await desk.publish(RENAMED)
    found, cursor = [], None
    while True:
        page = await desk.engine.operations.migration_verdicts(
            ME, wish(), outcome="blocked", limit=2, cursor=cursor
        )
        found += [verdict.id for verdict in page.executions]
        cursor = page.next
        if cursor is None:
            break
    assert sorted(found) == sorted(ids)


async def test_a_migration_moves_all_and_each_finishes_on_the_new_version(desk):
    ids = await started(desk, 30)
    await desk.publish(RENAMED)
    begun = await desk.engine.operations.migrate(ME, wish(mapping={"A": "B"}), None)
    view = await ended(desk, begun.id)
    assert (view.answers, view.waiting) == ({"moved": 30}, 0)
    assert await versions(desk, ids) == {2: 30}
    for each in ids:
        await desk.engine.commands.signal(ME, each, "go", Document.of({"of": each}), None)
    for each in ids:
        assert (await desk.end(each)).output.value == {"of": each}


async def test_blocked_executions_stay_and_are_listed_with_the_reason(desk):
    ids = await started(desk, 3)
    await desk.publish(RENAMED)
    begun = await desk.engine.operations.migrate(ME, wish(), "mine")
    view = await ended(desk, begun.id)
    assert (begun.id, view.answers) == ("mine", {"blocked": 3})
    page = await desk.engine.operations.operation_answers(ME, "mine", 100, None)
    assert sorted(answer.execution for answer in page.executions) == sorted(ids)
    assert {answer.reason for answer in page.executions} == {"state_removed"}
    assert await versions(desk, ids) == {1: 3}


async def test_a_share_moves_first_and_the_same_ones_are_in_every_larger_share(desk):
    ids = await started(desk, 40)
    await desk.publish(RENAMED)
    few = wish(mapping={"A": "B"}, percent=20)
    view = await ended(desk, (await desk.engine.operations.migrate(ME, few, None)).id)
    first = view.answers["moved"]
    assert 0 < first < 40
    moved = {each for each in ids if (await desk.describe(each)).version == 2}
    assert len(moved) == first
    rest = wish(mapping={"A": "B"}, percent=60)
    view = await ended(desk, (await desk.engine.operations.migrate(ME, rest, None)).id)
    now = {each for each in ids if (await desk.describe(each)).version == 2}
    assert moved < now
    assert len(now) == first + view.answers["moved"]


async def test_a_number_of_executions_can_be_moved_and_those_of_some_names(desk):
    ids = await started(desk, 10)
    await desk.publish(RENAMED)
    three = wish(mapping={"A": "B"}, count=3)
    assert (
        await ended(desk, (await desk.engine.operations.migrate(ME, three, None)).id)
    ).answers == {"moved": 3}
    left = [each for each in ids if (await desk.describe(each)).version == 1]
    named = Wanted(definition="d", ids=(left[0], left[1].partition(":")[2], "unknown"))
    two = wish(named, mapping={"A": "B"})
    assert (
        await ended(desk, (await desk.engine.operations.migrate(ME, two, None)).id)
    ).answers == {"moved": 2}
    assert await versions(desk, ids) == {1: 5, 2: 5}


async def test_a_migration_pauses_resumes_and_is_cancelled(desk):
    ids = await started(desk, 40)
    await desk.publish(RENAMED)
    slow = wish(mapping={"A": "B"}, rate=20)
    begun = await desk.engine.operations.migrate(ME, slow, None)
    paused = await desk.engine.operations.steer(ME, begun.id, "PAUSED")
    assert paused.status == "PAUSED"
    await asyncio.sleep(1)
    stands = await versions(desk, ids)
    assert stands[1] > 20
    await asyncio.sleep(0.5)
    assert await versions(desk, ids) == stands
    await desk.engine.operations.steer(ME, begun.id, "RUNNING")
    async with asyncio.timeout(30):
        while await versions(desk, ids) == stands:
            await asyncio.sleep(0.05)
    assert (await desk.engine.operations.steer(ME, begun.id, "CANCELLED")).status == "CANCELLED"
    with pytest.raises(OperationEnded):
        await desk.engine.operations.steer(ME, begun.id, "RUNNING")


async def test_a_migration_is_rolled_back_for_those_that_it_moved(desk):
    ids = await started(desk, 8)
    await desk.publish(RENAMED)
    later = await started(desk, 2, RENAMED, "later")
    before = {each: (await desk.describe(each)).frames for each in ids}
    begun = await desk.engine.operations.migrate(ME, wish(mapping={"A": "B"}), None)
    await ended(desk, begun.id)
    plan = await desk.engine.operations.plan_roll_back(ME, begun.id)
    assert (plan.examined, plan.moves_by_mapping) == (8, 8)
    back = await desk.engine.operations.roll_back(
        ME, begun.id, reason="bad", rate=None, percent=None
    )
    view = await ended(desk, back.id)
    assert view.answers == {"moved": 8, "skipped": 2}
    assert await versions(desk, ids) == {1: 8}
    assert await versions(desk, later) == {2: 2}
    assert {each: (await desk.describe(each)).frames for each in ids} == before


async def test_an_execution_that_ends_meanwhile_is_counted_as_closed(desk, engines):
    ids = await started(desk, 1)
    await desk.publish(RENAMED)
    stopped = desk.engine
    await desk.engine.commands.signal(ME, ids[0], "go", Document.of(1), None)
    await desk.end(ids[0])
    named = Wanted(definition="d", status=None, ids=(ids[0],))
    begun = await stopped.operations.migrate(ME, wish(named, mapping={"A": "B"}), None)
    assert (await ended(desk, begun.id)).answers == {"closed": 1}


async def test_what_cannot_be_is_refused_before_anything_begins(desk):
    await desk.publish(V1)
    with pytest.raises(InvalidRequest) as refused:
        await desk.engine.operations.migrate(ME, wish(mapping={"A": "Z"}, data="$merge("), None)
    assert len(refused.value.facts["problems"]) >= 2
    with pytest.raises(OperationNotFound):
        await desk.engine.operations.operation(ME, "nobody")
    assert (await desk.engine.operations.operations(ME, 10, None)).operations == []


async def test_a_mapping_that_names_what_no_version_has_is_refused(desk):
    await desk.publish(V1)
    await desk.publish(RENAMED)
    await desk.engine.operations.plan_migration(ME, wish(mapping={"A": "B"}))
    with pytest.raises(InvalidRequest, match="mapping names Aa"):
        await desk.engine.operations.plan_migration(ME, wish(mapping={"Aa": "B"}))


async def test_an_id_that_asks_for_something_else_is_refused_and_so_is_an_unknown_definition(desk):
    await started(desk, 1)
    await desk.publish(RENAMED)
    await desk.engine.operations.migrate(ME, wish(mapping={"A": "B"}), "one")
    with pytest.raises(OperationAlreadyExists):
        await desk.engine.operations.migrate(ME, wish(mapping={"A": "B"}, percent=5), "one")
    asked = Asked(kind="pause", wanted=Wanted(definition="nobody"), by="me")
    with pytest.raises(DefinitionNotFound):
        await desk.engine.operations.begin(ME, asked, None)


async def test_an_operation_begun_twice_under_one_id_is_one(desk):
    await started(desk, 3)
    await desk.publish(RENAMED)
    for _ in range(2):
        begun = await desk.engine.operations.migrate(ME, wish(mapping={"A": "B"}), "once")
    assert (await ended(desk, begun.id)).answers == {"moved": 3}
    assert len((await desk.engine.operations.operations(ME, 10, None)).operations) == 1
