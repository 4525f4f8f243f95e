"""An engine that answers what a test told it to: for what the face parses and renders, and nothing else.

Promises of the engine are tested on the engine; see test_rest_end_to_end.py.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import httpx2
import msgspec

from api.app import create_app
from api.rest.encode import encode
from api.rest.operations import OPERATIONS
from engine import views
from engine.clock import Clock
from engine.documents import Document
from engine.settings import Settings


class ScriptedEngine:
    """Both commands and queries. `answers[name]` is a value, an exception, or a function of the arguments."""

    incarnation = 0

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    @property
    def clock(self) -> Any:
        return Clock()

    @property
    def commands(self) -> Any:
        return self

    @property
    def feed(self) -> Any:
        return self

    @property
    def queries(self) -> Any:
        return self

    @property
    def operations(self) -> Any:
        return self

    @property
    def copying(self) -> Any:
        return self

    async def after_publish(self, _caller: Any, published: Any, _running: Any) -> Any:
        return published

    def __getattr__(self, name: str) -> Any:
        async def asked(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args[1:], kwargs))
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            if callable(answer):
                answer = answer(*args, **kwargs)
            return await answer if inspect.isawaitable(answer) else answer

        return asked

    @property
    def asked(self) -> tuple[Any, ...]:
        """The arguments of the only call, without the caller."""
        [(_, args, kwargs)] = self.calls
        return (*args, *kwargs.values())


def client(engine: Any = None, *, settings: Settings | None = None, **headers: str) -> Any:
    """A client of a new application over `engine`."""
    app = create_app(engine or ScriptedEngine(), settings or Settings())
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(
        transport=transport, base_url="http://localhost:8083", headers=headers
    )


def view(kind: type[Any], example: dict[str, Any]) -> Any:
    """A view from its JSON form."""
    return msgspec.convert(
        example, kind, dec_hook=lambda _, value: Document.of(value), builtin_types=()
    )


async def forever() -> None:
    await asyncio.Event().wait()


def operation(name: str) -> Any:
    """The operation of that name."""
    return next(item for item in OPERATIONS if item.name == name)


__all__ = ["ScriptedEngine", "client", "encode", "forever", "operation", "view", "views"]
