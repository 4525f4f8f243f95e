"""A distributed Map while its engines are killed: every item's child is run once, and the counts are exact.

A child that was started twice would have another seed, and so another Idempotency-Key: the worker, which performs the one
task of each child, notes every key that it is shown.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.documents import Document
from engine.errors import EngineError
from engine.serve import Engine
from engine.settings import Settings
from engine.views import Caller, LeasedTask, Outcome
from tests.chaos.rig.processes import Household

pytestmark = pytest.mark.slow

ME = Caller()
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:item"
WAIT_MS = 20_000


@dataclass
class Seen:
    """What became of a run."""

    keys: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    kills: int = 0
    performed_max: int = 0  # so many items are performed for now
    status: str = ""
    output: Any = None
    run: Any = None


def definition() -> bytes:
    task = {"Type": "Task", "Resource": FUNCTION, "End": True}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "T",
        "States": {"T": task},
    }
    items = {"Type": "Map", "Label": "L", "ItemProcessor": processor, "End": True}
    return json.dumps({"StartAt": "M", "States": {"M": items}}).encode()


async def run(folder: Path, *, items: int, kills: int) -> Seen:
    """Run `items` items on two engine processes, which take turns at being killed, and are started again."""
    household = Household(folder, engines=2, lease_ms=1000)
    household.redis.start()
    for server in household.engines:
        household.spawn(server)
    face = Engine(
        household.redis.url,
        Settings(redis_url=household.redis.url, log_level="error"),
        advances=False,
    )
    seen = Seen()
    try:
        for server in household.engines:
            await household.ready(server)
        await face.start()
        await _play(face, household, seen, items, kills)
        await face.stop()
    finally:
        for server in household.engines:
            if server.process is not None and server.process.poll() is None:
                household.kill(server)
        household.redis.stop()
    return seen


async def _play(face: Engine, household: Household, seen: Seen, items: int, kills: int) -> None:
    await face.commands.publish(ME, "d", definition(), "json")
    given = Document.of(list(range(1, items + 1)))
    await face.commands.start(ME, "d", name="n", input=given, version=None)
    loop = asyncio.get_running_loop()
    others = [loop.create_task(_work(face, seen)) for _ in range(4)]
    others.append(loop.create_task(_kill(household, seen, items, kills)))
    while (view := await face.queries.describe(ME, "d:n", WAIT_MS)).status == "RUNNING":
        for task in others:
            if task.done():
                task.result()
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    seen.status = view.status
    seen.output = view.output.value if view.status == "SUCCEEDED" else (view.error, view.cause)
    page = await face.map_runs.of(ME, "d:n", limit=10, cursor=None)
    [seen.run] = page.map_runs


async def _work(face: Engine, seen: Seen) -> None:
    """Perform tasks, for ever."""
    while True:
        if len(seen.keys) >= seen.performed_max:
            await asyncio.sleep(0.01)
            continue
        tasks = await face.commands.lease(
            ME, "item", most=20, wait_ms=1000, lease_ms=30_000, worker="w"
        )
        await asyncio.gather(*(_perform(face, seen, task) for task in tasks))


async def _perform(face: Engine, seen: Seen, task: LeasedTask) -> None:
    item = task.input.value
    seen.keys[item].add(task.idempotency_key)
    outcome = Outcome(task.token, output=Document.of(item), lease=task.lease)
    try:
        await face.commands.settle(ME, outcome)
    except EngineError:
        return  # it ended otherwise


async def _kill(household: Household, seen: Seen, items: int, kills: int) -> None:
    """Kill after each so many items. Nothing more is performed until that has happened, so that all kills are in the midst of it."""
    for number in range(kills):
        seen.performed_max = items * (number + 1) // (kills + 1)
        while len(seen.keys) < seen.performed_max:
            await asyncio.sleep(0.01)
        server = household.engines[number % 2]
        household.kill(server)
        seen.kills += 1
        household.spawn(server)
        await household.ready(server)
    seen.performed_max = items


async def test_engines_are_killed_and_every_items_child_is_run_once_and_counted_once(tmp_path):
    seen = await run(tmp_path, items=2000, kills=6)
    assert seen.status == "SUCCEEDED", seen.output
    assert seen.output == list(range(1, 2001))
    assert {item: len(keys) for item, keys in seen.keys.items() if len(keys) != 1} == {}
    assert len(seen.keys) == 2000
    counts = seen.run.executions
    assert (counts.succeeded, counts.total, counts.running, counts.failed) == (2000, 2000, 0, 0)
    assert seen.run.items.succeeded == 2000
    assert seen.kills == 6
