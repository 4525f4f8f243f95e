"""The embedded server against real processes, real locks and real signals."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis

from engine.errors import StoreRefused
from engine.store.server import data_folder, embedded
from engine.store.server.embedded import EmbeddedRedis
from engine.store.server.server_program import VERSION_MIN, find_program, wheel_program

ROOT = Path(__file__).parents[3]
OWNER = """
import sys, time
from engine.store.server.embedded import EmbeddedRedis
server = EmbeddedRedis(sys.argv[1])
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def server(tmp_path):
    running = EmbeddedRedis(tmp_path / "data")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def owner(tmp_path):
    """Another process that owns a server on tmp_path/data; stdout has the server's pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def client(server):
    return redis.Redis.from_url(server.url, decode_responses=True)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed orphan may await its reaper; it holds nothing any more.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def gone_within(seconds, pid):
    end = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_running(pid)


def test_every_answered_write_is_on_disk_and_nothing_is_evicted(server):
    with client(server) as asked:
        told = asked.info()
        config = asked.config_get("*")
    assert told["aof_enabled"] == 1
    assert told["process_id"] == server.pid
    assert told["tcp_port"] == 0
    for name in set(embedded.OPTIONS) - {"port", "unixsocketperm", "daemonize"}:
        assert config[name] == embedded.OPTIONS[name]


def test_only_this_user_can_reach_the_server(server):
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert Path(server.url.removeprefix("unix://")).stat().st_mode & 0o777 == 0o700


def test_data_survives_stop_and_start(server):
    with client(server) as asked:
        asked.set("k", "v")
    server.stop()
    assert not server.is_alive
    server.start()
    with client(server) as asked:
        assert asked.get("k") == "v"


def test_stopping_twice_is_as_stopping_once(server):
    server.stop()
    server.stop()
    assert data_folder.running_url(server.data) is None


async def test_a_killed_server_is_revived_at_the_same_address_with_all_its_data(server):
    url, pid = server.url, server.pid
    with client(server) as asked:
        for number in range(100):
            asked.rpush("k", number)
    assert not await server.revive()
    os.kill(pid, signal.SIGKILL)
    assert await asyncio.to_thread(gone_within, 3, pid)
    while not await server.revive():  # the system has not told of its end yet
        await asyncio.sleep(0.01)
    assert server.url == url
    assert server.pid != pid
    with client(server) as asked:
        assert asked.llen("k") == 100


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_the_server_dies_within_three_seconds_of_its_owners_sigkill_and_loses_nothing(
    tmp_path, owner
):
    pid = int(owner.stdout.readline())
    with redis.Redis.from_url(data_folder.running_url(tmp_path / "data")) as asked:
        asked.set("k", "v")
    owner.kill()
    assert gone_within(3, pid)
    again = EmbeddedRedis(tmp_path / "data")
    again.start()
    with client(again) as asked:
        assert asked.get("k") == "v"
    again.stop()


def test_a_start_right_after_the_owners_sigkill_waits_for_the_old_server(tmp_path, owner):
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    again = EmbeddedRedis(tmp_path / "data")
    again.start()
    assert not is_running(pid)
    assert again.pid != pid
    again.stop()


def test_a_server_that_outlived_its_owner_is_ended_by_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "end_with_parent", lambda _: None)
    first = EmbeddedRedis(tmp_path)
    first.start()
    pid = first.pid
    os.close(first._lock)
    os.close(first._server_lock)
    first._lock = first._server_lock = (
        None  # as if its owner had died: only the server holds its lock.
    )
    again = EmbeddedRedis(tmp_path)
    again.start()
    assert first._process.wait(1) == 0
    assert again.pid != pid
    again.stop()


def test_a_server_that_will_not_end_keeps_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "HANDOVER_SECONDS", 0.1)
    held = data_folder.take_lock(tmp_path / "server.lock")
    data_folder.sign(held, 4711)
    with pytest.raises(StoreRefused, match="process 4711"):
        EmbeddedRedis(tmp_path).start()
    os.close(held)


def test_a_second_start_on_a_folder_is_refused_and_names_the_holder(server):
    with pytest.raises(StoreRefused, match=f"in use by process {os.getpid()}"):
        EmbeddedRedis(server.data).start()
    assert server.is_alive
    assert data_folder.running_url(server.data) == server.url


@pytest.mark.parametrize("name", ["with space", "größe", "per%cent?#", "quote'\"", "--port"])
def test_odd_folder_names_work(tmp_path, name):
    odd = EmbeddedRedis(tmp_path / name)
    odd.start()
    with client(odd) as asked:
        assert asked.config_get("dir")["dir"] == str(tmp_path / name)
    odd.stop()


def test_a_path_too_long_for_a_socket_works_and_is_found_by_others(tmp_path):
    deep = tmp_path / ("a" * 60) / ("b" * 60)
    running = EmbeddedRedis(deep)
    running.start()
    url = running.url
    assert len(url) < data_folder.SOCKET_PATH_BYTES_MAX + len("unix://")
    assert data_folder.running_url(deep) == url
    with client(running) as asked:
        asked.set("k", "v")
    running.stop()
    running.start()
    assert running.url == url
    running.stop()
    Path(url.removeprefix("unix://")).parent.rmdir()


def test_a_foreign_folder_is_not_used_for_the_socket(tmp_path, monkeypatch):
    deep = tmp_path / ("a" * 60) / ("b" * 60)
    folder = data_folder.socket_path(deep).parent
    folder.chmod(0o777)
    with pytest.raises(StoreRefused, match="not a private folder"):
        EmbeddedRedis(deep).start()
    folder.rmdir()


def test_the_address_stays_the_same_over_a_restart(server):
    url = server.url
    server.stop()
    server.start()
    assert server.url == url


def test_a_server_that_cannot_start_is_reported_with_its_log_and_leaves_nothing(tmp_path):
    (tmp_path / "appendonlydir").write_text("not a folder")
    broken = EmbeddedRedis(tmp_path)
    with pytest.raises(StoreRefused, match=r"(?s)ended while starting.*appendonlydir"):
        broken.start()
    assert not broken.is_alive
    (tmp_path / "appendonlydir").unlink()
    broken.start()
    broken.stop()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreRefused, match="cannot be used: Not a directory"):
        EmbeddedRedis(tmp_path / "file" / "data").start()


def test_starting_outside_the_main_thread_is_refused(tmp_path):
    caught = []

    def start():
        try:
            EmbeddedRedis(tmp_path).start()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


def test_the_wheel_still_has_its_program_where_we_look_for_it():
    assert wheel_program() is not None
    assert find_program(None).path == wheel_program()


def test_the_program_named_by_the_operator_wins(tmp_path):
    named = tmp_path / "my-server"
    named.symlink_to(wheel_program())
    assert find_program(named).path == named


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("#!/bin/sh\necho 'Redis server v=6.2.14 sha=0:0'", "6.2.14"),
        ("#!/bin/sh\nexit 1", "does not run here"),
        ("not a program", "does not run here"),
    ],
)
def test_a_program_that_is_too_old_or_no_server_is_refused_with_what_to_do(tmp_path, text, seen):
    program = tmp_path / "redis-server"
    program.write_text(text)
    program.chmod(0o755)
    with pytest.raises(StoreRefused, match=seen) as caught:
        find_program(program)
    assert "DETENT_REDIS_BIN" in str(caught.value)


def test_path_is_searched_where_the_wheel_has_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.store.server.server_program.wheel_program", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreRefused, match="Found none"):
        find_program(None)
    (tmp_path / "redis-server").symlink_to(Path(wheel_program()))
    assert find_program(None).path == tmp_path / "redis-server"
    assert find_program(None).version >= VERSION_MIN
