"""A desk for operators, at a running engine on a real server; and the store to work by hand."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))

from desk import ME, PATIENCE_MS, Desk
from world import CheckedRedis, World

from engine.documents import Document
from engine.serve import Engine
from engine.views import Ask


class OperatingDesk(Desk):
    """Gives orders, and waits until each has been answered."""

    def ask(self, **more: Any) -> Ask:
        return Ask(**({"wait_ms": PATIENCE_MS, "reason": "a test"} | more))

    async def pause(self, execution: str, mode: Any = "hold", **more: Any) -> Any:
        return await self.engine.commands.pause(ME, execution, self.ask(**more), mode)

    async def resume(self, execution: str, **more: Any) -> Any:
        return await self.engine.commands.resume(ME, execution, self.ask(**more))

    async def cancel(self, execution: str, **more: Any) -> Any:
        return await self.engine.commands.cancel(ME, execution, self.ask(**more), None, None)

    async def terminate(self, execution: str, **more: Any) -> Any:
        return await self.engine.commands.terminate(ME, execution, self.ask(**more), "E", "why")

    async def retry(self, execution: str, frame: str | None = None) -> Any:
        return await self.engine.commands.retry(ME, execution, self.ask(), frame)

    async def skip(
        self, execution: str, output: Any, frame: str = "0", next_state: str | None = None
    ) -> Any:
        return await self.engine.commands.skip(
            ME,
            execution,
            self.ask(),
            frame=frame,
            output=Document.of(output),
            next_state=next_state,
        )

    async def goto(self, execution: str, state: str, data: Any = None, frame: str = "0") -> Any:
        given = None if data is None else Document.of(data)
        return await self.engine.commands.goto(
            ME, execution, self.ask(), frame=frame, state=state, data=given
        )

    async def set_data(self, execution: str, data: Any, frame: str = "0") -> Any:
        return await self.engine.commands.set_data(
            ME, execution, self.ask(), frame, Document.of(data)
        )

    async def set_variables(self, execution: str, frame: str = "0", **variables: Any) -> Any:
        given = {name: Document.of(value) for name, value in variables.items()}
        return await self.engine.commands.set_variables(ME, execution, self.ask(), frame, given)

    async def redrive(
        self, execution: str, data: Any = None, version: int | None = None, **more: Any
    ) -> Any:
        given = None if data is None else Document.of(data)
        return await self.engine.commands.redrive(
            ME, execution, self.ask(**more), version=version, data=given
        )

    async def complete(self, execution: str, output: Any, frame: str = "0") -> Any:
        return await self.engine.commands.complete_task(
            ME, execution, self.ask(), frame, Document.of(output)
        )

    async def fail_by_hand(self, execution: str, error: str, frame: str = "0") -> Any:
        return await self.engine.commands.fail_task(ME, execution, self.ask(), frame, error, None)

    async def fail(self, task: Any, error: str) -> None:
        from engine.views import Outcome

        outcome = Outcome(task.token, error=error, lease=task.lease)
        await self.engine.commands.settle(ME, outcome)

    async def keys(self, ending: str) -> list[str]:
        """The keys there are that end so; a set or hash with nothing in it is none."""
        found = await self.engine.redis.each_node("KEYS", "*" + ending)
        return [key.decode() for keys in found for key in keys]

    async def record(self, execution: str, kind: str) -> dict[str, Any]:
        """The details of the only record of that type."""
        page = await self.engine.queries.history(
            ME, execution, after=None, limit=1000, descending=False
        )
        [found] = [event for event in page.events if event["type"] == kind]
        key = next((k for k in found if k.endswith("EventDetails")), None)
        return found[key] if key else {}


@pytest.fixture
async def desk(engine: Engine) -> OperatingDesk:
    return OperatingDesk(engine)


@pytest.fixture
def desk_at() -> type[OperatingDesk]:
    return OperatingDesk


@pytest.fixture
async def alone(url: str) -> AsyncIterator[World]:
    """The store over a standalone server."""
    opened = CheckedRedis(url)
    await opened.open()
    yield World(opened)
    await opened.close()
