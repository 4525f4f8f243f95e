"""The Context Object of a state that is tested without an execution: made up, or as the caller gives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core import context
from engine.core.entropy import SeededEntropy
from engine.core.execution import Execution, Frame, Names
from engine.errors import StateTestRefused
from engine.language.machine import Machine, State, Task
from engine.rehearsal.onestate.definition import TESTED
from engine.rehearsal.onestate.question import Question

Build = Callable[..., dict[str, Any]]  # (frame, token=, item=)

_TEXT = (str, "a string")
_NUMBER = (int, "an integer")
_OBJECT = (dict, "an object")
_ANY = (object, "")
# https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
_MEMBERS: dict[str, dict[str, tuple[type, str]]] = {
    "Execution": {
        **dict.fromkeys(("Id", "Name", "RoleArn", "StartTime", "RedriveTime"), _TEXT),
        "Input": _ANY,
        "RedriveCount": _NUMBER,
    },
    "State": {"EnteredTime": _TEXT, "Name": _TEXT, "RetryCount": _NUMBER},
    "StateMachine": {"Id": _TEXT, "Name": _TEXT},
    "Task": {"Token": _TEXT},
}


def check(given: Any, state: State) -> None:
    """Raises StateTestRefused for a Context Object that the state cannot have. Every part of it may be absent."""
    if not isinstance(given, dict):
        raise _invalid("Context object must be a JSON object")
    waits = isinstance(state, Task) and waits_for_token(state)
    for name, part in given.items():
        members = _MEMBERS.get(name)
        if members is None:
            raise _invalid(f"Context object contains unknown field '{name}'")
        if name == "Task" and not waits:
            raise _invalid(
                "Context object contains 'Task' when state is not a Task state with a '.sync' or "
                "'.waitForTaskToken' service integration pattern"
            )
        _check_kind(name, part, _OBJECT)
        for member, value in part.items():
            if member not in members:
                raise _invalid(f"Context object contains unknown field '{name}.{member}'")
            _check_kind(f"{name}.{member}", value, members[member])


def waits_for_token(state: Task) -> bool:
    """Whether the task is over only once somebody reports by its token, or another service's job has ended."""
    resource = state.resource
    return resource.callback or ".sync" in resource.action


def builder(question: Question, machine: Machine, entropy: SeededEntropy, now_ms: int) -> Build:
    """What builds it for a frame. The one that the caller gives is taken as it is, nothing is added but `Map.Item`."""
    if question.context is not None:
        return lambda _frame, **more: _given(question, **more)
    execution = _execution(question, entropy, now_ms)

    def build(frame: Frame, **more: Any) -> dict[str, Any]:
        made = context.build(machine, execution, frame, **more)
        # A test's state has one name and no role but the one that the caller gives (measured).
        made["State"]["Name"] = TESTED
        made["Execution"]["RoleArn"] = question.role
        return made

    return build


def _given(
    question: Question, *, token: str | None = None, item: tuple[int, Any] | None = None
) -> dict[str, Any]:
    del token  # the caller's, if there is one
    assert question.context is not None
    given: dict[str, Any] = question.context.value
    return (
        given if item is None else given | {"Map": {"Item": {"Index": item[0], "Value": item[1]}}}
    )


def _execution(question: Question, entropy: SeededEntropy, now_ms: int) -> Execution:
    """An Express execution, as AWS makes up (measured), of a state machine that does not exist."""
    machine, name = entropy.uuid(), entropy.uuid()
    place = question.place
    arn = place.execution(f"{machine}:{name}").replace(":execution:", ":express:")
    return Execution(
        id=f"{machine}:{name}",
        definition=machine,
        name=name,
        version=1,
        seed=b"",
        started_ms=now_ms,
        input=question.input,
        names=Names(arn, place.machine(machine), machine, question.role or ""),
        redrives=None,
    )


def _check_kind(name: str, value: Any, kind: tuple[type, str]) -> None:
    if not isinstance(value, kind[0]) or (kind is _NUMBER and isinstance(value, bool)):
        raise _invalid(f"'{name}' must be {kind[1]}")


def _invalid(what: str) -> StateTestRefused:
    return StateTestRefused(f"Invalid Context object provided: {what}")
