"""A short way to publish, start, lease and wait, on a running engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from engine.documents import Document
from engine.serve import Engine
from engine.views import Caller, Outcome

ME = Caller()
PATIENCE_MS = 60_000  # until a test gives up; nothing is expected to take long


class Desk:
    """Works one engine as a client would."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def publish(self, states: dict[str, Any], name: str = "d", **top: Any) -> None:
        text = json.dumps({"StartAt": next(iter(states)), "States": states, **top}).encode()
        await self.engine.commands.publish(ME, name, text, "json")

    async def start(self, name: str, given: Any = None, definition: str = "d") -> str:
        started = await self.engine.commands.start(
            ME, definition, name=name, input=Document.of(given or {}), version=None
        )
        return started.execution.id

    async def end(self, execution: str) -> Any:
        """The execution once it is closed."""
        view = await self.engine.queries.describe(ME, execution, PATIENCE_MS)
        assert view.status != "RUNNING", view
        return view

    async def describe(self, execution: str) -> Any:
        return await self.engine.queries.describe(ME, execution)

    async def lease(self, queue: str = "pay", **changed: Any) -> list[Any]:
        more = {"most": 1, "wait_ms": PATIENCE_MS, "lease_ms": 30_000, "worker": "w"} | changed
        return await self.engine.commands.lease(ME, queue, **more)

    async def succeed(self, task: Any, output: Any = None) -> None:
        outcome = Outcome(task.token, output=Document.of(output or {}), lease=task.lease)
        await self.engine.commands.settle(ME, outcome)

    async def kinds(self, execution: str) -> list[str]:
        """The types of its history's records, which must be numbered without a gap."""
        page = await self.engine.queries.history(
            ME, execution, after=None, limit=1000, descending=False
        )
        assert [event["id"] for event in page.events] == list(range(1, len(page.events) + 1))
        return [event["type"] for event in page.events]


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not holds():
            await asyncio.sleep(0.01)
