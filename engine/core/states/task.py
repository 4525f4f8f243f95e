"""Task: work that somebody else performs, or a signal that somebody sends.

https://states-language.net/spec.html#task-state. Every attempt evaluates Parameters anew and gets a new token.
"""

from __future__ import annotations

from typing import Any

from engine.core import dataflow
from engine.core.failures import parameters_too_large, result_too_large
from engine.core.outcomes import Await, Dispatch, Fails, Leave, Outcome, Visit
from engine.core.states.addressing import addressed
from engine.documents import Document
from engine.language.expressions.paths import Path
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Task

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
    queue, work = addressed(resource, parameters, visit.limits)
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
