"""One real server: `detent serve` as a process of its own, with its embedded Redis in a temporary folder.

Where the session is to run on a cluster, the server gets one of its own instead.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from engine.store.server.server_program import end_with_parent
from tests.chaos.cluster.chosen import ON_CLUSTER, own_redis

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0
ENDS_SECONDS = 20.0


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on now; all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def served(**settings: str) -> Iterator[str]:
    """The address of a server that runs meanwhile; `settings` are those of its environment, such as DETENT_TOKEN."""
    port = settings.get("DETENT_PORT") or free_ports(1)[0]
    url = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dtw"))
        if ON_CLUSTER and "DETENT_DATA" not in settings:
            settings = {"DETENT_REDIS_URL": stack.enter_context(own_redis()), **settings}
        ours = ("DETENT_", "REDIS_URL", "PYTHONWARNINGS")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        environment |= {"DETENT_DATA": f"{folder}/d", "DETENT_PORT": str(port), **settings}
        log = Path(folder, "log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                (sys.executable, "-c", "from cli.main import main; main()", "serve"),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
                cwd=ROOT,
                preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - one system function, no locks
            )
        try:
            _until_ready(url, process, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(ENDS_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz") as answer:
            if answer.status == 200:
                return
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)
