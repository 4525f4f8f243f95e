"""Values to bytes and out: the JSON encoder, an answer, and a problem (RFC 9457)."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.types import Send

from api.errors import InternalError
from engine.documents import Document
from engine.errors import EngineError, InvalidDefinition

JSON = b"application/json"
PROBLEM = b"application/problem+json"
RETRY_AFTER = {429: b"1", 503: b"1"}  # seconds; also tells clients that repeating may help

_log = logging.getLogger("detent.api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an operation answers. `value` is a view, or bytes that are sent as they are under `content_type`."""

    value: Any
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())


def _raw(value: Any) -> Any:
    if isinstance(value, Document):
        return msgspec.Raw(value.text)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_raw)


def encode(value: Any) -> bytes:
    """JSON, compact, UTF-8. Documents appear as the text they hold."""
    return _encoder.encode(value)


async def send_answer(send: Send, answer: Answer) -> None:
    """Write the whole response."""
    body = answer.value if isinstance(answer.value, bytes) else encode(answer.value)
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def problem(error: Exception, operation: str) -> Answer:
    """The answer for an error. What nobody foresaw is logged with its traceback and shown as an id only."""
    if not isinstance(error, EngineError):
        incident = secrets.token_hex(8)
        _log.error("internal error %s in %s", incident, operation, exc_info=error)
        error = InternalError(id=incident)
    return Answer(
        value=problem_members(error),
        status=error.status,
        content_type=PROBLEM,
        headers=_headers(error),
    )


def title(error: type[EngineError]) -> str:
    """An error's message: the first line of its docstring."""
    return (error.__doc__ or "").strip().splitlines()[0]


def problem_members(error: EngineError) -> dict[str, Any]:
    """The members of the problem that an error is answered with."""
    members: dict[str, Any] = {
        "type": f"urn:detent:error:{error.code}",
        "title": title(type(error)),
        "status": error.status,
        "code": error.code,
    }
    if isinstance(error, InvalidDefinition):
        return members | {"problems": error.problems}
    if error.detail is not None:
        members["detail"] = error.detail
    # A fact never replaces a member that clients rely on.
    return members | {name: fact for name, fact in error.facts.items() if name not in members}


def _headers(error: EngineError) -> tuple[tuple[bytes, bytes], ...]:
    found: list[tuple[bytes, bytes]] = []
    if error.status in RETRY_AFTER:
        found.append((b"retry-after", RETRY_AFTER[error.status]))
    if error.status == 401:
        found.append((b"www-authenticate", b'Bearer realm="detent"'))
    if error.status == 405:
        found.append((b"allow", ", ".join(error.facts.get("allowed", ())).encode()))
    if error.status in {408, 413}:
        # The rest of the body is not wanted; without this the server would have to read it.
        found.append((b"connection", b"close"))
    return tuple(found)
