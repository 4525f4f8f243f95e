"""HTTP tasks: one POST per attempt, the task's input as its body, the answer as its result.

Every call ends: by an answer, an error, or the time-out on the whole exchange. Every call is bounded: an answer is read
up to a cap, counted after decompression. Redirects are not followed, no proxy or netrc of the environment is used, and
addresses are checked where the socket is made.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import aiohttp
from aiohttp import ClientResponse, ClientSession, hdrs

from engine.documents import NULL, Document
from engine.errors import InvalidDocument
from engine.settings import Settings
from engine.tasks.addresses import AddressRefused, CheckedResolver, Policy
from engine.tasks.runner import Failed, PerformedTask, RunResult, Succeeded
from engine.telemetry import emit

CAUSE_BYTES_MAX = 1024  # of a refused call's body, in the cause.
_CHUNK_BYTES = 16 * 1024
_HEADER_SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class HttpRunner:
    """Performs HTTP tasks over one pool of connections. Use it in one event loop, and close it there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._policy = Policy(settings.http_private)
        self._session: ClientSession | None = None

    async def perform(
        self, task: PerformedTask, *, callback: bool = False, timeout_seconds: float | None = None
    ) -> RunResult:
        """Make the task's call. Never raises for what an endpoint or a network does; cancelling it aborts the call.

        `callback` hands the endpoint the task's token; its 2xx then only says that it took the work over.
        `timeout_seconds` shortens the configured time-out, never lengthens it.
        """
        limit = self._settings.http_timeout_seconds
        seconds = limit if timeout_seconds is None else min(limit, timeout_seconds)
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(task, _headers(task, callback=callback))
        except TimeoutError:
            return Failed(
                "States.Timeout",
                f"The call did not end within {seconds:g} seconds.",
                transport=True,
            )
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            return Failed("States.Runtime", f"This is no URL to call: {error}.", transport=False)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _failed(task, error)

    async def close(self) -> None:
        """Close every connection. A call in progress fails."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _exchange(self, task: PerformedTask, headers: dict[str, str]) -> RunResult:
        request = self._open_session().post(
            task.uri, data=task.input.text, headers=headers, allow_redirects=False
        )
        async with request as response:
            if not 200 <= response.status < 300:
                return await _refused(response)
            body = await _read(response, self._settings.http_response_bytes_max)
            if body is None:
                response.close()  # the rest is not worth reading for the sake of the connection.
                cap = self._settings.http_response_bytes_max
                return Failed(
                    "States.DataLimitExceeded",
                    f"The answer is larger than {cap} bytes.",
                    transport=True,
                )
            return _result(response, body)

    def _open_session(self) -> ClientSession:
        """The session; made at the first call, for it binds itself to the running loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._settings.http_calls_max,
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


def _headers(task: PerformedTask, *, callback: bool) -> dict[str, str]:
    """Names that an ASCII header cannot carry are percent-encoded UTF-8."""
    headers = {
        hdrs.CONTENT_TYPE: "application/json",
        "Idempotency-Key": task.idempotency_key,
        "Detent-Execution": quote(task.execution, safe=_HEADER_SAFE),
        "Detent-State": quote(task.state, safe=_HEADER_SAFE),
        "Detent-Attempt": str(task.attempt),
    }
    if callback:
        headers["Detent-Task-Token"] = task.token
    return headers


async def _refused(response: ClientResponse) -> Failed:
    """An answer other than 2xx, with the beginning of what it says."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) >= CAUSE_BYTES_MAX:
            response.close()
            break
    text = bytes(body[:CAUSE_BYTES_MAX]).decode("utf-8", "replace")
    status = f"{response.status} {response.reason or ''}".rstrip()
    return Failed(
        f"States.Http.StatusCode.{response.status}",
        f"{status}: {text}" if text else status,
        transport=response.status >= 500,
    )


async def _read(response: ClientResponse, bytes_max: int) -> bytes | None:
    """The body, decompressed; None as soon as it is known to exceed the cap."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > bytes_max:
            return None
    return bytes(body)


def _result(response: ClientResponse, body: bytes) -> RunResult:
    """JSON as it is, other text as a JSON string, nothing as null. Without a Content-Type, whichever fits."""
    declared = hdrs.CONTENT_TYPE in response.headers
    is_json = response.content_type == "application/json" or response.content_type.endswith("+json")
    if not body.strip():
        return Succeeded(NULL)
    if declared and not is_json:
        return Succeeded(Document.of(_decoded(body, response.charset or "utf-8")))
    try:
        return Succeeded(Document.parse(body))
    except InvalidDocument as error:
        if not declared:
            return Succeeded(Document.of(_decoded(body, "utf-8")))
        cause = f"The answer is declared as {response.content_type} but is not: {error.detail}"
        return Failed("Detent.HttpResponseInvalid", cause, transport=True)


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def _failed(task: PerformedTask, error: Exception) -> Failed:
    """A call that broke off, or that was not made."""
    origin = getattr(error, "os_error", error)
    if isinstance(origin, AddressRefused):
        emit("http.blocked", execution=task.execution, cause=str(origin))
        return Failed("Detent.HttpBlocked", f"The call was not made: {origin}.", transport=False)
    return Failed("States.Http.Socket", f"{type(error).__name__}: {error}", transport=True)
