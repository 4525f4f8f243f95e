"""A desk at a running engine that sends signals as well."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))

from desk import ME, PATIENCE_MS, Desk

from engine.core.events import SignalReceived
from engine.documents import Document
from engine.serve import Engine

WAITS = {"Type": "Task", "Resource": "signal:go", "End": True}


class SignalDesk(Desk):
    """As Desk, and signals."""

    async def send(self, execution: str, payload: Any = None, name: str = "go", **more: Any) -> Any:
        identifier, ttl_ms = more.get("id"), more.get("ttl_ms")
        return await self.engine.commands.signal(
            ME, execution, name, Document.of(payload), identifier, ttl_ms
        )

    async def start_with(
        self, name: str, payload: Any = None, given: Any = None, **more: Any
    ) -> Any:
        signal = SignalReceived("go", more.get("id", ""), Document.of(payload), more.get("ttl_ms"))
        return await self.engine.commands.start_with_signal(
            ME,
            more.get("definition", "d"),
            name=name,
            input=Document.of(given or {}),
            version=more.get("version"),
            signal=signal,
        )

    async def fate(self, execution: str, signal_id: str, wait_ms: int = PATIENCE_MS) -> Any:
        return await self.engine.queries.signal(ME, execution, signal_id, wait_ms)

    async def fates(self, execution: str) -> list[tuple[str, str]]:
        page = await self.engine.queries.signals(ME, execution, 1000, None)
        return [(each.id, each.status) for each in page.signals]


@pytest.fixture
async def desk(engine: Engine) -> SignalDesk:
    return SignalDesk(engine)
