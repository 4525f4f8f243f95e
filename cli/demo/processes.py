"""The processes of the example: each is started here, known by its pid, and ended at the latest when the demo ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from cli.failures import Failure
from cli.http import Server

READY_SECONDS = 30.0  # a start on a loaded machine, with the embedded Redis
TERMINATE_SECONDS = 15.0  # a clean end; after that SIGKILL
POLL_SECONDS = 0.05

T = TypeVar("T")


class WentWrong(Exception):
    """The example cannot go on; the text says why."""


class Household:
    """Starts processes and makes sure that none outlives the demo."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def serve(self, port: int) -> subprocess.Popen[bytes]:
        """`detent serve` on the folder's data; its output goes to server.log."""
        program = (*_detent(), "serve", "--port", str(port), "--data", str(self._folder / "data"))
        with (self._folder / "server.log").open("ab") as log:
            return self._start(program, log.fileno())

    def work(self, url: str) -> subprocess.Popen[bytes]:
        """The shop's workers, speaking to the terminal themselves."""
        ledger = str(self._folder / "ledger.jsonl")
        return self._start((sys.executable, "-m", "cli.demo.workers", url, ledger), None)

    def log_tail(self, lines: int = 15) -> str:
        """The end of the server's log."""
        log = self._folder / "server.log"
        return (
            "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])
            if log.exists()
            else ""
        )

    def end_all(self) -> None:
        """End what still runs, the last started first: workers before the server they talk to."""
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(TERMINATE_SECONDS)
            except subprocess.TimeoutExpired:
                kill(process)

    def _start(self, program: tuple[str, ...], output: int | None) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            program, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=_environment()
        )
        self._running.append(process)
        return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL: the process has no chance to say goodbye."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(what: str, look: Callable[[], T | None], seconds: float = READY_SECONDS) -> T:
    """Look again and again until there is something to see; raises WentWrong after `seconds`."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise WentWrong(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)
    return found


def wait_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Return when the server answers /readyz; raises WentWrong where it ended or does not come up."""

    def look() -> bool | None:
        if process.poll() is not None:
            raise WentWrong(f"the server ended with code {process.returncode} instead of starting")
        try:
            server.get("/readyz")
        except Failure:
            return None
        return True

    until("the start of the server", look)


@contextmanager
def household(folder: Path) -> Iterator[Household]:
    """A household whose processes end with the block."""
    with ExitStack() as stack:
        home = Household(folder)
        stack.callback(home.end_all)
        yield home


def _detent() -> tuple[str, ...]:
    """This very installation's command line, whatever PATH says."""
    return (sys.executable, "-c", "from cli.main import main; main()")


def _environment() -> dict[str, str]:
    """This terminal's, without its Detent: the demo's server is embedded and on loopback, whatever is set up here."""
    ours = ("DETENT_", "REDIS_URL")
    return {
        key: value
        for key, value in os.environ.items()
        if key == "DETENT_REDIS_BIN" or not key.startswith(ours)
    }
