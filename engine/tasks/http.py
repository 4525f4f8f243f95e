"""HTTP tasks: one call per attempt, the answer as its result.

A Resource that is a URL gets a POST of the task's input; `arn:aws:states:::http:invoke` makes the call that its
parameters describe. Every call ends: by an answer, an error, or the time-out on the whole exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from engine.documents import NULL, Document
from engine.errors import InvalidDocument
from engine.settings import Settings
from engine.tasks.addresses import Policy
from engine.tasks.calls import CAUSE_BYTES_MAX, Answer, Calls, broken, refused
from engine.tasks.connections import Connection
from engine.tasks.invoke import HttpInvoke
from engine.tasks.runner import Failed, PerformedTask, RunResult, Succeeded
from engine.tasks.watched import Exchange, Request, WatchedTask

__all__ = ["CAUSE_BYTES_MAX", "HttpRunner"]

_HEADER_SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class HttpRunner:
    """Performs HTTP tasks over one pool of connections. Use it in one event loop, and close it there."""

    def __init__(
        self, settings: Settings, connections: Mapping[str, Connection] | None = None
    ) -> None:
        self._settings = settings
        self._calls = Calls(
            Policy(settings.http_private),
            answer_bytes_max=settings.http_response_bytes_max,
            calls_max=settings.http_calls_max,
        )
        self._invoke = HttpInvoke(self._calls, connections or {}, settings)

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
                if task.uri.startswith("arn:"):
                    return await self._invoke.perform(task)
                return await self._post(task, _headers(task, callback=callback))
        except TimeoutError:
            return Failed(
                "States.Timeout",
                f"The call did not end within {seconds:g} seconds.",
                transport=True,
            )
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            return Failed("States.Runtime", f"This is no URL to call: {error}.", transport=False)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return broken(error, name="States.Http.Socket", execution=task.execution)

    async def close(self) -> None:
        """Close every connection. A call in progress fails."""
        await self._calls.close()
        await self._invoke.close()

    async def _post(self, task: PerformedTask, headers: dict[str, str]) -> RunResult:
        answer = await self._calls.exchange("POST", task.uri, headers=headers, data=task.input.text)
        if isinstance(task, WatchedTask):
            request = Request("POST", URL(task.uri), CIMultiDict(headers), task.input.text)
            task.exchanges.append(Exchange(request, request, answer))
        if not answer.is_good:
            return refused(answer)
        if not answer.whole:
            cap = self._settings.http_response_bytes_max
            cause = f"The answer is larger than {cap} bytes."
            return Failed("States.DataLimitExceeded", cause, transport=True)
        return _result(answer)


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


def _result(answer: Answer) -> RunResult:
    """JSON as it is, other text as a JSON string, nothing as null. Without a Content-Type, whichever fits."""
    if not answer.body.strip():
        return Succeeded(NULL)
    if answer.is_declared and not answer.is_json:
        return Succeeded(Document.of(answer.text()))
    try:
        return Succeeded(Document.parse(answer.body))
    except InvalidDocument as error:
        if not answer.is_declared:
            return Succeeded(Document.of(answer.body.decode("utf-8", "replace")))
        cause = f"The answer is declared as {answer.content_type} but is not: {error.detail}"
        return Failed("Detent.HttpResponseInvalid", cause, transport=True)
