"""Which parts of a request to test a state go together, and with which state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.core.failures import Failure
from engine.documents import Document
from engine.errors import InvalidDocument, StateTestRefused
from engine.language.machine import Machine, Map, Parallel, State, Task
from engine.rehearsal.onestate import context, service_shapes
from engine.rehearsal.onestate.definition import machines_in
from engine.rehearsal.onestate.question import Mock, Question


def check(question: Question, machine: Machine, state: State) -> Document | Failure | None:
    """What the mock stands for; None without one. Raises StateTestRefused."""
    mock = question.mock
    mocked = None
    if mock is None:
        _check_without_mock(question, state)
    else:
        mocked = _mocked(question, mock, state)
    if question.context is not None:
        context.check(question.context.value, state)
    _check_situation(question, machine, state)
    return mocked


def _check_without_mock(question: Question, state: State) -> None:
    for name in question.situation.given():
        raise StateTestRefused(f"TestState does not support {name} when a mock is not specified.")
    if isinstance(state, Map | Parallel):
        raise StateTestRefused(
            f"State type '{state.type}' is not supported when a mock is not specified"
        )
    if not isinstance(state, Task):
        return
    resource = state.resource
    if resource.family == "activity" or resource.kind == "signal" or context.waits_for_token(state):
        raise StateTestRefused(
            f"Resource '{resource.uri}' is not supported when a mock is not specified"
        )
    if question.role is None:
        raise StateTestRefused("RoleArn must be specified when testing a Task state")


def _mocked(question: Question, mock: Mock, state: State) -> Document | Failure:
    if (mock.result is None) == (mock.error is None):
        raise StateTestRefused(
            "A test mock should have only one of the following fields: [result, errorOutput]."
        )
    if question.reveals_secrets:
        raise StateTestRefused("TestState does not support RevealSecrets when a mock is specified.")
    if not isinstance(state, Task | Map | Parallel):
        raise StateTestRefused(
            f"State type '{state.type}' is not supported when a mock is specified"
        )
    if mock.error is not None:
        return Failure(mock.error.error, mock.error.cause)
    assert mock.result is not None
    try:
        result = Document.parse(mock.result)
    except InvalidDocument:
        raise StateTestRefused("Mocked result must be valid JSON") from None
    _check_result(result.value, mock, state)
    return result


def _check_result(result: Any, mock: Mock, state: Task | Map | Parallel) -> None:
    if isinstance(state, Task):
        if mock.validation == "NONE":
            return
        try:
            service_shapes.check(state.resource, result, is_strict=mock.validation == "STRICT")
        except service_shapes.Misfit as misfit:
            raise StateTestRefused(f"Mock result schema validation error: {misfit}") from None
        return
    writer = state.distributed.writer if isinstance(state, Map) and state.distributed else None
    if writer is not None and writer.exports:
        if not isinstance(result, dict):
            raise StateTestRefused("Mocked result must be a JSON object.")
        return
    if not isinstance(result, list):
        raise StateTestRefused("Mocked result must be an array.")
    if isinstance(state, Parallel) and len(result) != len(state.branches):
        raise StateTestRefused(
            "Mocked result must contain the same number of items as number of Parallel branches."
        )


def _check_situation(question: Question, machine: Machine, state: State) -> None:
    situation = question.situation
    if situation.failed_iterations is not None and not isinstance(state, Map):
        raise StateTestRefused("MapIterationFailureCount is only supported for Map states.")
    if situation.reader_data is not None:
        reads = isinstance(state, Map) and state.distributed and state.distributed.reader
        if not reads:
            raise StateTestRefused(
                "MapItemReaderData is only supported for Map states with an ItemReader."
            )
    if situation.caused_by is not None:
        if not isinstance(state, Map | Parallel):
            raise StateTestRefused(
                "ErrorCausedByState is only supported for Map and Parallel states."
            )
        if situation.caused_by not in _inside(machine, state):
            raise StateTestRefused(
                f"ErrorCausedByState '{situation.caused_by}' was not found inside state '{state.name}'."
            )


def _inside(machine: Machine, state: Map | Parallel) -> set[str]:
    """The names of all states that lie in a Map or a Parallel, at any depth, in children of distributed Maps too."""
    found = {name for name in machine.states if state.name in _around(machine, name)}
    for each in (state, *(machine.states[name] for name in found)):
        if isinstance(each, Map) and each.distributed is not None:
            children = machine.processors[each.distributed.label]
            found = found.union(*(inner.states for inner in machines_in(children)))
    return found


def _around(machine: Machine, name: str) -> Iterator[str]:
    """The states that a state lies in, the innermost first."""
    outer = machine.parents.get(name)
    while outer is not None:
        yield outer
        outer = machine.parents.get(outer)
