"""A task whose HTTP calls are of interest themselves: what was sent, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from multidict import CIMultiDict
from yarl import URL

from engine.core.execution import Names
from engine.documents import Document
from engine.tasks.calls import Answer


@dataclass(frozen=True, slots=True)
class Request:
    """One call, ready to be made. It may hold secrets."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call that was made and answered. `told` is what the definition says of the call: it holds no secret of a connection."""

    sent: Request
    told: Request
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedTask:
    """A task that belongs to no execution. The runner of HTTP tasks adds to `exchanges`, in order.

    `names` are those that an execution would have, for the place and the role that its children go by.
    """

    uri: str
    input: Document
    idempotency_key: str
    state: str
    attempt: int
    token: str
    execution: str = ""
    names: Names | None = None
    exchanges: list[Exchange] = field(default_factory=list)
