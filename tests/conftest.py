"""What tests that need a Redis share: one embedded server and one cluster of three nodes for the whole session.

DETENT_TEST_REDIS=cluster gives the cluster to every test that asks for `url`, and to every server that tests start.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from engine import serve
from engine.serve import Engine
from engine.settings import Settings
from engine.store.server.embedded import EmbeddedRedis
from tests.chaos.cluster.chosen import ON_CLUSTER
from tests.chaos.cluster.nodes import Cluster

sys.path.insert(0, str(Path(__file__).parent / "store"))  # faulty.py and world.py serve others too


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedRedis]:
    """The embedded server on a unix socket. It is not flushed: ask for `url`."""
    folder = Path(tempfile.mkdtemp(prefix="dt"))
    running = EmbeddedRedis(folder / "d")
    running.start()
    yield running
    running.stop()
    shutil.rmtree(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`@pytest.mark.standalone("why")`: a test of what only a server by itself has."""
    for item in items if ON_CLUSTER else ():
        mark = item.get_closest_marker("standalone")
        if mark is not None:
            item.add_marker(pytest.mark.skip(reason=f"not on a cluster: {mark.args[0]}"))


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """The address of an empty Redis: the embedded server, or the cluster where the session is to run on one."""
    wanted = "cluster_url" if ON_CLUSTER else "standalone_url"
    return str(request.getfixturevalue(wanted))


@pytest.fixture
def standalone_url(server: EmbeddedRedis) -> str:
    """The address of an empty standalone server."""
    with redis_py.Redis.from_url(server.url) as client:
        client.flushall()
        client.config_resetstat()
    return server.url


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Three nodes of a Redis Cluster."""
    running = Cluster(3)
    yield running
    running.stop()


@pytest.fixture
def cluster_url(cluster: Cluster) -> str:
    """The address of an empty cluster."""
    cluster.flush()
    return cluster.url


EngineMaker = Callable[..., Any]


@pytest.fixture
async def engines(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EngineMaker]:
    """Makes running engines on the standalone server: `await engines(lease_ms=500)`. They are stopped at the end.

    They sweep ten times a second, so that what only a sweep finds does not make the tests slow.
    """
    monkeypatch.setattr(serve, "SWEEP_SECONDS", 0.1)
    made: list[Engine] = []

    async def make(
        redis: Callable[[Any], Any] | None = None, *, advances: bool = True, **settings: Any
    ) -> Engine:
        defaults = {"partitions": 8, "lease_ms": 500, "drain_seconds": 5.0}
        engine = Engine(url, Settings(**(defaults | settings)), advances=advances)
        if redis is not None:
            engine.redis = redis(engine.redis)
        await engine.start()
        made.append(engine)
        return engine

    yield make
    await asyncio.gather(*(engine.stop() for engine in made))


@pytest.fixture
async def engine(engines: EngineMaker) -> Any:
    """A running engine with leases of half a second."""
    return await engines()
