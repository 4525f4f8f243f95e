"""Curve over the number of engine processes: what a transition costs of CPU, all of them together."""

from __future__ import annotations

from typing import Any

from _lab import Engine, Settings, store
from _lab.chain import CALLER, INPUT, definition
from _lab.engines import engine_process
from curves.meter import Meter

from engine.documents import Document

STATES = 100


async def engines(sizes: list[int], data: str | None, executions: int) -> list[dict[str, Any]]:
    """A transition of a chain of a hundred states, advanced by 1, 2 and 4 processes."""
    return [await _with(size, data, executions) for size in sizes]


async def _with(count: int, data: str | None, executions: int) -> dict[str, Any]:
    with store(data) as at:
        face = Engine(at.url, Settings(redis_url=at.url, log_level="error"), advances=False)
        await face.start()
        processes = [await engine_process(at.url) for _ in range(count)]
        try:
            await face.commands.publish(CALLER, "chain", definition(STATES), "json")
            await _run(face, executions // 4)
            meter = Meter(at, tuple(process.pid for process in processes))
            await _run(face, executions)
            return {"at": count, **meter.per(executions * STATES)}
        finally:
            for process in processes:
                process.terminate()
                await process.wait()
            await face.stop()


async def _run(face: Engine, executions: int) -> None:
    """That many executions, from their start to the end of the last."""
    given = Document.of(INPUT)
    started = [
        await face.commands.start(CALLER, "chain", name=None, input=given, version=None)
        for _ in range(executions)
    ]
    for one in started:
        while True:
            view = await face.queries.describe(CALLER, one.execution.id, 60_000)
            if view.status != "RUNNING":
                break
        assert view.status == "SUCCEEDED", view
