"""The guides do what they show, command by command, against a real server."""

from __future__ import annotations

import asyncio
import re

import pytest
from played import ROOT, Guide

from api.app import create_app
from api.server import serving
from engine.settings import Settings


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("how-to/update-running-executions.md", marks=pytest.mark.slow),
        "how-to/publishing/publish-from-files.md",
        "how-to/operate-many.md",
        "how-to/keep-it-small.md",
    ],
)
async def test_every_command_of_a_guide_prints_what_it_shows(page, engine, tmp_path):
    settings = Settings(port=0, drain_seconds=2)
    async with serving(create_app(engine, settings), settings) as server:
        guide = Guide(page, tmp_path, f"http://127.0.0.1:{server.port}")
        blocks = await asyncio.to_thread(guide.play)
    assert blocks
    for shown, printed in blocks:
        assert printed == shown


def test_what_the_readme_shows_of_an_update_is_the_beginning_of_what_the_guide_shows():
    guide = (ROOT / "docs/how-to/update-running-executions.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Update a definition in place")[2]
    shown = re.search(r"```console\n(.*?)```", section, re.DOTALL)
    assert shown
    assert f"```console\n{shown[1]}" in guide
