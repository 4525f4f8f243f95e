"""The how-tos about signals are played from their first command to their last, and every command answers as its page says."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from api.app import create_app
from api.server import serving
from cli.main import main
from engine.settings import Settings

PAGES = Path(__file__).parents[3] / "docs" / "how-to"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def blocks(page: str, kind: str) -> list[str]:
    text = (PAGES / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["wait-for-a-signal.md", "signal-by-attribute.md"])
async def test_every_command_of_the_page_answers_as_it_says(page, engine, tmp_path, monkeypatch):
    for text in blocks(page, "yaml"):
        if name := re.match(r"# ([a-z]+\.yaml)\n", text):
            (tmp_path / name[1]).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    settings = Settings(port=0, drain_seconds=2)
    async with serving(create_app(engine, settings), settings) as server:
        monkeypatch.setenv("DETENT_URL", f"http://127.0.0.1:{server.port}")
        console = blocks(page, "console")
        assert console
        for block in console:
            assert await asyncio.to_thread(played, block) == block


def played(block: str) -> str:
    """The commands of a block with what they print; times are those of the pages."""
    shown = ""
    for line in block.splitlines():
        if line.startswith("$ detent "):
            result = CliRunner().invoke(main, shlex.split(line)[2:])
            printed = TIME.sub("2026-11-22 10:00:00", click.unstyle(result.output)).splitlines()
            shown += "\n".join([line, *(each.rstrip() for each in printed)]) + "\n"
    return shown
