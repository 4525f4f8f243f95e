"""What does an item of a distributed Map cost, and what memory do many take? Over plain executions of the same machine.

One engine with the embedded server, appendfsync always. Items are lines of a file; each child is one Pass state; results
are exported to files. The floor of STANDARD is that many executions of the processor alone, started as a caller would, as
many at once as the Map has out; that of EXPRESS is the same in memory. With --kills, two engine processes take turns at
being killed meanwhile, and every child must have been run once: each has a Task, whose Idempotency-Key another run of the
child would not have.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from _lab import Engine, Store, arguments, close, engine, folder, machine, own_cpu, run, show, store
from _lab.engines import KILLED, engines

from engine.documents import Document
from engine.errors import EngineError
from engine.views import Caller, LeasedTask, Outcome

CALLER = Caller()
PAGE_BYTES = 4096
AT_ONCE = 1000
FLOOR = 5_000  # executions
KILL_SECONDS = 5.0
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:item"
PASS = {"P": {"Type": "Pass", "End": True}}
TASK = {"T": {"Type": "Task", "Resource": FUNCTION, "End": True}}


def definition(kind: str, states: dict[str, Any]) -> bytes:
    """A Map over the lines of a file, whose results are exported."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
        "StartAt": next(iter(states)),
        "States": states,
    }
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket": "items", "Key": "items.jsonl"},
    }
    writer = {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "items", "Prefix": "results"},
        "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
    }
    body = {
        "Type": "Map", "Label": "L", "ItemReader": reader, "ItemProcessor": processor,
        "ResultWriter": writer, "MaxConcurrency": AT_ONCE, "End": True,
    }  # fmt: skip
    return json.dumps({"StartAt": "M", "States": {"M": body}}).encode()


def write_items(data: Path, count: int) -> None:
    bucket = data / "items"
    bucket.mkdir(exist_ok=True)
    with (bucket / "items.jsonl").open("w") as file:
        for number in range(count):
            file.write(f'{{"n":{number},"name":"item {number}"}}\n')


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


async def floor(running: Engine, at: Store, kind: str) -> dict[str, float]:
    """What executions of the processor alone come to, started and waited for."""
    name = f"floor-{kind.lower()}"
    text = json.dumps({"StartAt": "P", "States": PASS}).encode()
    await running.commands.publish(CALLER, name, text, "json", kind)  # type: ignore[arg-type]
    left = iter(range(FLOOR))

    async def one_after_the_other() -> None:
        for number in left:
            given = Document.of({"n": number, "name": f"item {number}"})
            started = await running.commands.start(
                CALLER, name, name=f"n{number}", input=given, version=None
            )
            view = await running.queries.describe(CALLER, started.execution.id, 60_000)
            assert view.status == "SUCCEEDED", view

    began, cpu, redis_cpu = time.perf_counter(), own_cpu(), at.cpu()
    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return {
        "floor_per_second": FLOOR / (time.perf_counter() - began),
        "floor_engine_us": (own_cpu() - cpu) / FLOOR * 1e6,
        "floor_redis_us": (at.cpu() - redis_cpu) / FLOOR * 1e6,
    }


def share(figures: dict[str, float]) -> dict[str, float]:
    """The run over its floor: executions a second, and CPU of an item, which does not depend on who else uses the machine."""
    cpu = figures["engine_us"] + figures["redis_us"]
    alone = figures["floor_engine_us"] + figures["floor_redis_us"]
    return {
        "ratio": figures["per_second"] / figures["floor_per_second"],
        "cpu_us": cpu,
        "cpu_ratio": cpu / alone,
    }


class Peak:
    """The most memory that was in use since it began, of this process and of Redis, beyond what was in use then."""

    def __init__(self, at: Store) -> None:
        self._at = at
        self._before = resident(), at.memory()
        self._most = self._before
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while True:
            used: Any = self._at.client.info("memory")
            self._most = max(self._most[0], resident()), max(self._most[1], used["used_memory"])
            await asyncio.sleep(0.2)

    def end(self) -> dict[str, int]:
        self._task.cancel()
        engine_bytes, redis_bytes = (
            most - before for most, before in zip(self._most, self._before, strict=True)
        )
        left = self._at.memory() - self._before[1]
        return {
            "engine_peak_bytes": engine_bytes,
            "redis_peak_bytes": redis_bytes,
            "redis_left_bytes": left,
        }


