"""A desk that moves executions, at a running engine on a real server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))

from desk import Desk

from engine.core.events import MigrateRequested
from engine.serve import Engine
from engine.store.keys import ref_of


class MovingDesk(Desk):
    """As Desk, with the one event that moves an execution, sent as an operation does it."""

    operations = 0

    async def move(self, execution: str, version: int, **more: Any) -> tuple[str, str | None]:
        """(outcome, reason) of moving an execution."""
        MovingDesk.operations += 1
        operation = f"move{MovingDesk.operations}"
        mapping = more.pop("mapping", {})
        explicit = more.pop("explicit", mapping)
        event = MigrateRequested(
            version, mapping, frozenset(explicit), "tester", None, operation, **more
        )
        ref = ref_of("default", execution)
        await self.engine.commands._signals.control(ref, event, operation=operation)
        self.engine._offer(ref)
        keys = self.engine.commands._executions._keys
        partition = keys.partition_of(ref)
        answers, waiting = keys.operation(partition, "default", operation)
        found: dict[bytes, bytes] = {}

        async def look() -> dict[bytes, bytes]:
            reply = await self.engine.redis.call(answers, "HGETALL", answers)
            return dict(zip(reply[::2], reply[1::2], strict=True))

        async with asyncio.timeout(30):
            while not (found := await look()):
                await asyncio.sleep(0.01)
        assert await self.engine.redis.call(waiting, "EXISTS", waiting) == 0
        reason = found.pop(b"x:" + execution.encode(), b"").decode()
        [(outcome, count)] = found.items()
        assert count == b"1"
        self.last_operation = operation
        return outcome.decode(), reason.partition(":")[0] or None

    async def at(self, execution: str) -> dict[str, str]:
        """The state that each strand rests in."""
        view = await self.describe(execution)
        return {frame.frame: frame.state for frame in view.frames}


@pytest.fixture
async def desk(engine: Engine) -> MovingDesk:
    return MovingDesk(engine)


@pytest.fixture
def desk_with(engines: Callable[..., Awaitable[Engine]]) -> Callable[..., Awaitable[MovingDesk]]:
    """Makes a desk at an engine with other settings."""

    async def make(**settings: Any) -> MovingDesk:
        return MovingDesk(await engines(**settings))

    return make
