"""Starts playing the shared cases over the wire as soon as it is known which of them are wanted.

They are played once a session, by one process beside the tests, whichever worker starts it; their tests come last and
find most verdicts there. Where the session is broken off, the process ends with the worker that started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store.server.server_program import end_with_parent
from tests.conformance.served import served

MARK = "over_the_wire"
_players: dict[str, subprocess.Popen[bytes]] = {}
FOLDER = pytest.StashKey[Path]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker(MARK) is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    marks = [item.get_closest_marker(MARK) for item in session.items]
    names = sorted({mark.args[0] for mark in marks if mark is not None and mark.args})
    if not names or session.config.option.collectonly:
        return
    base: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "over-the-wire"
    session.config.stash[FOLDER] = folder
    with contextlib.suppress(FileExistsError):  # another worker was first
        folder.mkdir()
        (folder / "ids").write_text(json.dumps(names))
        with (folder / "log").open("wb") as log:
            _players["it"] = subprocess.Popen(
                (sys.executable, "-m", "tests.conformance.wire", str(folder)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
                preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - one system function, no locks
            )


def pytest_sessionfinish(exitstatus: int) -> None:
    """Whoever started the player stays until the other workers have what they wait for."""
    player = _players.pop("it", None)
    if player is None:
        return
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        player.terminate()
    player.wait()


@pytest.fixture
def played(request: pytest.FixtureRequest) -> Path:
    """The folder that verdicts come into."""
    return request.config.stash[FOLDER]


@pytest.fixture(scope="session")
def server_process() -> Iterator[str]:
    """The address of a server process of this worker's own."""
    with served() as url:
        yield url
