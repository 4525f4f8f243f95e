"""DBOS on PostgreSQL: a server of its own with fsync and synchronous_commit on, as it is by default.

The workflow runs in the process that was asked, as DBOS does it: its steps cross no process. Two arrangements: asked over
HTTP like the others, and from callers inside the process, which is the least that DBOS can cost.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from bench.peers.loading import Load
from bench.peers.system import APPS, INPUT, PEERS, READY_SECONDS, Ports, System, Window

PYTHON = PEERS / "venv" / "bin" / "python"
POOL = 32  # connections to PostgreSQL; its default is 20
SETTINGS = ("shared_buffers=256MB", "max_connections=200")


def binaries() -> Path | None:
    """Where PostgreSQL's programs are: of Debian's packages, else on the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[-3])
    found = versions[-1] if versions else shutil.which("initdb")
    return Path(found).parent if found else None


def server_user() -> str:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return getpass.getuser()
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class DbosHttp(System):
    """Started over HTTP."""

    name: ClassVar[str] = "DBOS, HTTP"

    @classmethod
    def missing(cls) -> str:
        if binaries() is None:
            return "PostgreSQL's initdb is not installed (Debian: postgresql)"
        if not (PEERS / "venv" / "lib").exists() or not list(PEERS.glob("venv/lib/*/*/dbos")):
            return "dbos is not installed (make peers)"
        return ""

    async def start(self) -> None:
        database = await asyncio.to_thread(self._postgres)
        self._port = Ports.next()
        self.spawn(PYTHON, APPS / "dbos_app.py", str(self._port), database, str(POOL))
        await self.ready(f"http://127.0.0.1:{self._port}/")
        await self.connect(f"http://127.0.0.1:{self._port}")

    async def one(self) -> None:
        await self.post("/run", INPUT)

    def _postgres(self) -> str:
        """Make and start a cluster in the folder; the URL of an empty database of it."""
        at, user, port = binaries(), server_user(), Ports.next()
        assert at is not None
        place = self.folder / "postgres"
        place.mkdir()
        shutil.chown(place, user)
        for parent in self.folder.parents[:1]:
            parent.chmod(0o755)
        self.folder.chmod(0o755)
        make = [at / "initdb", "-D", place, "-U", "peers", "-A", "trust", "-E", "UTF8"]
        _run(make, user, place)
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        self.spawn(
            *(at / "postgres", "-D", place, "-p", str(port), "-k", place, "-h", "127.0.0.1"),
            *options,
            user=user,
        )
        to = ["-h", "127.0.0.1", "-p", str(port), "-U", "peers"]
        wait = [at / "pg_isready", *to, "-t", "1"]
        _until(wait, user, place)
        _run([at / "createdb", *to, "peers"], user, place)
        return f"postgresql://peers@127.0.0.1:{port}/peers"


class DbosInProcess(DbosHttp):
    """Started by callers inside the process that runs the workflow."""

    name: ClassVar[str] = "DBOS, in process"

    async def window(self, concurrency: int, seconds: float) -> Window:
        assert self.session is not None
        query: dict[str, Any] = {
            "concurrency": concurrency,
            "seconds": seconds,
            "pids": ",".join(map(str, self.roots)),
        }
        async with self.session.post("/load", params=query) as answer:
            seen = await answer.json()
        cpu = seen.pop("cpu")
        return Window(Load(concurrency, **seen), cpu, 0.0)


def _run(program: Sequence[str | Path], user: str, place: Path) -> None:
    subprocess.run(program, user=user, cwd=place, check=True, capture_output=True)


def _until(program: Sequence[str | Path], user: str, place: Path) -> None:
    for _ in range(int(READY_SECONDS)):
        if (
            subprocess.run(
                program, check=False, user=user, cwd=place, capture_output=True
            ).returncode
            == 0
        ):
            return
    raise RuntimeError("PostgreSQL does not become ready")
