"""The server of the session, without a flush to disk for each write: what is simulated here is no power cut."""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from engine.language import examine
from engine.store.connection import Redis
from tests.chaos.rig import dump
from tests.simulation.ends import End
from tests.simulation.faults import Fault
from tests.simulation.scripts import Script
from tests.simulation.simulation import Simulation


@dataclass
class Stage:
    """Runs scripts, one after the other, each on an empty store."""

    real: Redis
    raw: Any

    async def run(self, script: Script, plan: dict[int, Fault] | None = None) -> End:
        return await Simulation(script, self.real, self.raw, plan or {}).run()


_examine = functools.cache(examine)


@pytest.fixture
async def stage(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    # Reading a definition is pure, and would be most of the time of a run.
    for module in list(sys.modules.values()):
        if getattr(module, "examine", None) is examine and module.__name__ != __name__:
            monkeypatch.setattr(module, "examine", _examine)
    real, raw = Redis(url), dump.client_of(url)
    await real.open()
    await raw.config_set("appendfsync", "no")
    yield Stage(real, raw)
    await raw.config_set("appendfsync", "always")
    await raw.aclose()
    await real.close()
