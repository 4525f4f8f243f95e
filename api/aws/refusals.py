"""Definitions that are refused, in AWS's words: the error of what creates state machines, and the list of what checks them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.aws.errors import AwsError
from engine.errors import InvalidDefinition
from engine.language.diagnostics import Diagnostic, invalid_definition_text
from engine.language.diagnostics import diagnostics as found_in
from engine.language.problems import Problem


def invalid_definition(error: InvalidDefinition) -> AwsError:
    """What CreateStateMachine, UpdateStateMachine and TestState answer; it tells all errors and no warning."""
    return AwsError("InvalidDefinition", invalid_definition_text(error.problems))


def diagnostics(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """What ValidateStateMachineDefinition lists, warnings included, in AWS's order."""
    return [_members(each) for each in found_in(problems)]


def _members(found: Diagnostic) -> dict[str, Any]:
    """What concerns the whole definition has no location."""
    location = {} if found.location is None else {"location": found.location}
    return {
        "severity": found.severity,
        "code": found.code,
        "message": found.message,
        **location,
    }
