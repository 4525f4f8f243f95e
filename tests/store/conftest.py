"""One suite for every kind of Redis: `world` is the store over a standalone server, then over a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from world import CheckedRedis, World


@pytest.fixture(params=["standalone", "cluster"])
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[CheckedRedis]:
    """An empty Redis, opened."""
    name = {"standalone": "url", "cluster": "cluster_url"}[request.param]
    opened = CheckedRedis(request.getfixturevalue(name))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def world(redis: CheckedRedis) -> World:
    return World(redis)


@pytest.fixture
async def alone(url: str) -> AsyncIterator[Any]:
    """The store over the standalone server only, for what is the same on a cluster."""
    opened = CheckedRedis(url)
    await opened.open()
    yield World(opened)
    await opened.close()
