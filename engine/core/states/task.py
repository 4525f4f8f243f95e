"""Task: work that somebody else performs, or a signal that somebody sends.

https://states-language.net/spec.html#task-state. Every attempt evaluates Parameters anew and gets a new token.
"""

from __future__ import annotations

from typing import Any

from engine.core import dataflow
from engine.core.failures import parameters_too_large, result_too_large
from engine.core.outcomes import Await, Dispatch, Fails, Leave, Outcome, Visit
from engine.core.states import nested
from engine.documents import EMPTY_OBJECT, Document
from engine.errors import InvalidDocument
from engine.language.expressions.paths import Path
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Task

HTTP_QUEUE = "@http"  # where the engine's own HTTP runner leases from
LAMBDA_INVOKE = "lambda:invoke"  # the function's name comes with the parameters
SECONDS_MAX = 99_999_999


def arrive(state: Task, visit: Visit) -> Outcome:
    """Ask for the work, or for the signal."""
    resource = state.resource
    raw = visit.frame.input
    secret = token = ""
    if resource.kind != "signal":
        secret, token = visit.token()
    scope = visit.scope_with(token=token) if resource.callback else visit.scope
    effective = dataflow.select(state.input_path, raw, scope)
    parameters = dataflow.shape(state.parameters, effective, scope)
    timeout = _seconds(state.timeout_seconds, "TimeoutSecondsPath", effective, visit)
    heartbeat = _seconds(state.heartbeat_seconds, "HeartbeatSecondsPath", effective, visit)
    if not visit.limits.fits(parameters):
        return Fails(parameters_too_large(_spoken(state)))
    if resource.kind == "signal":
        return Await(resource.name, parameters, timeout)
    queue, work = _addressed(state, parameters)
    return Dispatch(queue, parameters, work, secret, timeout, heartbeat)


def succeed(state: Task, visit: Visit, result: Document) -> Outcome:
    """The work is done, or the signal is there."""
    scope = visit.scope
    raw = visit.frame.input
    shaped = dataflow.shape(state.result_selector, result, scope)
    output = dataflow.place(state.result_path, raw, shaped)
    return Leave(dataflow.select(state.output_path, output, scope), state.next)


def refusal(state: Task, visit: Visit, result: Document) -> Fails | None:
    """The failure that a result over the payload limit becomes; None for one that fits."""
    if visit.limits.fits(result):
        return None
    return Fails(result_too_large(_spoken(state)))


def _spoken(state: Task) -> str:
    """What AWS calls the task in its texts about size: the resource's ARN, or a service's name (measured)."""
    return state.resource.service if state.resource.family == "service" else state.resource.uri


def _addressed(state: Task, parameters: Document) -> tuple[str, Document]:
    """The queue a task goes to, and the input its worker gets."""
    resource = state.resource
    if resource.kind == "states":
        return nested.addressed(resource, parameters)
    if resource.kind == "http":
        return HTTP_QUEUE, parameters
    if resource.name != LAMBDA_INVOKE or resource.family != "service":
        return resource.name, parameters
    value = parameters.value
    function = value.get("FunctionName") if isinstance(value, dict) else None
    if not isinstance(function, str) or not function:
        raise ExpressionError(
            f"The Parameters '{parameters.text.decode()}' could not be used to start the Task: "
            "[The field 'FunctionName' is required but was missing]"
        )
    return _function_name(function), _payload(value.get("Payload"))


def _payload(given: Any) -> Document:
    """The event of a function: a string that is JSON text is that JSON; nothing, or null, is `{}` (measured)."""
    if given is None:
        return EMPTY_OBJECT
    if isinstance(given, str):
        try:
            return Document.parse(given)
        except InvalidDocument:
            return Document.of(given)
    return Document.of(given)


def _function_name(function: str) -> str:
    """The bare name of a function given by name, partial or full ARN, with or without a qualifier."""
    _, marker, rest = function.rpartition(":function:")
    return (rest if marker else function).split(":")[0]


def _seconds(given: int | Path | None, field: str, effective: Document, visit: Visit) -> int | None:
    """A time-out given as a number or as a path to one."""
    if given is None or isinstance(given, int):
        return given
    value: Any = given.find(effective.value, visit.scope)
    if not isinstance(value, int) or isinstance(value, bool):
        shown = value if isinstance(value, str) else Document.of(value).text.decode()
        raise ExpressionError(
            f"The {field} parameter cannot be parsed as a long value: {given.text} == {shown}"
        )
    if not 0 < value <= SECONDS_MAX:
        raise ExpressionError(
            f"The {field} parameter references a value outside 1 to {SECONDS_MAX}: {given.text} == {value}"
        )
    return value
