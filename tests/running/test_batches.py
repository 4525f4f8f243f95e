"""Starts of one batch share their round trip, and one that fails leaves the others alone."""

from __future__ import annotations

import asyncio

import pytest

from engine.documents import Document
from engine.errors import OutcomeUnknown, StoreUnavailable
from engine.views import Caller, StartResult
from engine.views.starting import Start

CALLER = Caller()
TEXT = b"StartAt: A\nStates:\n  A: {Type: Task, Resource: activity:a, End: true}\n"
STARTS = 50


def starts(count: int = STARTS) -> list[Start]:
    return [Start(Document.of(number), f"n{number}") for number in range(count)]


@pytest.fixture
async def commands(engine):
    await engine.commands.publish(CALLER, "d", TEXT, "yaml", None)
    return engine.commands


async def test_all_starts_of_a_batch_are_in_flight_at_once(commands, monkeypatch):
    create, gate = commands._executions.create, asyncio.Barrier(STARTS)

    async def together(*args, **kwargs):
        async with asyncio.timeout(30):  # nobody passes before all have come
            await gate.wait()
        return await create(*args, **kwargs)

    monkeypatch.setattr(commands._executions, "create", together)
    results = await commands.start_many(CALLER, "d", starts())
    assert all(isinstance(result, StartResult) and result.created for result in results)


async def test_a_start_whose_answer_is_lost_is_told_so_and_the_others_are_started(
    commands, monkeypatch
):
    create = commands._executions.create

    async def losing(ref, *args, **kwargs):
        made = await create(ref, *args, **kwargs)
        if ref.endswith(":n1"):
            raise OutcomeUnknown
        return made

    monkeypatch.setattr(commands._executions, "create", losing)
    results = await commands.start_many(CALLER, "d", starts(3))
    assert [type(result).__name__ for result in results] == [
        *("StartResult", "OutcomeUnknown", "StartResult")
    ]


async def test_a_batch_that_the_store_answered_nothing_of_fails_whole(commands, monkeypatch):
    async def refusing(*_args, **_kwargs):
        raise StoreUnavailable

    monkeypatch.setattr(commands._executions, "create", refusing)
    with pytest.raises(StoreUnavailable):
        await commands.start_many(CALLER, "d", starts(3))
