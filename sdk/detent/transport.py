"""Requests over one pooled HTTP session: authentication, errors, and repeating what is safe to repeat."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from detent.backoff import delays
from detent.errors import Unavailable, error_of, unreachable

URL_DEFAULT = "http://127.0.0.1:8083"
ANSWER_SECONDS = 30.0
CONNECT_SECONDS = 5.0
RETRY_SECONDS = 20.0  # a call is given up when its next attempt would begin later than this.
# Below uvicorn's 5 s: a connection the server is about to close is never picked for a request that cannot be repeated.
KEEPALIVE_SECONDS = 4.0
WAIT_SECONDS_MAX = 60  # the server's limit on one long poll.


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `repeatable` claims that performing it twice is the same as performing it once."""

    method: str
    path: str  # percent-encoded; begins with "/"
    body: bytes | None = None
    content_type: str = "application/json"
    query: Mapping[str, str | int | list[str]] | None = None
    wait_seconds: float = 0  # how long the server may hold the answer back
    answer_seconds: float = ANSWER_SECONDS  # for the answer, beyond `wait_seconds`
    repeatable: bool = False


class Transport:
    """A session with one server. Bound to the event loop of its first request; close it there."""

    def __init__(
        self, url: str | None, token: str | None, *, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self.url = (url or os.environ.get("DETENT_URL") or URL_DEFAULT).rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"the server's URL begins with http:// or https://, not {self.url!r}")
        self._token = token or os.environ.get("DETENT_TOKEN") or None
        self._retry_seconds = retry_seconds
        self._session: aiohttp.ClientSession | None = None

    async def call(self, request: Request) -> Any:
        """Send, repeating where that is safe; the decoded answer.

        A repeatable request is repeated after a broken connection and 502 to 504, any other only where no connection
        came about. Raises DetentError: the last one, when `retry_seconds` have passed.
        """
        deadline = monotonic() + self._retry_seconds
        for delay in delays():
            try:
                return await self.send(request)
            except Unavailable as error:
                pause = max(delay, error.retry_after or 0)
                may_repeat = request.repeatable or error.unsent
                if not may_repeat or monotonic() + pause > deadline:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError  # the delays never end

    async def send(self, request: Request) -> Any:
        """Send once; the decoded answer, None where it is empty. Raises DetentError."""
        session = self._session or self._open()
        url = URL(self.url + request.path, encoded=True)
        timeout = aiohttp.ClientTimeout(
            total=request.wait_seconds + request.answer_seconds, sock_connect=CONNECT_SECONDS
        )
        headers = {"Content-Type": request.content_type} if request.body is not None else None
        try:
            async with session.request(
                request.method,
                url.with_query(request.query) if request.query else url,
                data=request.body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                answer = await response.read()
        except aiohttp.ClientConnectorError as error:
            raise unreachable(error, unsent=True) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(error, unsent=False) from error
        return _decoded(response.status, answer, response.headers.get("Retry-After"))

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else None
        self._session = aiohttp.ClientSession(
            headers=headers,
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session


def segment(text: str) -> str:
    """`text` as one segment of a path."""
    return quote(text, safe=":")


def _decoded(status: int, answer: bytes, retry_after: str | None) -> Any:
    if not 200 <= status < 300:
        raise error_of(status, answer, retry_after)
    try:
        return json.loads(answer) if answer else None
    except ValueError:
        # A proxy or another program answers on this address.
        raise error_of(502, answer) from None
