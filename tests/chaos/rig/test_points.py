"""Failpoints where the engine has them: each is listed and passed, and a process that dies there loses and doubles nothing."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

import pytest
from detent import Client

from engine import failpoints
from tests.chaos.rig import dump, indexes
from tests.chaos.rig.journal import Journal, lines
from tests.chaos.rig.processes import Household, Server
from tests.chaos.workflows.effects import EffectServer
from tests.chaos.workflows.expected import Expected
from tests.chaos.workflows.grammar import Definition, Flow, Nested, given
from tests.chaos.workflows.patterns import fits
from tests.chaos.workflows.performers import Performer
from tests.chaos.workflows.steps import Pass, Signals, Task, Wait

ENGINE = Path(failpoints.__file__).parent
SEED = 1
DIES_SECONDS = 60.0
LISTED = re.findall(r"(\w+)(?=[,:])", "\n".join(
    line.partition(": ")[0] + ":" for line in (failpoints.__doc__ or "").splitlines() if line.startswith("- ")
))  # fmt: skip
OF_API = [name for name in LISTED if name.startswith("before_ack") or name == "before_hand_out"]


def test_the_list_of_points_is_that_of_the_code():
    text = "\n".join(path.read_text(encoding="utf-8") for path in ENGINE.rglob("*.py"))
    calls = re.findall(r"failpoints\.hit\((.*?)\)\n", text)
    in_code = {name for call in calls for name in re.findall(r'"(\w+)"', call)}
    assert sorted(LISTED) == sorted(in_code)


def definition(url: str) -> Definition:
    """Passes every point: a task of a worker, a wait, a call, a child, a signal."""
    child = Definition("points-child", Flow("C", (Pass("C1", 3),)))
    steps = (
        Task("S1", "work", caught=True, url=url),
        Wait("S2", 1),
        Task("S3", "call", caught=True, url=url),
        Nested("S4", child, caught=False),
        Signals("S5", "prompt", 1),
    )
    return Definition("points", Flow("S", steps))


class Rehearsal:
    """One engine and one API, of which one at a time is armed; and the callers and performers beside them."""

    def __init__(self, household: Household, client: Client, definition_: Definition) -> None:
        self.household = household
        self.client = client
        self.definition = definition_
        self.started: list[Expected] = []
        self.callers: list[asyncio.Task[None]] = []

    async def die_at(self, server: Server, point: str) -> None:
        """Kill the server; have it die at the point once more, at its first passage, and start it again."""
        self.household.kill(server)
        self.household.spawn(server, f"{point}:1:kill")
        process = server.process
        assert process is not None
        self.callers.append(asyncio.create_task(self.call()))
        async with asyncio.timeout(DIES_SECONDS):
            while process.poll() is None:
                await asyncio.sleep(0.02)
        assert process.returncode == -signal.SIGKILL, server.log.read_text()[-2000:]
        self.household.spawn(server)

    async def call(self) -> None:
        """Start one execution and send its signal."""
        number = len(self.started)
        expected = self.definition.expected(SEED, f"points:r{number}", 1)
        self.started.append(expected)
        await self.client.start("points", given(expected.id, 1), name=f"r{number}")
        [signal_] = expected.signals
        await self.client.signal(expected.id, signal_.name, {"id": signal_.id}, id=signal_.id)


@pytest.mark.slow
async def test_a_process_that_dies_at_any_point_loses_and_doubles_nothing(tmp_path):
    household = Household(tmp_path, engines=1, lease_ms=500)
    effects, operations = (Journal(tmp_path / f"{n}.jsonl") for n in ("effects", "ops"))
    world = EffectServer(SEED, household.url, effects, operations)
    made = definition(await world.start())
    household.start()
    client = Client(household.url, retry_seconds=DIES_SECONDS)
    performing = asyncio.create_task(Performer(household.url, SEED, tmp_path).run())
    rehearsal = Rehearsal(household, client, made)
    redis = dump.client_of(household.redis.url)
    try:
        await client.publish(
            "points-child",
            {"StartAt": "C1", "States": Flow("C", (Pass("C1", 3),)).machine()["States"]},
        )
        await client.publish("points", made.machine())
        for point in LISTED:
            server = household.api if point in OF_API else household.engines[0]
            await rehearsal.die_at(server, point)
        await asyncio.gather(*rehearsal.callers)
        for expected in rehearsal.started:
            found = await client.describe(expected.id, wait_seconds=60)
            assert found["status"] == "SUCCEEDED", found
            assert fits(expected.output, found["output"])
        for server in (household.api, *household.engines):
            await asyncio.to_thread(household.terminate, server)
        assert indexes.problems(await dump.snapshot(redis, "detent"), "detent") == []
    finally:
        performing.cancel()
        await asyncio.gather(performing, *rehearsal.callers, return_exceptions=True)
        await client.close()
        await redis.aclose()
        household.close()
        await world.close()
        effects.close()
        operations.close()
    done = {
        (line["execution"], line["state"], line["key"])
        for line in lines(tmp_path / "effects.jsonl")
        if line["done"]
    }
    due = [
        (e.id, state) for e in rehearsal.started for (state, _), each in e.due.items() if each.done
    ]
    assert sorted((execution, state) for execution, state, _ in done) == sorted(due)
