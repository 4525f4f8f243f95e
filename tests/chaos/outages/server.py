"""A Redis that is made to fail: killed, cut from the power, filled, stopped, started on another folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import redis

from engine.store.server.embedded import OPTIONS
from engine.store.server.server_program import end_with_parent, find_program

HERE = Path(__file__).parent
READY_SECONDS = 60.0


@cache
def shim() -> Path | None:
    """The library that notes what was synced; None where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    built = Path(tempfile.mkdtemp(prefix="dt-shim-")) / "synced.so"
    source = HERE / "synced.c"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(built), str(source), "-ldl"], check=True
    )
    return built


class FailingRedis:
    """One server, always at the same address. `policy` is appendfsync; `folder` has to be short, for the socket."""

    def __init__(self, folder: Path, *, policy: str = "always", synced: bool = False) -> None:
        self.data = folder / "data"
        self._socket = folder / "redis.sock"
        self._synced = folder / "synced"
        self._policy = policy
        self._shimmed = synced
        self._process: subprocess.Popen[bytes] | None = None
        self.options: dict[str, str] = {}
        self.sync_seconds = 0.0  # how much longer every flush takes, with `synced`
        self.flush_seconds = (
            0.0  # the longest flush until now, also one that a kill interrupted; 0 without `synced`
        )
        self.url = f"unix://{self._socket}"

    def start(self, *, data: Path | None = None, wait: bool = True) -> None:
        """Start it, on another folder if need be, and wait until it has loaded its data."""
        folder = data or self.data
        for path in (folder, self._synced):
            path.mkdir(exist_ok=True)
        options = OPTIONS | {
            "dir": str(folder), "logfile": str(folder / "redis.log"), "unixsocket": str(self._socket),
            "appendfsync": self._policy, "enable-debug-command": "yes", **self.options,
        }  # fmt: skip
        environment = dict(os.environ)
        if self._shimmed:
            environment |= {"LD_PRELOAD": str(shim()), "SYNCED_FOLDER": str(self._synced)}
            environment["SYNC_DELAY_US"] = str(round(self.sync_seconds * 1_000_000))
        self._process = subprocess.Popen(
            [str(find_program(None).path), *(p for n, v in options.items() for p in (f"--{n}", v))],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - one system function, no locks
        )
        if wait:
            self.await_ready()

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        with self.client() as client:
            while time.monotonic() < deadline:
                try:
                    client.ping()
                except redis.RedisError:
                    time.sleep(0.01)
                else:
                    return
        raise RuntimeError((self.data / "redis.log").read_text()[-1000:])

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self._socket), socket_timeout=30)

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._note_flushes()

    def _note_flushes(self) -> None:
        """Take the notes of flushes that the dead process has left."""
        now_ms = time.monotonic() * 1000
        took = [int(path.read_text()) for path in self._synced.glob("took.*")]
        cut_short = [now_ms - int(path.read_text()) for path in self._synced.glob("began.*")]
        self.flush_seconds = max([self.flush_seconds * 1000, *took, *cut_short]) / 1000
        for path in (*self._synced.glob("took.*"), *self._synced.glob("began.*")):
            path.unlink()

    def cut(self) -> int:
        """As the power failing: what was not synced is gone. Returns how many bytes that were."""
        self.kill()
        lost = 0
        for path in (self.data / "appendonlydir").glob("*.aof"):
            noted = self._synced / str(path.stat().st_ino)
            kept = int(noted.read_text()) if noted.exists() else 0
            size = path.stat().st_size
            if kept < size:
                os.truncate(path, kept)
                lost += size - kept
        return lost

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(30)
