"""A server on loopback that does what a test says, and keeps what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import CIMultiDictProxy

from engine.documents import Document


@dataclass(frozen=True)
class Sent:
    method: str
    path: str  # as it stood on the wire, with the query
    headers: CIMultiDictProxy[str]
    body: bytes


class Listener:
    """`answer(request)` makes the next answers; `calls` is what came in."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[Sent] = []
        self.answer: Callable[[web.Request], Any] = lambda _: web.json_response({})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.calls.append(Sent(request.method, request.raw_path, request.headers, body))
        answer = self.answer(request)
        return await answer if asyncio.iscoroutine(answer) else answer


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", listener.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield listener
    await runner.cleanup()


@dataclass(frozen=True)
class Task:
    """A task that the engine performs, as a runner is told of it."""

    uri: str
    input: Document
    idempotency_key: str = "key-1"
    execution: str = "order:1"
    state: str = "Pay"
    attempt: int = 1
    token: str = "tok"
