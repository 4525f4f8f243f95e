"""Task: work that somebody else performs, or a signal that somebody sends.

https://states-language.net/spec.html#task-state. Every attempt evaluates Parameters anew and gets a new token.
"""

from __future__ import annotations

from engine.core import dataflow
from engine.core.failures import parameters_too_large, result_too_large, signal_invalid
from engine.core.limits import SECONDS_MAX
from engine.core.outcomes import Await, Dispatch, Fails, Outcome, Visit
from engine.core.states.addressing import addressed
from engine.documents import Document
from engine.language.expressions.scope import Scope
from engine.language.machine import Number, Task


def arrive(state: Task, visit: Visit) -> Outcome:
    """Ask for the work, or for the signal."""
    resource = state.resource
    raw = visit.frame.input
    secret = token = ""
    if resource.kind != "signal":
        secret, token = visit.token()
    scope = visit.scope_with(token=token) if resource.callback else visit.scope
    effective = dataflow.enter(state, raw, scope)
    parameters = dataflow.arguments(state, raw, effective, scope)
    timeout = _seconds(state.timeout_seconds, "TimeoutSeconds", effective, visit, scope)
    heartbeat = _seconds(state.heartbeat_seconds, "HeartbeatSeconds", effective, visit, scope)
    if not visit.limits.fits(parameters):
        return Fails(parameters_too_large(_spoken(state)))
    if resource.kind == "signal":
        return Await(resource.name, parameters, timeout)
    queue, work = addressed(resource, parameters, visit.limits)
    return Dispatch(queue, parameters, work, secret, timeout, heartbeat)


def succeed(state: Task, visit: Visit, result: Document) -> Outcome:
    """The work is done, or the signal is there."""
    return dataflow.leave(state, visit, result)


def refusal(state: Task, visit: Visit, result: Document) -> Fails | None:
    """The failure that a result becomes which is over the payload limit, or no payload for its Schema; None for one that fits."""
    if not visit.limits.fits(result):
        return Fails(result_too_large(_spoken(state)))
    faults = state.schema.faults(result) if state.schema is not None else ()
    return Fails(signal_invalid(state.resource.name, faults)) if faults else None


def _spoken(state: Task) -> str:
    """What AWS calls the task in its texts about size: the resource's ARN, or a service's name (measured)."""
    return state.resource.service if state.resource.family == "service" else state.resource.uri


def _seconds(
    given: Number, field: str, effective: Document, visit: Visit, scope: Scope
) -> int | None:
    return dataflow.whole(given, field, effective, visit, scope, 1, SECONDS_MAX)
