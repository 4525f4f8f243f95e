"""An execution that moves to another version is found by that version, and by what it declares, from that commit on."""

from __future__ import annotations

import asyncio

from desk import ME

from engine.core.events import MigrateRequested
from engine.store.finding.entries import entries_of
from engine.store.finding.filter import Filter
from engine.store.finding.rows import FIELDS, row_of
from engine.store.keys import ref_of

ASK = {"Ask": {"Type": "Task", "Resource": "signal:go", "End": True}}


async def found(desk, **asked) -> list[str]:
    page = await desk.engine.queries.executions(
        ME, Filter(definition="d", **asked), limit=10, cursor=None
    )
    return [each.id for each in page.executions]


async def until_found(desk, execution: str, **asked) -> None:
    async with asyncio.timeout(60):
        while await found(desk, **asked) != [execution]:
            await asyncio.sleep(0.01)


async def moved(desk, execution: str, version: int, *, back: str = "") -> None:
    """Ask for the move, and return once the execution is found by the version."""
    event = MigrateRequested(
        version, {}, frozenset(), "tester", None, f"op{version}{back}", back=back
    )
    ref = ref_of("default", execution)
    await desk.engine.commands._signals.control(ref, event, operation=event.operation)
    desk.engine._offer(ref)
    await until_found(desk, execution, version=version, status="RUNNING")


async def test_a_moved_execution_changes_its_entries_and_a_move_back_its_version(desk):
    await desk.publish(ASK)
    execution = await desk.start("n", {"who": "ann"})
    await until_found(desk, execution, state="Ask")
    await desk.publish(ASK, Detent={"SearchAttributes": {"who": "$.who"}})
    assert await found(desk, version=1, status="RUNNING") == [execution]
    await moved(desk, execution, 2)
    assert await found(desk, version=1) == []
    assert await found(desk, attributes=(("who", "ann"),), state="Ask") == [execution]
    await moved(desk, execution, 1, back="op2")
    assert await found(desk, version=2) == []
    keys = desk.engine.commands._executions._keys
    key = keys.of(ref_of("default", execution)).execution
    row = row_of(execution, await desk.engine.redis.call(key, "HMGET", key, *FIELDS))
    for entry, (score, member) in entries_of(keys, "default", row).items():
        assert float(await desk.engine.redis.call(entry, "ZSCORE", entry, member)) == float(score)
