"""The guide's commands, one after the other on a server of its own, print what it shows."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from api.app import create_app
from api.server import serving
from cli.main import main
from engine.settings import Settings
from engine.store.finding.filter import Filter
from engine.views import Caller

PAGE = Path(__file__).parents[3] / "docs/how-to/find-executions.md"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def without_times(text: str) -> str:
    return TIME.sub("TIME", text).strip()


async def settled(engine) -> None:
    """Return when the executions of the guide are where it shows them."""
    for asked in ({"state": "AskUnderwriter"}, {"status": "FAILED"}, {"status": "SUCCEEDED"}):
        wanted = Filter(definition="loans", **asked)
        least = 2 if "state" in asked else 1
        async with asyncio.timeout(60):
            while (await engine.queries.count(Caller(), wanted)).count < least:
                await asyncio.sleep(0.01)


async def test_the_guides_commands_print_what_it_shows(engine, tmp_path, monkeypatch):
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```(yaml|sh|text)\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    [(_, definition)] = [block for block in blocks if block[0] == "yaml"]
    Path("loans.yaml").write_text(definition)
    shown = 0
    settings = Settings(port=0)
    async with serving(create_app(engine, settings), settings) as server:
        monkeypatch.setenv("DETENT_URL", f"http://127.0.0.1:{server.port}")
        for number, (kind, commands) in enumerate(blocks):
            if kind != "sh":
                continue
            for command in commands.splitlines():
                word, *arguments = shlex.split(command)
                assert word == "detent"
                result = await asyncio.to_thread(CliRunner().invoke, main, arguments)
                assert result.exit_code == 0, result.output
                if arguments[0] == "start" and "a-4" in arguments:
                    await settled_at_first(engine)
            if number + 1 < len(blocks) and blocks[number + 1][0] == "text":
                assert without_times(result.output) == without_times(blocks[number + 1][1])
                shown += 1
            else:
                await settled(engine)
    assert shown == 5


async def settled_at_first(engine) -> None:
    """Return when all that are asked for rest there, so that the signal finds its state."""
    wanted = Filter(definition="loans", state="AskUnderwriter")
    async with asyncio.timeout(60):
        while (await engine.queries.count(Caller(), wanted)).count < 3:
            await asyncio.sleep(0.01)
