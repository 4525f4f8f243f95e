"""A desk at a running engine."""

from __future__ import annotations

import pytest
from desk import Desk

from engine.serve import Engine


@pytest.fixture
async def desk(engine: Engine) -> Desk:
    return Desk(engine)
