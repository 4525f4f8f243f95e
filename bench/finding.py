"""Does finding cost more the more executions there are? Pages and counts at few and at many, in one definition.

The executions are put into two stores directly, as commits would leave them: with two search attributes, one of a
hundred values and one that is each execution's own. Pages and counts of both stores take turns.
"""

from __future__ import annotations

import contextlib
import json
import time
from statistics import median
from typing import Any

from _lab import Engine, Store, arguments, close, engine, machine, run, show, store
from _lab.chain import CALLER

from engine.store import codec
from engine.store.finding.asked import filter_of
from engine.store.finding.entries import entries_of
from engine.store.finding.filter import Filter
from engine.store.finding.rows import Row
from engine.store.keys import Keys, ref_of

DEFINITION = {
    "Detent": {"SearchAttributes": {"customer": "$.customer", "region": "$.region"}},
    "StartAt": "Ask",
    "States": {"Ask": {"Type": "Task", "Resource": "signal:go", "End": True}},
}
REGIONS = 100
FIRST_MS = 1_764_000_000_000
PIPELINED = 2_000
PAGE = 100

# What is asked, and the attribute of the middle execution where one is.
QUESTIONS: dict[str, dict[str, Any]] = {
    "newest": {},
    "running": {"status": "RUNNING"},
    "by_state": {"state": "Ask"},
    "by_version": {"version": 1, "status": "RUNNING"},
    "by_region": {"attributes": ["region:r7"]},
    "by_customer": {"attributes": ["customer:c-77"]},
    "by_both": {"attributes": ["region:r77", "customer:c-77"]},
    "by_region_and_status": {"attributes": ["region:r9"], "status": "FAILED"},
    "since": {"started_after": "2025-11-24T16:00:00Z"},
}


class Shelf:
    """A store full of executions, and the engine that is asked."""

    def __init__(self, running: Engine, at: Store) -> None:
        self.running, self.at = running, at
        self.keys = Keys(running.settings.prefix, running.settings.partitions)
        self.taken: dict[str, list[float]] = {}

    async def fill(self, count: int) -> None:
        """Publish, and put `count` executions there: nine of ten run, the others have failed."""
        text = json.dumps(DEFINITION).encode()
        await self.running.commands.publish(CALLER, "found", text, "json")
        for first in range(0, count, PIPELINED):
            pipeline = self.at.client.pipeline(transaction=False)
            for number in range(first, min(first + PIPELINED, count)):
                self._plant(pipeline, number)
            pipeline.execute()

    def _plant(self, pipeline: Any, number: int) -> None:
        fails = number % 10 == 9
        row = Row(
            f"found:n{number}",
            1,
            "FAILED" if fails else "RUNNING",
            FIRST_MS + number,
            state="" if fails else "Ask",
            error="Lost" if fails else None,
            attributes={"customer": f"c-{number}", "region": f"r{number % REGIONS}"},
        )
        meta = codec.Meta(resting=row.state, error=row.error, attributes=dict(row.attributes))
        fields = {
            "status": row.status,
            "ver": row.version,
            "started": row.started_ms,
            "m": codec.pack(meta),
        }
        pipeline.hset(
            self.keys.of(ref_of(CALLER.namespace, row.id)).execution, mapping=dict(fields)
        )
        for key, (score, member) in entries_of(self.keys, CALLER.namespace, row).items():
            pipeline.zadd(key, {member: float(score)})

    async def ask(self, name: str, wanted: Filter) -> None:
        """A page and a count, timed."""
        began = time.perf_counter()
        await self.running.queries.executions(CALLER, wanted, limit=PAGE, cursor=None)
        paged = time.perf_counter()
        await self.running.queries.count(CALLER, wanted)
        self.taken.setdefault(name, []).append(paged - began)
        self.taken.setdefault(f"{name}, count", []).append(time.perf_counter() - paged)


async def main() -> None:
    options = arguments(
        __doc__ or "",
        few=(10_000, "executions in the small store"),
        count=(200_000, "executions in the large store"),
        turns=(30, "times each question is asked in each store"),
    )
    async with contextlib.AsyncExitStack() as stack:
        shelves = []
        for count in (options.few, options.count):
            at = stack.enter_context(store(options.data))
            running = await stack.enter_async_context(engine(at.url))
            shelves.append(Shelf(running, at))
            await shelves[-1].fill(count)
        about = machine(shelves[0].at, options.data)
        show("machine", about)
        result: dict[str, Any] = {"machine": about}
        for name, asked in QUESTIONS.items():
            wanted = filter_of(definition="found", **asked)
            for turn in range(options.turns):
                for shelf in shelves if turn % 2 else reversed(shelves):
                    await shelf.ask(name, wanted)
        for name in shelves[0].taken:
            few, many = (median(shelf.taken[name]) * 1000 for shelf in shelves)
            result[name] = {"few_ms": few, "many_ms": many, "ratio": many / few}
            show(name, result[name])
    close(options, result)


if __name__ == "__main__":
    run(main())
