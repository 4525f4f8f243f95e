"""The guides about running executions do what they show, command by command, against a real server."""

from __future__ import annotations

import asyncio

import pytest
from played import Guide

from api.app import create_app
from api.server import serving
from engine.settings import Settings


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("how-to/update-running-executions.md", marks=pytest.mark.slow),
        "how-to/publish-from-files.md",
        "how-to/operate-many.md",
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