async def measured(running: Engine, at: Store, kind: str, count: int) -> dict[str, float]:
    """One run over so many items."""
    name = f"map-{kind.lower()}"
    await running.commands.publish(CALLER, name, definition(kind, PASS), "json")
    peak, cpu, redis_cpu, began = Peak(at), own_cpu(), at.cpu(), time.perf_counter()
    started = await running.commands.start(
        CALLER, name, name=f"n{count}", input=Document.of({}), version=None
    )
    view = await running.queries.describe(CALLER, started.execution.id, 24 * 3_600_000)
    seconds = time.perf_counter() - began
    assert view.status == "SUCCEEDED", view
    page = await running.map_runs.of(CALLER, started.execution.id, limit=1, cursor=None)
    counts = page.map_runs[0].items
    assert (counts.succeeded, counts.total, counts.results_written) == (count,) * 3, counts
    return {
        "per_second": count / seconds,
        "engine_us": (own_cpu() - cpu) / count * 1e6,
        "redis_us": (at.cpu() - redis_cpu) / count * 1e6,
        **peak.end(),
    }


async def killed(at: Store, count: int) -> dict[str, Any]:
    """One run while engine processes are killed: how often each child was run."""
    keys: Counter[int] = Counter()
    seen: dict[int, str] = {}
    async with engines(at, 2, KILL_SECONDS) as face:

        async def perform(task: LeasedTask) -> None:
            number = task.input.value["n"]
            keys[number] += seen.get(number) != task.idempotency_key
            seen[number] = task.idempotency_key
            try:
                await face.commands.settle(
                    CALLER, Outcome(task.token, output=Document.of(number), lease=task.lease)
                )
            except EngineError:
                return  # it ended otherwise

        async def work() -> None:
            while True:
                tasks = await face.commands.lease(
                    CALLER, "item", most=50, wait_ms=1000, lease_ms=30_000, worker="w"
                )
                await asyncio.gather(*map(perform, tasks))

        await face.commands.publish(CALLER, "killed", definition("STANDARD", TASK), "json")
        began = time.perf_counter()
        workers = [asyncio.get_running_loop().create_task(work()) for _ in range(4)]
        started = await face.commands.start(
            CALLER, "killed", name=None, input=Document.of({}), version=None
        )
        view = await face.queries.describe(CALLER, started.execution.id, 24 * 3_600_000)
        seconds = time.perf_counter() - began
        for worker in workers:
            worker.cancel()
        page = await face.map_runs.of(CALLER, started.execution.id, limit=1, cursor=None)
    assert view.status == "SUCCEEDED", view
    counts = page.map_runs[0].executions
    assert (counts.succeeded, counts.total, counts.running) == (count, count, 0), counts
    again = sum(times - 1 for times in keys.values())
    assert (len(keys), again) == (count, 0), (len(keys), again)
    return {
        "items": count, "kills": len(KILLED), "run_once": len(keys), "run_again": again,
        "per_second": count / seconds,
    }  # fmt: skip


async def main() -> None:
    options = arguments(
        __doc__ or "",
        standard=(10_000, "items of the STANDARD run"),
        express=(10_000, "items of the EXPRESS run"),
        kills=(0, "items of a run while engines are killed; 0 is none"),
    )
    with folder(options.data) as data, store(options.data) as at:
        result: dict[str, Any] = {"machine": machine(at, options.data)}
        show("machine", result["machine"])
        for kind, count in (("STANDARD", options.standard), ("EXPRESS", options.express)):
            if not count:
                continue
            write_items(data, count)
            at.client.flushall()
            async with engine(at.url, datasets=data) as running:
                alone = await floor(running, at, kind)
                figures = await measured(running, at, kind, count) | alone
            figures |= share(figures)
            result[kind.lower()] = figures
            show(f"{kind}, {count:,} items", figures)
        if options.kills:
            write_items(data, options.kills)
            at.client.flushall()
            with_data(data)
            result["killed"] = await killed(at, options.kills)
            show("with engines killed", result["killed"])
    close(options, result)


def with_data(data: Path) -> None:
    """Engine processes that are started from now on find the files there."""
    os.environ["DETENT_DATASETS"] = str(data)


if __name__ == "__main__":
    run(main())
