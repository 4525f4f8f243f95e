"""`arn:aws:states:::http:invoke`: the call that a task's parameters describe, with the credentials of its connection.

https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html. The parameters were checked when the task
was scheduled (engine/language/resources/parameters.py). Where a connection and the parameters give the same header,
query parameter or field of the body, the connection's is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from engine.documents import Document
from engine.settings import Settings
from engine.tasks.calls import Answer, Calls, described, refused
from engine.tasks.connections import Additions, Connection, connection_name
from engine.tasks.encoding import form, plain, query
from engine.tasks.oauth import TokenRefused, Tokens
from engine.tasks.runner import Failed, PerformedTask, RunResult, Succeeded
from engine.tasks.watched import Exchange, Request, WatchedTask

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class HttpInvoke:
    """Makes the calls of `http:invoke` over a runner's pool."""

    def __init__(
        self, calls: Calls, connections: Mapping[str, Connection], settings: Settings
    ) -> None:
        self._calls = calls
        self._connections = connections
        self._settings = settings
        self._tokens = Tokens(settings)

    async def close(self) -> None:
        await self._tokens.close()

    async def perform(self, task: PerformedTask) -> RunResult:
        """The call's result. Raises what `Calls.exchange` does, and nothing that shows a secret."""
        parameters = task.input.value
        reference = _reference(parameters)
        if reference is None:
            return self._result(
                await self._exchange(task, Additions()), Connection("", Additions())
            )
        connection = self._connections.get(connection_name(reference))
        if connection is None:
            cause = f"There is no connection {connection_name(reference)[:100]!r}."
            return Failed("Detent.ConnectionUnknown", cause, transport=False)
        try:
            return await self._with(connection, task)
        except TokenRefused as error:
            cause = f"The connection {connection.name} got no token: {error}"
            return Failed("Detent.ConnectionFailed", cause, transport=False)
        except aiohttp.ClientResponseError as error:
            cause = connection.hidden(described(error))
            return Failed("States.Http.Socket", cause, transport=True)

    async def _with(self, connection: Connection, task: PerformedTask) -> RunResult:
        if connection.token is None:
            return self._result(await self._exchange(task, connection.given), connection)
        token = await self._tokens.get(connection)
        answer = await self._exchange(task, _bearing(connection, token))
        if answer.status == 401:
            # A token may be withdrawn before its time. A call that was refused for it has done nothing yet.
            self._tokens.forget(connection, token)
            token = await self._tokens.get(connection)
            answer = await self._exchange(task, _bearing(connection, token))
        return self._result(answer, connection, token)

    async def _exchange(self, task: PerformedTask, given: Additions) -> Answer:
        request = request_of(task.input.value, task.idempotency_key, given)
        answer = await self._calls.exchange(
            request.method, request.url, headers=request.headers, data=request.data
        )
        if isinstance(task, WatchedTask):
            told = request_of(task.input.value, task.idempotency_key, Additions())
            task.exchanges.append(Exchange(request, told, answer))
        return answer

    def _result(self, answer: Answer, connection: Connection, *more: str) -> RunResult:
        if not answer.is_good:
            failed = refused(answer)
            return Failed(
                failed.error, connection.hidden(failed.cause, *more), transport=failed.transport
            )
        if not answer.whole:
            cap = self._settings.http_response_bytes_max
            cause = f"The answer is larger than {cap} bytes."
            return Failed("States.DataLimitExceeded", cause, transport=True)
        return Succeeded(Document.of(result_of(answer)))


def request_of(parameters: Any, idempotency_key: str, given: Additions) -> Request:
    """The call that the parameters describe, with what a connection adds. An Idempotency-Key of the parameters is kept."""
    headers: CIMultiDict[str] = CIMultiDict({"Idempotency-Key": idempotency_key})
    transform = parameters.get("Transform") or {}
    is_form = transform.get("RequestBodyEncoding") == "URL_ENCODED"
    options = transform.get("RequestEncodingOptions") or {}
    headers[hdrs.CONTENT_TYPE] = _FORM if is_form else _JSON
    for name, value in (parameters.get("Headers") or {}).items():
        headers.popall(name, None)
        for each in value if isinstance(value, list) else [value]:
            headers.add(name, plain(each))
    headers.update(given.headers)
    body = parameters.get("RequestBody")
    if given.body and (body is None or isinstance(body, dict)):
        body = {**(body or {}), **given.body}
    data = None
    if body is None:
        headers.popall(hdrs.CONTENT_TYPE, None)
    elif is_form and isinstance(body, dict):
        data = form(body, options.get("ArrayFormat", "INDICES"))
    elif isinstance(body, str) and (is_form or "json" not in headers[hdrs.CONTENT_TYPE].lower()):
        data = body.encode()
    else:
        data = Document.of(body).text
    url = URL(parameters["ApiEndpoint"]).extend_query(
        query(parameters.get("QueryParameters") or {})
    )
    return Request(parameters["Method"], url.update_query(given.query), headers, data)


def result_of(answer: Answer) -> dict[str, Any]:
    """What the state gets: the body as JSON where it is declared as JSON, or not declared, and is; else its text."""
    body = answer.json() if answer.is_json or not answer.is_declared else None
    return {
        "Headers": {str(name): answer.headers.getall(name) for name in answer.headers},
        "ResponseBody": answer.text() if body is None else body.value,
        "StatusCode": answer.status,
        "StatusText": answer.reason,
    }


def _bearing(connection: Connection, token: str) -> Additions:
    given = connection.given
    headers = {**given.headers, hdrs.AUTHORIZATION: f"Bearer {token}"}
    return Additions(headers, given.query, given.body)


def _reference(parameters: Any) -> str | None:
    """The connection that the parameters name."""
    for field in ("Authentication", "InvocationConfig"):
        named = (parameters.get(field) or {}).get("ConnectionArn")
        if named is not None:
            return plain(named)
    return None
