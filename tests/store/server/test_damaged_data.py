"""The embedded server on a data folder that was damaged: it loads what is whole, or refuses; it never begins with nothing."""

from __future__ import annotations

import os
import random
import shutil
import signal

import pytest
import redis

from engine.errors import StoreRefused
from engine.store.server import embedded
from engine.store.server.embedded import EmbeddedRedis

WRITES = 500
SCRIPT = "for i = 1, 5 do redis.call('SET', KEYS[1] .. ':' .. i, ARGV[1]) end return 1"


@pytest.fixture
def used(tmp_path):
    """A folder on which a server has written, and which nobody uses now."""
    server = EmbeddedRedis(tmp_path / "data")
    server.start()
    with redis.Redis.from_url(server.url) as client:
        for number in range(WRITES):
            client.eval(SCRIPT, 1, f"k{number}", number)
    server.stop()
    return server.data


def log_of(data):
    [path] = (data / "appendonlydir").glob("*.incr.aof")
    return path


def keys_of(data):
    server = EmbeddedRedis(data)
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            return {key.decode() for key in client.keys("k*")}
    finally:
        server.stop()


@pytest.mark.parametrize("seed", range(3))
def test_a_log_that_ends_in_the_middle_of_a_write_loads_without_that_write(used, seed):
    path = log_of(used)
    os.truncate(path, random.Random(seed).randrange(path.stat().st_size // 2, path.stat().st_size))
    kept = keys_of(used)
    whole = {key.partition(":")[0] for key in kept}
    assert 0 < len(whole) < WRITES
    assert len(kept) == 5 * len(whole)


def test_a_log_that_is_damaged_in_the_middle_is_refused_with_the_servers_reason(used):
    path = log_of(used)
    text = bytearray(path.read_bytes())
    at = len(text) // 2
    text[at : at + 200] = b"\xff" * 200
    path.write_bytes(text)
    with pytest.raises(StoreRefused, match=r"(?s)ended while starting.*Bad file format"):
        EmbeddedRedis(used).start()
    assert path.read_bytes() == bytes(text)


def test_a_used_folder_whose_log_is_gone_is_refused_and_begins_anew_only_when_asked_to(used):
    shutil.rmtree(used / "appendonlydir")
    with pytest.raises(StoreRefused, match="append-only file is gone"):
        EmbeddedRedis(used).start()
    (used / "store.used").unlink()
    assert keys_of(used) == set()


async def test_a_server_that_cannot_be_revived_is_told_of_and_tried_again_later(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(embedded, "REVIVE_SECONDS", 0.0)
    told = []
    monkeypatch.setattr(embedded, "emit", lambda name, **facts: told.append((name, facts)))
    server = EmbeddedRedis(tmp_path / "data")
    server.start()
    log, aside = server.data / "appendonlydir", tmp_path / "aside"
    log.rename(aside)
    os.kill(server.pid, signal.SIGKILL)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(StoreRefused):
        await server.revive()
    [cause] = [facts["cause"] for name, facts in told if name == "redis.refused"]
    assert "append-only file is gone" in cause
    aside.rename(log)
    assert await server.revive()
    server.stop()
