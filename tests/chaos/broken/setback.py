"""A store that is set back: an engine holds a claim from before, and what it has decided never happened any more.

As after a failover to a replica that lacked the last writes. The execution goes on from the earlier checkpoint with
another engine, comes to the same revision by another way, and then the first engine, frozen meanwhile, commits. Only
the nonce tells its revision from the other one of the same number.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.core.execution import ROOT
from tests.chaos.races.doors import Held, Outside
from tests.chaos.rig import chains, dump
from tests.chaos.rig.processes import Household
from tests.chaos.rig.verdicts import verdict_of

GOES_ON_SECONDS = 3.0  # that the zombie gets to do its worst
PATIENCE_SECONDS = 60.0

_ASK = {"Type": "Task", "Resource": "activity:ask"}
DEFINITION = {
    "StartAt": "First",
    "States": {
        "First": {**_ASK, "ResultPath": "$.first", "Next": "Second"},
        "Second": {**_ASK, "ResultPath": "$.second", "End": True},
    },
}
RECORDS = (
    *("ExecutionStarted", "TaskStateEntered", "ActivityScheduled", "ActivityStarted"),
    *("ActivitySucceeded", "TaskStateExited", "TaskStateEntered", "ActivityScheduled"),
    *("ActivityStarted", "ActivitySucceeded", "TaskStateExited", "ExecutionSucceeded"),
)

Copy = list[tuple[bytes, int, bytes]]


async def run(mutant: str = "") -> dict[str, Any]:
    """One run; returns its verdict."""
    folder = Path(tempfile.mkdtemp(prefix="dt-setback-"))
    house = Household(folder, engines=2, lease_ms=1000, mutant=mutant)
    door = Outside(house.url)
    try:
        house.redis.start()
        client = dump.client_of(house.redis.url)
        try:
            ended_early, refused = await _play(house, door, client)
            for server in house.engines:
                house.terminate(server)
            found = await dump.snapshot(client, "detent")
        finally:
            await client.aclose()
    finally:
        await door.close()
        house.close()
        shutil.rmtree(folder)
    (execution,) = dump.executions(found, "detent")
    findings = {
        "one": ["an outcome is applied that nobody reported to this store"] if ended_early else [],
        **{name: list(texts) for name, texts in _checks(execution, refused=refused).items()},
    }
    figures = {"revision": execution["revision"], "status": execution["status"]}
    return verdict_of(findings, shortfalls=[], figures=figures, plan={"mutant": mutant})


def _checks(execution: dict[str, Any], *, refused: bool) -> dict[str, Iterator[str]]:
    records = execution["records"]
    types = tuple(record["type"] for record in records)
    output = execution["output"]

    def sequence() -> Iterator[str]:
        if types != RECORDS or [r["id"] for r in records] != list(range(1, len(records) + 1)):
            yield f"its records are {list(types)}"

    def lost() -> Iterator[str]:
        if refused:
            yield "the outcome of this store's second task was refused"
        if output != {"first": "new", "second": "new"}:
            yield f"the output is {output}, this store was told new twice"

    return {"sequence": sequence(), "chain": chains.problems(records), "lost": lost()}


async def _play(house: Household, door: Outside, client: Any) -> tuple[bool, bool]:
    """Whether the execution ended without its outcome, and whether the outcome was refused."""
    zombie, other = house.engines
    house.spawn(house.api)
    house.spawn(zombie)
    await house.ready(house.api)
    await door.opened()
    await house.ready(zombie)
    await door.publish("setback", json.dumps(DEFINITION).encode())
    execution = await door.start("setback", "one")
    first = await _held(door)
    copy = await _copy(client)
    await door.succeed(first.token, "old", first.lease)
    second = await _held(door)
    house.terminate(zombie)
    house.spawn(zombie, failpoints="before_commit:1:stop")
    await house.ready(zombie)
    await door.succeed(second.token, "old", second.lease)
    await _stopped(zombie)

    await _set_back(client, copy)
    house.spawn(other)
    await house.ready(other)
    await door.succeed(first.token, "new", first.lease)
    second = await _held(door)
    assert zombie.process is not None
    zombie.process.send_signal(signal.SIGCONT)
    await asyncio.sleep(GOES_ON_SECONDS)
    ended_early = not await _waits(client, execution)
    refused = False
    try:
        await door.succeed(second.token, "new", second.lease)
        await door.end(execution)
    except Exception:  # however it is refused, the check tells of it
        refused = True
    return ended_early, refused


async def _held(door: Outside) -> Held:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (tasks := await door.lease("ask", 1)):
            pass
    return tasks[0]


async def _waits(client: Any, execution: str) -> bool:
    """Whether it runs and has a frame."""
    found = await dump.snapshot(client, "detent")
    for name, entry in found.items():
        if name.endswith(f":x:{execution}"):
            fields = entry["value"]
            return fields["status"] == "RUNNING" and f"f:{ROOT}" in fields
    return False


async def _copy(client: Any) -> Copy:
    names = [name async for name in client.scan_iter(count=1000)]
    return [
        (name, max(0, await client.pttl(name)), await client.dump(name)) for name in sorted(names)
    ]


async def _set_back(client: Any, copy: Copy) -> None:
    """Put the copy in the place of all there is, at one moment."""
    pipe = client.pipeline(transaction=True)
    pipe.flushall()
    for name, ttl, value in copy:
        if value is not None:
            pipe.restore(name, ttl, value)
    await pipe.execute()


async def _stopped(server: Any) -> None:
    """Wait until the process has stopped itself."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    stat = Path(f"/proc/{server.process.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "T":
        if time.monotonic() > deadline:
            raise RuntimeError("the engine has not come to its commit")
        await asyncio.sleep(0.02)
