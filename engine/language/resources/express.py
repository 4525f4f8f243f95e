"""What a definition published as EXPRESS may not hold, though a STANDARD one may.

An Express execution lives in the memory of one process for minutes, and nobody outside can address it: so it waits for
no callback, no signal and no other service's job; nor can it be found, kept or moved. https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import UNSET

from engine.language import examine
from engine.language.diagnostics.diagnostic import schema_failed
from engine.language.machine import Keeping, Machine, Resource, Task
from engine.language.problems import Problem
from engine.language.text import read_source
from engine.language.text.source import Format, path_of

DefinitionType = Literal["STANDARD", "EXPRESS"]

_SYNC = re.compile(r"\.sync(?::\d+)?$")


def examine_as(
    kind: DefinitionType, text: str | bytes, form: Format | None
) -> tuple[Machine | None, tuple[Problem, ...]]:
    """As `examine`, for a definition of that type. Never raises."""
    machine, problems = examine(text, form)
    if machine is None or kind == "STANDARD":
        return machine, problems
    refused = express_problems(machine, text, form)
    return (None if refused else machine), (*refused, *problems)


def express_problems(
    machine: Machine, text: str | bytes, form: Format | None = None
) -> tuple[Problem, ...]:
    """Every reason why the machine cannot be Express, in the order of the text; empty when it can. Pure.

    `text` is what the machine was compiled from. It is read again, for the places, only if there is a problem.
    """
    found = list(_refusals(machine))
    if not found:
        return ()
    source = read_source(text, form)
    problems = []
    for pointer, code, message, hint in found:
        path = path_of(pointer, source.value)
        aws = schema_failed(message, path) if code == "express_unsupported" else UNSET
        place = source.place(path, key=code == "express_detent")
        problems.append(Problem(code, pointer, *place, message, hint, "error", aws))
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))


def _refusals(machine: Machine) -> Iterator[tuple[str, str, str, str]]:
    """Pointer, code, message and hint of each Resource that cannot be waited for, and of what presumes a store."""
    for name in _stored_only(machine.keeping):
        message = f"{name} has no meaning for Express executions: they are never stored."
        hint = f"Remove {name}, or publish the definition as STANDARD."
        yield f"/Detent/{name}", "express_detent", message, hint
    for state in machine.states.values():
        refusal = _refusal(state.resource) if isinstance(state, Task) else None
        if refusal is not None:
            yield f"{state.pointer}/Resource", *refusal


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
    if resource.callback:
        return _unsupported("'.waitForTaskToken' service integration", _STANDARD)
    pattern = _SYNC.search(resource.uri)
    if pattern is not None and resource.kind != "http":
        return _unsupported(f"'{pattern[0]}' service integration", _STANDARD)
    if resource.family == "activity":
        hint = "Let workers poll the queue of a Lambda function's ARN, or publish it as STANDARD."
        return _unsupported("Activity ARN", hint)
    if resource.kind == "signal":
        message = "An Express execution cannot wait for a signal: nobody can address it."
        return "express_signal", message, _STANDARD
    return None


_STANDARD = "Publish the definition as STANDARD, or start a STANDARD one for this part."


def _unsupported(what: str, hint: str) -> tuple[str, str, str]:
    return "express_unsupported", f"Express state machine does not support {what}", hint
