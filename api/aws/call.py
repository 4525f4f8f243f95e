"""One call of an operation, read and checked against the service model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.types import Receive

from api.engine import Engine
from api.rest.operation import Face
from engine.arns import Place
from engine.views import Caller

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`given` are the members of the request, by the model's names. `place` is where the caller believes to be."""

    face: Face
    caller: Caller
    place: Place
    given: dict[str, Any]
    receive: Receive

    @property
    def engine(self) -> Engine:
        return self.face.engine

    async def hold(self, work: Coroutine[Any, Any, T], queue: str = "") -> T:
        """Await something that may wait, while the client is there; ends when the server stops. See `Waits.hold`."""
        return await self.face.waits.hold(self.receive, work, queue)


Handler = Callable[
    [Call], Awaitable[dict[str, Any]]
]  # what it returns are the members of the answer
