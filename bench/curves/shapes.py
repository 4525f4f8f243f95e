"""Curves over the shape of one execution: the items of its Map, the steps behind it, the size of what it carries."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from _lab import Engine, Store, engine, store
from _lab.chain import CALLER
from curves.meter import Meter, transitions
from payloads import definition as carrying

from engine.documents import Document

END_MS = 60_000
MAP = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}},
            "End": True,
        }
    },
}
ITEMS_LEAST = 4_000  # in all executions of a point together, so that there is something to measure
STEPS_LEAST = 4_000
RECORDS_MAX = 10_000_000
CARRIED = 10  # states
BYTES_LEAST = 4_000_000


async def ended(running: Engine, definition: str, data: Document) -> None:
    """One execution from its start to its success."""
    started = await running.commands.start(CALLER, definition, name=None, input=data, version=None)
    while True:
        view = await running.queries.describe(CALLER, started.execution.id, END_MS)
        if view.status != "RUNNING":
            break
    assert view.status == "SUCCEEDED", (view.status, view.error, view.cause)


async def repeated(
    running: Engine, at: Store, definition: str, data: Document, times: int, at_once: int
) -> Meter:
    """Once to warm up, then `times`; the meter runs from the beginning of these."""
    await ended(running, definition, data)
    meter = Meter(at)
    left = iter(range(times))

    async def some() -> None:
        for _ in left:
            await ended(running, definition, data)

    await asyncio.gather(*(some() for _ in range(min(times, at_once))))
    return meter


async def maps(sizes: list[int], data: str | None) -> list[dict[str, Any]]:
    """An item of an inline Map of ever more items."""
    points = []
    with store(data) as at:
        async with engine(at.url, history_records_max=RECORDS_MAX) as running:
            await running.commands.publish(CALLER, "each", json.dumps(MAP).encode(), "json")
            for size in sizes:
                times = max(1, ITEMS_LEAST // size)
                meter = await repeated(
                    running, at, "each", Document.of(list(range(size))), times, 10
                )
                points.append({"at": size, **meter.per(times * size)})
    return points


def counting(steps: int) -> bytes:
    """Counts by a Pass and a Choice until so many states have been gone through; every record is kept."""
    again = {"Variable": "$.n", "NumericLessThan": steps // 2, "Next": "Count"}
    states = {
        "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Again"},
        "Again": {"Type": "Choice", "Choices": [again], "Default": "Done"},
        "Done": {"Type": "Succeed"},
    }
    return json.dumps({"StartAt": "Count", "States": states}).encode()


async def history(sizes: list[int], data: str | None) -> list[dict[str, Any]]:
    """A step of executions of ever more steps, which keep their whole history."""
    points = []
    with store(data) as at:
        async with engine(at.url, history_records_max=RECORDS_MAX) as running:
            for size in sizes:
                name = f"steps{size}"
                await running.commands.publish(CALLER, name, counting(size), "json")
                times = max(1, STEPS_LEAST // size)
                before = transitions(running)
                meter = await repeated(running, at, name, Document.of({"n": 0}), times, 10)
                steps = (transitions(running) - before) * times / (times + 1)
                points.append({"at": size, **meter.per(steps)})
    return points


async def payload(sizes: list[int], data: str | None) -> list[dict[str, Any]]:
    """An execution of ten states that carries ever more bytes: per transition, and per KiB of the document."""
    points = []
    with store(data) as at:
        async with engine(at.url, payload_bytes_max=4 * 2**20) as running:
            await running.commands.publish(CALLER, "carry", carrying(), "json")
            for size in sizes:
                times = min(200, max(20, BYTES_LEAST // size))
                document = Document.of({"text": "x" * size})
                meter = await repeated(running, at, "carry", document, times, 10)
                costs = meter.per(times * CARRIED)
                per_kib = {
                    f"{name}_per_kib": value * CARRIED / (size / 1024)
                    for name, value in costs.items()
                }
                points.append({"at": size, **costs, **per_kib})
    return points
