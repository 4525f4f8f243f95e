"""How the client's methods become requests, and paged answers become pages."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from typing import Any

from detent.documents import to_json
from detent.shapes import CLOSED
from detent.transport import WAIT_SECONDS_MAX, Request, Transport

_CONTENT_TYPES = {
    None: "application/octet-stream",  # the server looks at the text itself
    "json": "application/json",
    "yaml": "application/yaml",
}


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are not None: what is left out has the server's default."""
    return {name: value for name, value in fields.items() if value is not None}


def get(path: str, *, wait_seconds: float = 0, **query: Any) -> Request:
    asked = given(**query, wait=_wait(wait_seconds))
    return Request("GET", path, query=asked, wait_seconds=wait_seconds, repeatable=True)


def post(
    path: str,
    body: Mapping[str, Any],
    *,
    wait_seconds: float = 0,
    held_seconds: float = 0,
    repeatable: bool = True,
) -> Request:
    """A POST of JSON. `wait_seconds` travels in the query; `held_seconds` says that the body asks for such a wait.

    Raises NotJson where the body holds something JSON cannot.
    """
    wait = _wait(wait_seconds)
    return Request(
        "POST",
        path,
        to_json(body),
        query={"wait": wait} if wait else None,
        wait_seconds=wait_seconds + held_seconds,
        repeatable=repeatable,
    )


def sending(path: str, body: Mapping[str, Any], wait_seconds: float) -> Request:
    """A signal, whose answer is held until something has become of it where `wait_seconds` are given."""
    held = min(wait_seconds, WAIT_SECONDS_MAX)
    query = {"wait": "consumed", "wait_seconds": f"{held:.3f}"} if held > 0 else None
    return Request(
        "POST", path, to_json(body), query=query, wait_seconds=max(0.0, held), repeatable=True
    )


def with_definition(
    method: str,
    path: str,
    definition: str | bytes | Mapping[str, Any],
    format_: str | None,
    type_: str | None,
) -> Request:
    """A request whose body is a definition's text; a mapping goes as JSON."""
    if isinstance(definition, Mapping):
        body, format_ = to_json(dict(definition)), "json"
    else:
        body = definition.encode() if isinstance(definition, str) else definition
    if format_ not in _CONTENT_TYPES:
        raise ValueError('the format is "yaml", "json" or None')
    query = given(type=type_) or None
    return Request(method, path, body, _CONTENT_TYPES[format_], query=query, repeatable=True)


async def listing(
    transport: Transport,
    path: str,
    key: str,
    query: Mapping[str, Any],
    body: Mapping[str, Any] | None = None,
) -> AsyncIterator[list[Any]]:
    """Pages of a listing that goes on under a cursor. A page may be short, or empty, and not be the last.

    With a `body` the listing is asked for by POST, which changes nothing either.
    """
    cursor: str | None = None
    while True:
        request = get(path, **query, cursor=cursor)
        if body is not None:
            request = Request("POST", path, to_json(body), query=request.query, repeatable=True)
        answer = await transport.call(request)
        if answer[key]:
            yield answer[key]
        cursor = answer.get("next")
        if cursor is None:
            return


async def history(
    transport: Transport, path: str, query: Mapping[str, Any], after: int | None, *, follow: bool
) -> AsyncIterator[list[dict[str, Any]]]:
    """Pages of history. To follow is to wait for more at the end, until the execution has closed."""
    while True:
        wait_seconds = WAIT_SECONDS_MAX if follow else 0
        answer = await transport.call(get(path, wait_seconds=wait_seconds, after=after, **query))
        events = answer["events"]
        if events:
            yield events
            after = events[-1]["id"]
        if answer.get("next") is not None:
            after = answer["next"]
        elif not follow or (not events and answer["status"] in CLOSED):
            # Followed, a closed execution is asked once more: its last records may be younger than the page.
            return


def _wait(seconds: float) -> int | None:
    # Whole seconds, rounded up: the face's `wait` need not accept a fraction.
    return math.ceil(seconds) or None
