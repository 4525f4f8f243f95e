"""The HTTP client of the runners: one bounded request, one bounded answer, over one pool of connections.

An answer is read up to a cap, counted after decompression. Redirects are not followed, no proxy, cookie or netrc of
the environment is used, and addresses are checked where the socket is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import ClientSession, hdrs
from multidict import CIMultiDictProxy
from yarl import URL

from engine.documents import Document
from engine.errors import InvalidDocument
from engine.tasks.addresses import AddressRefused, CheckedResolver, Policy
from engine.tasks.runner import Failed
from engine.telemetry import emit

CAUSE_BYTES_MAX = 1024  # of a refused call's body, in the cause.
_CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. `body` is the beginning only where it is not `whole`."""

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    content_type: str  # without its parameters; application/octet-stream where none is declared
    charset: str | None
    body: bytes
    whole: bool

    @property
    def is_good(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def is_declared(self) -> bool:
        return hdrs.CONTENT_TYPE in self.headers

    @property
    def is_json(self) -> bool:
        """Whether it is declared as JSON."""
        return self.content_type == "application/json" or self.content_type.endswith("+json")

    def text(self) -> str:
        """The body as text; what is not in its charset is replaced."""
        try:
            return self.body.decode(self.charset or "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def json(self) -> Document | None:
        """The body, if it is a JSON document that Detent accepts."""
        try:
            return Document.parse(self.body)
        except InvalidDocument:
            return None


class Calls:
    """Makes calls. Use it in one event loop, and close it there."""

    def __init__(self, policy: Policy, *, answer_bytes_max: int, calls_max: int) -> None:
        self._policy = policy
        self._answer_bytes_max = answer_bytes_max
        self._calls_max = calls_max
        self._session: ClientSession | None = None

    async def exchange(
        self,
        method: str,
        url: str | URL,
        *,
        headers: Mapping[str, str],
        data: bytes | None = None,
        refusal_bytes_max: int = CAUSE_BYTES_MAX,
    ) -> Answer:
        """The answer to one request, of whatever status; of one other than 2xx only `refusal_bytes_max` are read.

        Raises aiohttp.ClientError, OSError and ValueError for what cannot be called or breaks off. The time-out is the caller's.
        """
        request = self._open_session().request(
            method, url, data=data, headers=headers, allow_redirects=False
        )
        async with request as response:
            is_good = 200 <= response.status < 300
            most = self._answer_bytes_max if is_good else refusal_bytes_max
            body = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                body += chunk
                if len(body) > most:
                    response.close()  # the rest is not worth reading for the sake of the connection
                    break
            return Answer(
                response.status,
                response.reason or "",
                response.headers,
                response.content_type,
                response.charset,
                bytes(body[:most]),
                len(body) <= most,
            )

    async def close(self) -> None:
        """Close every connection. A call in progress fails."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> ClientSession:
        """The session; made at the first call, for it binds itself to the running loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._calls_max,
                resolver=CheckedResolver(self._policy),
                socket_factory=self._policy.open_socket,
            )
            self._session = ClientSession(
                connector=connector,
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                headers={hdrs.USER_AGENT: "detent", hdrs.ACCEPT: "application/json, */*;q=0.5"},
            )
        return self._session


def refused(answer: Answer) -> Failed:
    """The failure that an answer other than 2xx is, with the beginning of what it says."""
    text = answer.body.decode("utf-8", "replace")
    status = f"{answer.status} {answer.reason}".rstrip()
    return Failed(
        f"States.Http.StatusCode.{answer.status}",
        f"{status}: {text}" if text else status,
        transport=answer.status >= 500,
    )


def broken(error: Exception, *, name: str, execution: str) -> Failed:
    """The failure, called `name`, that a call which broke off is; one that was not made is Detent.HttpBlocked."""
    origin: Any = getattr(error, "os_error", error)
    if isinstance(origin, AddressRefused):
        emit("http.blocked", execution=execution, cause=str(origin))
        return Failed("Detent.HttpBlocked", f"The call was not made: {origin}.", transport=False)
    return Failed(name, described(error), transport=True)


def described(error: Exception) -> str:
    """An error for a cause. What aiohttp says of a malformed answer names the URL, which may hold a secret: left out."""
    text = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return f"{type(error).__name__}: {text}"
