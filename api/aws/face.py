"""The protocol as an ASGI application: one path, the operation named by a header."""

from __future__ import annotations

import logging
import secrets
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from api.aws.call import Call
from api.aws.credentials import credential
from api.aws.errors import AwsError, translated
from api.aws.model import PREFIX, check, operations
from api.aws.operations import HANDLERS
from api.errors import NotFound
from api.rest.encode import Answer, encode, problem, send_answer
from api.rest.operation import Face
from api.rest.receive import ClientGone, Stopping, header, read_all
from engine.arns import Place
from engine.errors import EngineError
from engine.views import Caller

CONTENT_TYPE = b"application/x-amz-json-1.0"
ANYBODY = Caller()

_log = logging.getLogger("detent.api")


class AwsFace:
    """Answers `POST /`. Every error becomes an answer here; nothing is raised to the server."""

    def __init__(self, face: Face) -> None:
        self._face = face

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await send_answer(send, problem(NotFound(), "an unknown path"))
            return
        request_id = secrets.token_hex(16)
        try:
            members = await self._perform(scope, receive)
        except ClientGone:
            return
        except Exception as error:
            await send_answer(send, refused(error, request_id))
            return
        await send_answer(send, _answer(members, request_id))

    async def _perform(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        headers = scope["headers"]
        name = (header(headers, b"x-amz-target") or b"").decode("latin-1").removeprefix(PREFIX)
        handler = HANDLERS.get(name)
        text = await read_all(headers, receive, self._face.settings.request_bytes_max)
        if name not in operations() or handler is None:
            raise AwsError(
                "UnknownOperationException", f"{name[:100]!r} is no operation of this service."
            )
        given = _read(text or b"{}")
        signed = credential(header(headers, b"authorization"))
        settings = self._face.settings
        region = settings.aws_region if signed is None else signed.region
        return await handler(
            Call(
                face=self._face,
                caller=scope.get("detent.caller", ANYBODY),
                place=Place(region, settings.aws_account),
                given=check(name, given),
                receive=receive,
            )
        )


def _read(text: bytes) -> Any:
    """The JSON value of a body. Raises AwsError SerializationException for what is none, or is nested without end."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AwsError("SerializationException", str(error)) from None


def refused(error: Exception, request_id: str) -> Answer:
    """An error in the form of the protocol."""
    refusal = _refusal(error, request_id)
    members = {"__type": refusal.code, "message": refusal.message, **refusal.members}
    return _answer(members, request_id, refusal.status)


def _answer(members: dict[str, Any], request_id: str, status: int = 200) -> Answer:
    headers = ((b"x-amzn-requestid", request_id.encode()),)
    return Answer(value=encode(members), status=status, content_type=CONTENT_TYPE, headers=headers)


def _refusal(error: Exception, request_id: str) -> AwsError:
    if isinstance(error, AwsError):
        return error
    if isinstance(error, EngineError):
        return translated(error)
    if isinstance(error, Stopping):
        message = "The server is stopping, and ends what it holds. Try again."
        return AwsError("ServiceUnavailableException", message, status=503)
    _log.error("internal error %s", request_id, exc_info=error)
    return AwsError("InternalServerError", f"See the log for {request_id}.", status=500)
