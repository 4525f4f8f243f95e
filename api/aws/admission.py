"""Who may call the protocol where the server has a token: whoever bears it, and whoever signs with it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.types import Receive, Scope

from api.aws import signature
from api.rest.receive import read_all
from engine.views import Caller

NAME_CHARACTERS_MAX = 80  # of a caller, in records


def is_protocol(scope: Scope) -> bool:
    """Whether a request is one of the protocol, to be answered in its form."""
    return bool(scope["path"] == "/" and scope["method"] == "POST")


async def admit_signed(
    scope: Scope, receive: Receive, token: str, now_ms: int, bytes_max: int
) -> tuple[Caller, Receive]:
    """The caller of a request that is signed with the token, and what the request is received from now: its body has been read.

    The caller goes by the access key id, which may be any. Raises AwsError, PayloadTooLarge, RequestTimeout, ClientGone.
    """
    headers = scope["headers"]
    signed = signature.read(headers, now_ms)
    body = await read_all(headers, receive, bytes_max)
    query = scope.get("query_string", b"")
    signature.check(signed, scope["method"], b"/", query, headers, body, token)
    name = signed.credential.access_key[:NAME_CHARACTERS_MAX]
    return Caller(name=name), _again(body, receive)


def _again(body: bytes, receive: Receive) -> Receive:
    """A request whose body comes once more, and then whatever else comes of it."""
    told = False

    async def receive_again() -> MutableMapping[str, Any]:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
