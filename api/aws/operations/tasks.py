"""Task tokens: what workers and callbacks answer with."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from api.aws.call import Call, Handler
from api.aws.errors import AwsError
from engine.core.states.nested.sends import MESSAGES, Refusal
from engine.core.tokens import parse_task_token
from engine.documents import Document
from engine.errors import InvalidDocument, LeaseLost, TaskClosed, TaskNotFound
from engine.views import Outcome


async def send_task_success(call: Call) -> dict[str, Any]:
    token = _token(call)
    try:
        output = Document.parse(call.given["output"])
    except InvalidDocument:
        raise _refused("InvalidOutput") from None
    return await _told(
        call.engine.commands.settle(call.caller, Outcome(token=token, output=output))
    )


async def send_task_failure(call: Call) -> dict[str, Any]:
    outcome = Outcome(
        token=_token(call), error=call.given.get("error"), cause=call.given.get("cause")
    )
    return await _told(call.engine.commands.settle(call.caller, outcome))


async def send_task_heartbeat(call: Call) -> dict[str, Any]:
    return await _told(call.engine.commands.heartbeat(call.caller, _token(call), None, None))


async def _told(answer: Awaitable[object]) -> dict[str, Any]:
    try:
        await answer
    except TaskNotFound:
        raise _refused("TaskDoesNotExist") from None
    except (TaskClosed, LeaseLost):
        raise _refused("TaskTimedOut") from None
    return {}


def _token(call: Call) -> str:
    """The token, if it could be one."""
    token: str = call.given["taskToken"]
    try:
        parse_task_token(token)
    except ValueError:
        raise _refused("InvalidToken") from None
    return token


def _refused(code: Refusal) -> AwsError:
    return AwsError(code, MESSAGES[code])


HANDLERS: dict[str, Handler] = {
    "SendTaskFailure": send_task_failure,
    "SendTaskHeartbeat": send_task_heartbeat,
    "SendTaskSuccess": send_task_success,
}
