"""A desk at a running engine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))

from desk import Desk

from engine.serve import Engine


@pytest.fixture
async def desk(engine: Engine) -> Desk:
    return Desk(engine)
