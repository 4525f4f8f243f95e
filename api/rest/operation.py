"""One operation of the face, as data, and one call of it.

An `Operation` says everything about an endpoint: where it is, what it takes, what it answers, how it can fail and how
it is performed. Routing, the OpenAPI document, the reference page and the tests are all made from the table of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from starlette.types import Receive

from api.engine import Engine
from api.rest.encode import Answer
from api.rest.receive import Headers, Waits
from api.rest.requests import Body, NoBody, NoQuery, Query
from api.rest.streaming import Streamed
from engine.errors import EngineError
from engine.settings import Settings
from engine.views import Caller

Q = TypeVar("Q", bound=Query)
B = TypeVar("B", bound=Body)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What all operations share."""

    engine: Engine
    settings: Settings
    waits: Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Q, B]):
    """One request, read and checked as far as its form goes."""

    face: Face
    caller: Caller
    path: Mapping[str, str]
    query: Q
    body: B
    text: bytes  # of operations that take a definition, which is not read here
    media_type: str | None
    headers: Headers
    receive: Receive

    @property
    def engine(self) -> Engine:
        return self.face.engine

    def wait_ms(self, seconds: float) -> int:
        """How long to wait; not at all once the server is stopping."""
        return 0 if self.face.waits.stopping.is_set() else round(seconds * 1000)

    async def hold(self, wait_ms: int, work: Coroutine[Any, Any, T], queue: str = "") -> T:
        """Await something that may wait `wait_ms`, while the client is there. See `Waits.hold`."""
        return await (self.face.waits.hold(self.receive, work, queue) if wait_ms else work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One answer as it is documented: its meaning, its type and an example."""

    meaning: str
    type: Any = None
    example: Any = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One endpoint. `guarded` ones need the token, where one is set."""

    method: Literal["GET", "PUT", "POST", "PATCH", "DELETE"]
    path: str
    name: str
    group: str
    summary: str
    about: str
    perform: Callable[[Call[Any, Any]], Awaitable[Answer | Streamed]]
    answers: Mapping[int, Shown]
    errors: tuple[type[EngineError], ...] = ()
    query: type[Query] = NoQuery
    body: type[Body] = NoBody
    body_example: Any = None
    takes_definition: bool = False
    body_bytes_least: int = 0  # of a body that is read whatever `request_bytes_max` says
    guarded: bool = True

    @property
    def has_body(self) -> bool:
        """Whether a request body is read at all."""
        return self.takes_definition or self.body is not NoBody
