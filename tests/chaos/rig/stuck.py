"""The stuck detector: executions are open, no fault is at work, and none ends. Then everything known of them is written down."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import redis.exceptions

from tests.chaos.rig import dump
from tests.chaos.rig.faults import Faults
from tests.chaos.rig.stage import KEYS, LOOK_SECONDS, Stage

RECORDS_SHOWN = 20
SHOWN = 50  # executions


class Stuck(Exception):
    """No execution has ended for too long. `stuck.json` tells of those that are open."""


async def watch(on: Stage, faults: Faults, seconds: float) -> None:
    """For ever; raises Stuck after `seconds` without an end, counted from the last fault."""
    ended, since = -1, time.time()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        for server in on.household.servers:
            on.household.tend(server)
        try:
            open_, closed = await _counts(on.client)
        except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
            continue
        if closed != ended or not open_:
            ended, since = closed, time.time()
        if time.time() - max(since, faults.last) > seconds:
            await _tell(on, closed)
            raise Stuck(f"{open_} executions are open, and none has ended for {seconds:.0f} s")


async def _counts(client: Any) -> tuple[int, int]:
    pipe = client.pipeline(transaction=False)
    for partition in range(KEYS.partitions):
        pipe.get(KEYS.open(partition, "default"))
        pipe.zcard(f"{KEYS.tag(partition)}:closed")
    found = [int(count or 0) for count in await pipe.execute()]
    return sum(found[::2]), sum(found[1::2])


async def _tell(on: Stage, closed: int) -> None:
    """Leave stuck.json: each open execution, its last records, and every index entry that names it; and what Redis says."""
    found = await dump.snapshot(on.client, "detent")
    open_ = [run for run in dump.executions(found, "detent") if run["status"] == "RUNNING"]
    told = [
        run | {"records": run["records"][-RECORDS_SHOWN:], "named": _named(found, run["id"])}
        for run in open_[:SHOWN]
    ]
    info = {
        key: str(value) for key, value in (await on.client.info()).items() if "memory" not in key
    }
    slow = [str(entry) for entry in await on.client.slowlog_get(20)]
    what = {"open": len(open_), "closed": closed, "executions": told, "slow": slow, "info": info}
    (on.folder / "stuck.json").write_text(json.dumps(what, indent=1), encoding="utf-8")


def _named(found: dict[str, Any], identifier: str) -> list[str]:
    """Entries of sets, queues, timers, tasks and leases that name an execution."""
    mark = f"default:{identifier}"
    out = []
    for name, entry in found.items():
        if ":x:" in name or not isinstance(entry["value"], list | dict):
            continue
        for item in entry["value"]:
            text = str(item[0] if isinstance(item, list) else item)
            if text == mark or text.startswith((mark + "/", mark + "#")):
                out.append(f"{name}: {item}")
    return out
