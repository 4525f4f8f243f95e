"""The how-to about Redis: servers run with exactly the files that it shows, and promise what it says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import redis

from engine.documents import Document
from engine.serve import Engine
from engine.settings import Settings
from engine.store.connection import Redis
from engine.store.server.promise import check_nodes
from engine.store.server.server_program import end_with_parent, find_program
from engine.views import Caller
from tests.chaos.cluster.nodes import Cluster, answers, free_ports, until

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "choose-a-redis.md"
PASSWORD = "change-me"
DEFINITION = b"StartAt: A\nStates: {A: {Type: Pass, End: true}}\n"


@pytest.fixture
def written(tmp_path):
    """Where a file of the page lies, by the name in its first line. Only folder and port are others than it says."""

    def write(name):
        text = re.search(rf"```conf\n(# {re.escape(name)}\n.*?)```", PAGE.read_text(), re.DOTALL)
        assert text, f"the page shows no {name}"
        path = tmp_path / name
        path.write_text(text[1].replace("/var/lib/redis", str(tmp_path)))
        return path

    return write


@pytest.fixture
def own_redis(written, tmp_path):
    [port] = free_ports(1)
    program = find_program(None).path
    place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    process = subprocess.Popen(
        [str(program), str(written("redis.conf")), *place],
        stdout=subprocess.DEVNULL,
        preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - one system function, no locks
    )
    until(lambda: answers(redis.Redis(port=port, password=PASSWORD)), "the server starts")
    yield f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
    process.kill()
    process.wait()


@pytest.fixture
def cluster(written):
    running = Cluster(3, 3, config=written("node.conf"), password=PASSWORD)
    yield running
    running.stop()


async def promised(url):
    opened = Redis(url)
    await opened.open()
    try:
        return await check_nodes(opened)
    finally:
        await opened.close()


async def ended(url):
    """How one execution ends there."""
    engine = Engine(url, Settings())
    await engine.start()
    try:
        await engine.commands.publish(Caller(), "d", DEFINITION, "yaml")
        await engine.commands.start(Caller(), "d", name="n", input=Document.of({}), version=None)
        return (await engine.queries.closed(Caller(), "d:n", 30_000)).status
    finally:
        await engine.stop()


async def test_a_redis_of_ones_own_is_durable_with_the_file_of_the_page(own_redis):
    assert (await promised(own_redis)).mode == "durable"
    assert await ended(own_redis) == "SUCCEEDED"


async def test_a_cluster_is_durable_with_the_file_of_the_page_and_its_password_holds_for_all_nodes(
    cluster,
):
    promise = await promised(cluster.url)
    assert (promise.mode, promise.facts["nodes"]) == ("durable", 3)
    assert await ended(cluster.url) == "SUCCEEDED"
