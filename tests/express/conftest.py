"""A desk that publishes Express definitions, at a running engine on a real server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))

from desk import ME, Desk

from engine.documents import Document
from engine.serve import Engine

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:pay"
PAY = {"Pay": {"Type": "Task", "Resource": FUNCTION, "End": True}}


class ExpressDesk(Desk):
    """As Desk, with definitions that are Express."""

    async def publish(self, states: dict[str, Any], name: str = "d", **top: Any) -> None:
        text = json.dumps({"StartAt": next(iter(states)), "States": states, **top}).encode()
        await self.engine.commands.publish(ME, name, text, "json", "EXPRESS")

    async def run(self, given: Any = None, *, synchronous: bool = False, name: str = "n") -> Any:
        """Start it, as the summary that the start answers."""
        started = await self.engine.commands.start(
            ME,
            "d",
            name=name,
            input=Document.of(given or {}),
            version=None,
            synchronous=synchronous,
        )
        return started.execution


@pytest.fixture
def express_desk() -> type[ExpressDesk]:
    return ExpressDesk


@pytest.fixture
async def desk(engine: Engine) -> ExpressDesk:
    return ExpressDesk(engine)
