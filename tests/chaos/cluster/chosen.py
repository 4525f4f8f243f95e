"""Which Redis the tests of a session run on: the embedded server, or a cluster where DETENT_TEST_REDIS=cluster."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engine.store.server.embedded import EmbeddedRedis
from tests.chaos.cluster.nodes import DURABLE, Cluster

ON_CLUSTER = os.environ.get("DETENT_TEST_REDIS") == "cluster"


@contextlib.contextmanager
def own_redis() -> Iterator[str]:
    """The address of an empty Redis of its own, for what keeps one for longer than a test."""
    with contextlib.ExitStack() as stack:
        if ON_CLUSTER:
            cluster = Cluster(3, options=DURABLE)
            stack.callback(cluster.stop)
            yield cluster.url
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dtr"))
            server = EmbeddedRedis(Path(folder) / "d")
            stack.callback(server.stop)
            server.start()
            yield server.url
