"""The how-tos about versions and following do what they show, command by command, against a real server."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
ADDRESS = "http://127.0.0.1:8083"
ENDLESS = "/v1/events"  # curl is told to stop after this stream's first moments


def steps(page: str) -> list[tuple[str, str, str | None]]:
    """(language, program, what it prints or None) of each block that can be run."""
    blocks = BLOCK.findall((ROOT / "docs/how-to" / page).read_text(encoding="utf-8"))
    found = []
    for number, (kind, text) in enumerate(blocks):
        if kind in {"sh", "python"}:
            after = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
            found.append((kind, text, after[1] if after[0] == "text" else None))
    return found


@pytest.fixture
async def engine(engines):
    return await engines(changes_kept=100_000)


@pytest.mark.parametrize("page", ["publishing/versions-and-aliases.md", "follow-executions.md"])
async def test_a_how_to_prints_what_it_shows(page, engine, faces, tmp_path):
    _, server = await faces(engine)
    address = f"http://127.0.0.1:{server.port}"
    (tmp_path / "definitions").symlink_to(ROOT / "definitions")
    environment = {
        **os.environ,
        "DETENT_URL": address,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    for kind, text, shown in steps(page):
        program = text.replace(ADDRESS, address)
        if ENDLESS in program:
            program = program.replace("curl -sN", "curl -sN --max-time 3")
        command = ["bash", "-c", program] if kind == "sh" else [sys.executable, "-c", program]
        done = await asyncio.to_thread(
            subprocess.run,
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, (text, done.stderr)
        if shown is not None:
            lines = [line.rstrip() for line in done.stdout.splitlines()]
            assert lines == [line.rstrip() for line in shown.splitlines()], text
