"""The store over a standalone server and over a cluster, and a desk at a running engine."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))
sys.path.insert(0, str(Path(__file__).parents[2] / "api"))

from desk import Desk
from world import CheckedRedis, World

from engine.serve import Engine


@pytest.fixture(params=["standalone", "cluster"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The store over an empty Redis of each kind."""
    name = {"standalone": "url", "cluster": "cluster_url"}[request.param]
    opened = CheckedRedis(request.getfixturevalue(name))
    await opened.open()
    yield World(opened)
    await opened.close()


@pytest.fixture
async def alone(url: str) -> AsyncIterator[Any]:
    """The store over the standalone server only, for what is the same on a cluster."""
    opened = CheckedRedis(url)
    await opened.open()
    yield World(opened)
    await opened.close()


@pytest.fixture
async def desk(engine: Engine) -> Desk:
    return Desk(engine)
