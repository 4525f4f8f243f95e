"""What a definition published as EXPRESS, and a distributed Map's processor of that type, may not hold, though a STANDARD one may.

An Express execution lives in the memory of one process for minutes, and nobody outside can address it: so it waits for
no callback, no signal and no other service's job; nor can it be found, kept or moved. https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from msgspec import UNSET

from engine.language import examine
from engine.language.diagnostics.diagnostic import schema_failed
from engine.language.machine import Keeping, Machine, Map, Resource, Task
from engine.language.problems import Problem
from engine.language.text import read_source
from engine.language.text.source import Format, Path, path_of, pointer_of

DefinitionType = Literal["STANDARD", "EXPRESS"]

_SYNC = re.compile(r"\.sync(?::\d+)?$")


def examine_as(
    kind: DefinitionType, text: str | bytes, form: Format | None
) -> tuple[Machine | None, tuple[Problem, ...]]:
    """As `examine`, for a definition of that type. Never raises."""
    machine, problems = examine(text, form)
    if machine is None:
        return machine, problems
    found = _of_definition(machine) if kind == "EXPRESS" else _of_processors(machine)
    refused = _placed(list(found), text, form)
    return (None if refused else machine), (*refused, *problems)


def express_problems(
    machine: Machine, text: str | bytes, form: Format | None = None
) -> tuple[Problem, ...]:
    """Every reason why the machine cannot be Express, in the order of the text; empty when it can. Pure.

    `text` is what the machine was compiled from. It is read again, for the places, only if there is a problem.
    """
    return _placed(list(_of_definition(machine)), text, form)


class _Refusal(NamedTuple):
    pointer: str
    code: str
    message: str
    hint: str
    is_mode: bool = False  # of the Map at `pointer`


def _placed(found: list[_Refusal], text: str | bytes, form: Format | None) -> tuple[Problem, ...]:
    if not found:
        return ()
    source = read_source(text, form)
    problems = []
    for pointer, code, message, hint, is_mode in found:
        path = path_of(pointer, source.value)
        if is_mode:
            path += (_processor_field(path, source.value), "ProcessorConfig", "Mode")
        aws = schema_failed(message, path) if code == "express_unsupported" else UNSET
        place = source.place(path, key=code == "express_detent")
        problems.append(Problem(code, pointer_of(path), *place, message, hint, "error", aws))
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))


def _processor_field(path: Path, document: Any) -> str:
    """What the processor of the Map at `path` is called."""
    for step in path:
        document = document[step]
    return "ItemProcessor" if "ItemProcessor" in document else "Iterator"


def _of_definition(machine: Machine) -> Iterator[_Refusal]:
    """What presumes a store, and what of the states no Express execution can do."""
    for name in _stored_only(machine.keeping):
        message = f"{name} has no meaning for Express executions: they are never stored."
        hint = f"Remove {name}, or publish the definition as STANDARD."
        yield _Refusal(f"/Detent/{name}", "express_detent", message, hint)
    yield from _of_states(machine)
    yield from _of_processors(machine)


def _of_states(machine: Machine) -> Iterator[_Refusal]:
    """The Resources that cannot be waited for, and the distributed Maps."""
    for state in machine.states.values():
        if isinstance(state, Task):
            refusal = _refusal(state.resource)
            if refusal is not None:
                yield _Refusal(f"{state.pointer}/Resource", *refusal)
        elif isinstance(state, Map) and state.distributed is not None:
            hint = "Write Mode: INLINE, or publish the definition as STANDARD."
            yield _Refusal(state.pointer, "express_unsupported", _NO_MAP_RUN, hint, is_mode=True)


def _of_processors(machine: Machine) -> Iterator[_Refusal]:
    """What the children of distributed Maps cannot do that are Express, at any depth."""
    for state in machine.states.values():
        if isinstance(state, Map) and state.distributed is not None:
            processor = machine.processors[state.distributed.label]
            if state.distributed.execution_type == "EXPRESS":
                yield from _of_states(processor)
            yield from _of_processors(processor)


def _stored_only(keeping: Keeping) -> Iterator[str]:
    """The fields of `Detent` that are about executions in a store."""
    if keeping.search_attributes:
        yield "SearchAttributes"
    if keeping.history_records is not None:
        yield "HistoryRecords"
    if keeping.retention_hours is not None:
        yield "RetentionHours"
    if keeping.running == "migrate":
        yield "Running"


def _refusal(resource: Resource) -> tuple[str, str, str] | None:
    """The first three texts are AWS Step Functions' own."""
    # A nested execution that is waited for counts as a callback too: its child reports by token.
    pattern = _SYNC.search(resource.uri)
    if pattern is not None and resource.kind != "http":
        return _unsupported(f"'{pattern[0]}' service integration", _STANDARD)
    if resource.callback:
        return _unsupported("'.waitForTaskToken' service integration", _STANDARD)
    if resource.family == "activity":
        hint = "Let workers poll the queue of a Lambda function's ARN, or publish it as STANDARD."
        return _unsupported("Activity ARN", hint)
    if resource.kind == "signal":
        message = "An Express execution cannot wait for a signal: nobody can address it."
        return "express_signal", message, _STANDARD
    return None


# In AWS's words.
_NO_MAP_RUN = (
    "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines"
)
_STANDARD = "Publish the definition as STANDARD, or start a STANDARD one for this part."


def _unsupported(what: str, hint: str) -> tuple[str, str, str]:
    return "express_unsupported", f"Express state machine does not support {what}", hint
