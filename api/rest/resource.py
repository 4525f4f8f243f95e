"""One path as an ASGI application: choose the operation, read the request, perform, answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from api.errors import MethodNotAllowed, UnsupportedMediaType
from api.rest.decode import read_body, read_query
from api.rest.encode import problem, send_answer
from api.rest.operation import Call, Face, Operation
from api.rest.receive import ClientGone, media_type, read_all
from api.rest.requests import Body, NoBody, Query
from api.rest.streaming import Streamed, send_stream
from engine.views import Caller

ANYBODY = Caller()

_log = logging.getLogger("detent.api")
_NO_BODY = NoBody()


class Resource:
    """The operations of one path. Every error becomes a problem here; nothing is raised to the server."""

    def __init__(self, operations: Sequence[Operation], face: Face) -> None:
        self._face = face
        self._by_method: dict[str, Operation] = {
            operation.method: operation for operation in operations
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["method"]
        try:
            operation = self._operation(scope["method"])
            name = operation.name
            answer = await operation.perform(await self._read(operation, scope, receive))
            if isinstance(answer, Streamed):
                is_head = scope["method"] == "HEAD"
                await send_stream(self._face.waits, receive, send, answer, is_head=is_head)
                return
        except ClientGone:
            _log.debug("the client went away during %s", name)
            return
        except Exception as error:
            answer = problem(error, name)
        await send_answer(send, answer)

    def _operation(self, method: str) -> Operation:
        found = self._by_method.get("GET" if method == "HEAD" else method)
        if found is None:
            raise MethodNotAllowed(allowed=sorted(self._by_method))
        return found

    async def _read(
        self, operation: Operation, scope: Scope, receive: Receive
    ) -> Call[Query, Body]:
        headers = scope["headers"]
        kind = media_type(headers) if operation.has_body else None
        query = read_query(operation.query, scope["query_string"])
        text = b""
        if operation.has_body:
            most = max(self._face.settings.request_bytes_max, operation.body_bytes_least)
            text = await read_all(headers, receive, most)
        return Call(
            face=self._face,
            caller=scope.get("detent.caller", ANYBODY),
            path=scope["path_params"],
            query=query,
            body=_body(operation, kind, text),
            text=text,
            media_type=kind,
            headers=headers,
            receive=receive,
        )


def _body(operation: Operation, kind: str | None, text: bytes) -> Body:
    if operation.body is NoBody:
        return _NO_BODY
    is_json = kind is None or kind == "application/json" or kind.endswith("+json")
    if text and not is_json:
        raise UnsupportedMediaType(
            detail=f"this operation reads application/json, not {kind}",
            allowed=["application/json"],
        )
    return read_body(operation.body, text)
