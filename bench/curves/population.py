"""Curves over what merely waits: parked executions, and timers that are far from due."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from _lab import Engine, Store, engine, store
from _lab.chain import CALLER
from curves.meter import Meter, calm, transitions, until_transitions
from curves.plant import MARK, Mould, numbered

from engine.clock import iso
from engine.documents import Document
from engine.store.keys import Keys, ref_of

DEFINITION = {
    "Detent": {"SearchAttributes": {"customer": "$.customer", "region": "$.region"}},
    "StartAt": "Ask",
    "States": {"Ask": {"Type": "Task", "Resource": "signal:go", "End": True}},
}
TIMED = {
    "StartAt": "Sleep",
    "States": {"Sleep": {"Type": "Wait", "TimestampPath": "$.until", "End": True}},
}
FAR = "2099-01-01T00:00:00Z"
SAMPLES = 300
AT_ONCE = 30
AHEAD_MS = 4_000  # from the arming of timers to their moment
FIRST = 1_000_000  # numbers of what is started and ended while it is measured


def given(number: int) -> Document:
    name = numbered(number) if number >= 0 else MARK
    return Document.of({"customer": f"c-{name}", "region": f"r{name[-2:]}", "amount": 1200})


async def start(running: Engine, definition: str, name: str, data: Document) -> str:
    started = await running.commands.start(CALLER, definition, name=name, input=data, version=None)
    return started.execution.id


async def in_turns(work: Any, count: int) -> None:
    """`work(n)` for each number, `AT_ONCE` at a time."""
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await work(number)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def population(sizes: list[int], data: str | None) -> list[dict[str, Any]]:
    """A start that parks, and the signal that ends it, among ever more parked executions with two search attributes."""
    points = []
    with store(data) as at:
        async with engine(at.url) as running:
            await running.commands.publish(
                CALLER, "parked", json.dumps(DEFINITION).encode(), "json"
            )
            mould = await moulded(running, at, "parked", given(-1))
            empty, there, offset = at.memory(), 0, FIRST
            for size in sizes:
                mould.pour(there, size)
                there = size
                await calm(at)
                point: dict[str, Any] = {"at": size, **_bytes(running, at, size, empty)}
                points.append(point | await _turn(running, at, offset))
                offset += 2 * SAMPLES
    return points


async def moulded(running: Engine, at: Store, definition: str, data: Document) -> Mould:
    before = transitions(running)
    await start(running, definition, f"n{MARK}", data)
    await until_transitions(running, before + 1)
    await asyncio.sleep(0.3)  # the claim is let go of
    return Mould(at, Keys(running.settings.prefix, running.settings.partitions), definition)


async def _turn(running: Engine, at: Store, offset: int) -> dict[str, float]:
    """The cost of a start and a signal together, each execution from its beginning to its end."""

    async def one(number: int) -> None:
        name = f"n{numbered(number)}"
        execution = await start(running, "parked", name, given(number))
        payload = Document.of({"by": "bench"})
        await running.commands.signal(CALLER, execution, "go", payload, None)
        view = await running.queries.describe(CALLER, execution, 60_000)
        assert view.status == "SUCCEEDED", view

    await in_turns(lambda n: one(offset + n), SAMPLES)
    meter = Meter(at)
    await in_turns(lambda n: one(offset + SAMPLES + n), SAMPLES)
    return meter.per(SAMPLES)


def _bytes(running: Engine, at: Store, count: int, empty: int) -> dict[str, float]:
    """Of each parked execution: all of it, its history, what the caller gave, and the rest, which is Detent's."""
    keys = Keys(running.settings.prefix, running.settings.partitions)
    whole = (at.memory() - empty) / count
    history = caller = 0
    sample = range(0, count, max(1, count // 200))
    for number in sample:
        name = f"parked:n{numbered(number)}"
        key = keys.of(ref_of(CALLER.namespace, name)).history
        history += int(at.client.memory_usage(key, samples=0) or 0)  # type: ignore[arg-type]
        caller += len(given(number).text) + len(name)
    history_each, caller_each = history / len(sample), caller / len(sample)
    return {
        "bytes_each": whole,
        "history_bytes": history_each,
        "caller_bytes": caller_each,
        "own_bytes": whole - history_each - caller_each,
    }


async def timers(sizes: list[int], data: str | None) -> list[dict[str, Any]]:
    """Arming a timer, and its firing, among ever more timers that are not due."""
    points = []
    with store(data) as at:
        async with engine(at.url) as running:
            await running.commands.publish(CALLER, "timed", json.dumps(TIMED).encode(), "json")
            mould = await moulded(running, at, "timed", Document.of({"until": FAR, "n": MARK}))
            there, offset = 0, FIRST
            for size in sizes:
                mould.pour(there, size)
                there = size
                await calm(at)
                await _armed_and_fired(running, at, offset)  # once to warm up
                arming, firing = await _armed_and_fired(running, at, offset + SAMPLES)
                points.append({"at": size, "arming": arming, "firing": firing})
                offset += 2 * SAMPLES
    return points


async def _armed_and_fired(
    running: Engine, at: Store, offset: int
) -> tuple[dict[str, float], dict[str, float]]:
    until = iso(running.clock.now_ms() + AHEAD_MS)
    before = transitions(running)
    meter = Meter(at)

    async def arm(number: int) -> None:
        data = Document.of({"until": until, "n": numbered(number)})
        await start(running, "timed", f"n{numbered(offset + number)}", data)

    await in_turns(arm, SAMPLES)
    await until_transitions(running, before + SAMPLES)
    arming = meter.per(SAMPLES)
    meter.start()
    await until_transitions(running, before + 2 * SAMPLES)
    return arming, meter.per(SAMPLES)
