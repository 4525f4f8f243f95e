"""The gate before every route: who may pass, and what every response carries.

Deny by default: a path that the gate does not know to be open needs the token, whether or not a route exists behind it.
Without a token the server is bound to this machine, and the gate keeps web pages out that a browser on it shows.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from api.aws.admission import admit_signed, is_protocol
from api.aws.face import refused
from api.errors import HostNotAllowed, OriginNotAllowed
from api.rest.encode import problem, send_answer
from api.rest.receive import ClientGone, Headers, header
from engine.errors import InvalidName, InvalidRequest, Unauthenticated
from engine.settings import Settings
from engine.views import Caller

# Probes carry no credentials, and neither does a browser that opens the documentation, which holds no data.
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/docs", "/openapi.json"})
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
NOTHING_EMBEDDED = (
    b"content-security-policy",
    b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
)


# AWS SDKs put "sync-" before the host of two operations; no public name can be either of those with it.
_LOCAL_HOST = re.compile(r"((sync-)?(localhost|127\.0\.0\.1)|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class Gate:
    """ASGI middleware, outermost of all. WebSockets are closed: the server offers none. `now_ms` dates signatures.

    `incarnation` is the store's: every response says which one it was asked in.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        now_ms: Callable[[], int],
        incarnation: Callable[[], int],
    ) -> None:
        self._app = app
        self._token = settings.token
        self._bytes_max = settings.request_bytes_max
        self._now_ms = now_ms
        self._incarnation = incarnation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False
        # Before anything is read: what a later loss takes back must not go out under the number that tells of it.
        incarnation = str(self._incarnation()).encode()

        async def dressed(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = _dress(message.get("headers", ()), incarnation)
            await send(message)

        try:
            scope["path"] = decoded_path(scope)
            scope["detent.caller"], receive = await self._admit(scope, receive)
            await self._app(scope, receive, dressed)
        except ClientGone:
            return
        except Exception as error:
            if is_protocol(scope):
                answer = refused(error, secrets.token_hex(16))
            else:
                answer = problem(error, "a request")
            if not begun:
                await send_answer(dressed, answer)

    async def _admit(self, scope: Scope, receive: Receive) -> tuple[Caller, Receive]:
        """Who calls, and what the request is received from: some are read to the end before it is known."""
        headers = scope["headers"]
        if self._token is None:
            check_local(scope["method"], headers)
            return Caller(), receive
        if scope["path"] in OPEN_PATHS or bears(headers, self._token):
            return Caller(name="token"), receive
        if not is_protocol(scope):
            raise Unauthenticated
        return await admit_signed(scope, receive, self._token, self._now_ms(), self._bytes_max)


def bears(headers: Headers, token: str) -> bool:
    """Whether the request bears the token. Takes the same time wherever the first difference is."""
    given = header(headers, b"authorization") or b""
    scheme, _, credentials = given.partition(b" ")
    is_right = hmac.compare_digest(credentials.strip(), token.encode())
    return scheme.lower() == b"bearer" and is_right


def check_local(method: str, headers: Headers) -> None:
    """Refuse what a web page could make a browser send to this machine.

    A page whose name was rebound to 127.0.0.1 names its own host; one of another origin that sends something says so
    in `Origin`. Reading across origins needs nothing here: no answer allows it.
    """
    host = (header(headers, b"host") or b"").decode("latin-1")
    if not is_local(host):
        raise HostNotAllowed(detail="call it as localhost or 127.0.0.1, or set DETENT_TOKEN")
    if method in {"GET", "HEAD"}:
        return
    origin = header(headers, b"origin")
    if origin is not None and urlsplit(origin.decode("latin-1")).netloc.lower() != host.lower():
        raise OriginNotAllowed
    if header(headers, b"sec-fetch-site") == b"cross-site":
        raise OriginNotAllowed


def is_local(host: str) -> bool:
    """Whether a Host header names this machine, with or without a port: localhost, 127.0.0.1 or [::1], or as SDKs make of them."""
    return _LOCAL_HOST.fullmatch(host) is not None


def decoded_path(scope: Scope) -> str:
    """The path with every segment decoded for itself, so that an encoded slash never becomes a separator.

    Raises InvalidName for an encoded slash or control character, InvalidRequest for what is not UTF-8.
    """
    raw = scope.get("raw_path")
    if raw is None or b"%" not in raw:
        return str(scope["path"])
    segments = [unquote_to_bytes(segment) for segment in raw.partition(b"?")[0].split(b"/")]
    if any(b"/" in segment for segment in segments):
        raise InvalidName(detail="a name may not contain a slash, encoded or not")
    if any(_CONTROL.search(segment) for segment in segments):
        raise InvalidName(detail="a name may not contain control characters")
    try:
        return b"/".join(segments).decode()
    except UnicodeDecodeError:
        raise InvalidRequest(detail="the path is not UTF-8") from None


def _dress(headers: Any, incarnation: bytes) -> list[tuple[bytes, bytes]]:
    present = {name for name, _ in headers}
    added = (*SECURITY_HEADERS, NOTHING_EMBEDDED, (b"detent-incarnation", incarnation))
    return [*headers, *(item for item in added if item[0] not in present)]
