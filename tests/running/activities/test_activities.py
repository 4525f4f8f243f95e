"""Activities: made, found, tagged and deleted; tasks that are taken from them for good."""

from __future__ import annotations

import asyncio

import pytest
from desk import ME, PATIENCE_MS, Desk, until

from engine.commands import activities
from engine.errors import ActivityAlreadyExists, ActivityNotFound, InvalidName, LeaseLost
from engine.store.catalog.activities import Encryption

PAY = {"Type": "Task", "Resource": "arn:aws:states:eu-west-1:1:activity:pay", "End": True}
KEY = Encryption("CUSTOMER_MANAGED_KMS_KEY", "key")


async def create(desk, name="pay", encryption=None, tags=None):
    made = encryption or Encryption()
    return await desk.engine.activities.create(ME, name, made, tags or {})


async def take(desk, wait_ms=PATIENCE_MS):
    task = await desk.engine.activities.lease(ME, "pay", wait_ms=wait_ms, worker="w")
    assert task is not None
    await desk.engine.activities.keep(ME, task)
    return task


async def test_one_that_is_made_again_is_the_one_that_was_there_tags_and_all(desk):
    first = await create(desk, tags={"team": "a"})
    assert await create(desk, tags={"team": "b"}) == first
    assert await desk.engine.activities.describe(ME, "pay") == first
    assert await desk.engine.activities.all(ME) == [first]


async def test_another_encryption_is_refused_and_changes_nothing(desk):
    first = await create(desk)
    with pytest.raises(ActivityAlreadyExists):
        await create(desk, encryption=KEY)
    assert await desk.engine.activities.describe(ME, "pay") == first


async def test_a_name_that_no_definition_could_have_is_refused(desk):
    with pytest.raises(InvalidName):
        await create(desk, name="a:b")


async def test_tags_that_change_at_once_are_all_there(desk):
    await create(desk)
    commands = desk.engine.activities
    await asyncio.gather(
        *(commands.retag(ME, "pay", lambda tags, n=n: tags | {str(n): "x"}) for n in range(8))
    )
    assert len((await commands.describe(ME, "pay")).tags) == 8


async def test_what_does_not_exist_cannot_be_described_tagged_or_polled(desk):
    commands = desk.engine.activities
    for refused in (
        commands.describe(ME, "pay"),
        commands.retag(ME, "pay", lambda tags: tags),
        commands.lease(ME, "pay", wait_ms=0, worker=""),
    ):
        with pytest.raises(ActivityNotFound):
            await refused


async def test_a_task_of_a_deleted_activity_fails_and_one_of_a_queue_without_activity_waits(desk):
    await desk.publish({"A": PAY})
    waiting = await desk.start("before")
    await desk.engine.activities.delete(ME, "pay")  # there is none: nothing happens
    await create(desk)
    await desk.engine.activities.delete(ME, "pay")
    failed = await desk.end(await desk.start("after"))
    assert (failed.status, failed.error) == ("FAILED", "States.Runtime")
    assert failed.cause.endswith(f" The activity {PAY['Resource']} does not exist.")
    assert (await desk.describe(waiting)).status == "RUNNING"


async def test_an_activity_that_is_made_again_takes_tasks_again_at_every_engine(desk, engines):
    other = Desk(await engines())
    await desk.publish({"A": PAY})
    await create(desk)
    await other.engine.activities.delete(ME, "pay")
    await until(lambda: "pay" in desk.engine._deleted._deciding.limits.deleted_activities)
    await create(other)
    await until(lambda: not desk.engine._deleted._deciding.limits.deleted_activities)
    execution = await desk.start("n")
    await desk.succeed(await take(desk))
    assert (await desk.end(execution)).status == "SUCCEEDED"


async def test_an_engine_that_starts_knows_what_was_deleted(desk, engines):
    await create(desk)
    await desk.engine.activities.delete(ME, "pay")
    later = await engines()
    assert later._deleted._deciding.limits.deleted_activities == {"pay"}


async def test_a_task_that_was_taken_for_good_is_not_handed_out_again(desk, monkeypatch):
    monkeypatch.setattr(activities, "HANDED_OVER_MS", 50)
    await desk.publish({"A": PAY})
    await create(desk)
    execution = await desk.start("n")
    task = await take(desk)
    assert await desk.lease("pay", wait_ms=500) == []
    [shown] = (await desk.describe(execution)).tasks
    assert (shown.status, shown.worker) == ("leased", "w")
    await desk.succeed(task)
    assert (await desk.end(execution)).status == "SUCCEEDED"


async def test_a_task_whose_taker_was_not_told_of_it_goes_to_another(desk, monkeypatch):
    monkeypatch.setattr(activities, "HANDED_OVER_MS", 50)
    await desk.publish({"A": PAY})
    await create(desk)
    await desk.start("n")
    first = await desk.engine.activities.lease(ME, "pay", wait_ms=PATIENCE_MS, worker="w")
    [second] = await desk.lease("pay")
    assert second.token == first.token
    with pytest.raises(LeaseLost):
        await desk.engine.activities.keep(ME, first)


async def test_a_task_that_was_taken_for_good_ends_by_its_heartbeat(desk):
    await desk.publish({"A": PAY | {"HeartbeatSeconds": 1}})
    await create(desk)
    execution = await desk.start("n")
    await take(desk)
    assert (await desk.end(execution)).error == "States.Timeout"
    kinds = await desk.kinds(execution)
    assert kinds[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivityTimedOut"]
