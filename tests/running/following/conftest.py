"""A running engine behind its HTTP face, on a real server, and a desk at it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))
sys.path.insert(0, str(Path(__file__).parents[2] / "api"))

from desk import Desk

from api.app import create_app
from api.server import serving
from engine.serve import Engine

Face = Callable[..., Any]


@pytest.fixture
async def desk(engine: Engine) -> Desk:
    return Desk(engine)


@pytest.fixture
async def faces(engines: Callable[..., Any]) -> AsyncIterator[Face]:
    """Makes clients of HTTP servers, each over an engine: `client, server = await faces(engine)`."""
    async with AsyncExitStack() as stack:

        async def make(engine: Engine) -> Any:
            settings = engine.settings.__class__(port=0, drain_seconds=2)
            server = await stack.enter_async_context(
                serving(create_app(engine, settings), settings)
            )
            base = f"http://127.0.0.1:{server.port}"
            client = httpx2.AsyncClient(base_url=base, timeout=30)
            return await stack.enter_async_context(client), server

        yield make


@pytest.fixture
async def http(faces: Face, engine: Engine) -> Any:
    """A client of a server over the test's engine."""
    client, _ = await faces(engine)
    return client
