"""The how-to is played from its first command to its last, and every command answers as the page says."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

import click
from click.testing import CliRunner

from api.app import create_app
from api.server import serving
from cli.main import main
from engine.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "operate-executions.md"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


async def test_every_command_of_the_page_answers_as_it_says(engine, tmp_path, monkeypatch):
    [definition] = blocks("yaml")
    (tmp_path / "order.yaml").write_text(definition, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    settings = Settings(port=0, drain_seconds=2)
    async with serving(create_app(engine, settings), settings) as server:
        monkeypatch.setenv("DETENT_URL", f"http://127.0.0.1:{server.port}")
        for block in blocks("console"):
            assert await asyncio.to_thread(played, block) == block


def played(block: str) -> str:
    """The commands of a block with what they print."""
    shown = ""
    for line in block.splitlines():
        if line.startswith("$ detent "):
            result = CliRunner().invoke(main, shlex.split(line)[2:])
            printed = click.unstyle(result.output).splitlines()
            shown += "\n".join([line, *(each.rstrip() for each in printed)]) + "\n"
    return shown
