"""The how-to about Sentinel: servers run with the files that it shows, and with its settings Detent promises `ha`."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import pytest
import redis

from engine.documents import Document
from engine.serve import Engine
from engine.settings import Settings
from engine.store.server.server_program import find_program
from engine.views import Caller
from tests.chaos.rig.processes import free_port
from tests.chaos.sentinel.servers import Process, until

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "choose-a-redis.md"
SECTION = re.search(r"\n## Sentinel.*?\n## ", PAGE.read_text(), re.DOTALL)[0]
PASSWORD = "change-me"
DEFINITION = b"StartAt: A\nStates: {A: {Type: Pass, End: true}}\n"


def shown(name):
    return re.search(rf"```conf\n(# {re.escape(name)}.*?)```", SECTION, re.DOTALL)[1]


def exported(name):
    return re.search(rf"export {name}=(\S+)", SECTION)[1]


class Machines:
    """Three machines of the page on loopback: only addresses and folders are others than it says."""

    def __init__(self, folder):
        self.servers = [self._made(folder / f"redis-{n}") for n in range(3)]
        self.sentinels = [self._made(folder / f"sentinel-{n}", "--sentinel") for n in range(3)]

    def start(self):
        first = self.servers[0].port
        for number, server in enumerate(self.servers):
            replicates = f"replicaof 127.0.0.1 {first}\n" if number else ""
            self._write(server, shown("redis.conf") + replicates)
        for sentinel in self.sentinels:
            self._write(
                sentinel, shown("sentinel.conf").replace("10.0.0.1 6379", f"127.0.0.1 {first}")
            )
        primary = redis.Redis(port=first, password=PASSWORD)
        until(lambda: followed(primary))
        primary.close()
        until(lambda: all(agrees(each) for each in self.sentinels))

    @property
    def url(self):
        url = exported("REDIS_URL")
        for number, sentinel in enumerate(self.sentinels):
            url = url.replace(f"10.0.0.{number + 1}:26379", f"127.0.0.1:{sentinel.port}")
        return url

    def close(self):
        for each in (*self.sentinels, *self.servers):
            if each.client is not None:
                each.client.close()
            if each.process is not None:
                each.kill()

    def _made(self, folder, *more):
        folder.mkdir()
        program = str(find_program(None).path)
        command = [program, str(folder / "server.conf"), *more]
        return Process("127.0.0.1", free_port(), command, folder / "log")

    def _write(self, process, text):
        folder = process.log.parent
        text = re.sub(r"(?m)^bind .*", "bind 127.0.0.1", text)
        text = re.sub(r"(?m)^port .*", f"port {process.port}", text)
        text = re.sub(r"(?m)^dir .*", f"dir {folder}", text)
        (folder / "server.conf").write_text(text)
        process.spawn()


def followed(primary):
    try:
        said = primary.info("replication")
    except redis.RedisError:
        return False
    return sum(said.get(f"slave{n}", {}).get("state") == "online" for n in range(2)) == 2


def agrees(sentinel):
    try:
        return sentinel.ask("SENTINEL", "CKQUORUM", "detent").startswith("OK 3")
    except redis.RedisError:
        return False


@pytest.fixture
def machines():
    folder = Path(tempfile.mkdtemp(prefix="dtg"))
    made = Machines(folder)
    yield made
    made.close()
    shutil.rmtree(folder)


async def test_with_the_files_and_the_settings_of_the_page_detent_promises_ha(machines):
    machines.start()
    settings = Settings(
        wait_replicas=int(exported("DETENT_WAIT_REPLICAS")),
        promise_min=exported("DETENT_PROMISE_MIN"),
    )
    engine = Engine(machines.url, settings)
    await engine.start()
    try:
        await engine.commands.publish(Caller(), "d", DEFINITION, "yaml")
        await engine.commands.start(Caller(), "d", name="n", input=Document.of({}), version=None)
        assert (await engine.queries.closed(Caller(), "d:n", 30_000)).status == "SUCCEEDED"
    finally:
        await engine.stop()
