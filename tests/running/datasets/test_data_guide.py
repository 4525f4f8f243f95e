"""The guide to large data does what it shows, command by command, against a real server."""

from __future__ import annotations

import asyncio

from played import Guide

from api.app import create_app
from api.server import serving
from engine.settings import Settings


async def test_every_command_of_the_guide_prints_what_it_shows(engines, tmp_path):
    engine = await engines(datasets=tmp_path / "datasets")
    settings = Settings(port=0, drain_seconds=2)
    async with serving(create_app(engine, settings), settings) as server:
        guide = Guide("how-to/map-over-large-data.md", tmp_path, f"http://127.0.0.1:{server.port}")
        blocks = await asyncio.to_thread(guide.play)
    assert blocks
    for shown, printed in blocks:
        assert printed == shown
