"""The second rendering of problems: as AWS Step Functions words them, for its API and for who comes from there.

Each rule gives AWS's words beside its own, in `Problem.aws`; here they are gathered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.language.diagnostics.diagnostic import AwsCode, Diagnostic
from engine.language.limits import KEY_CHARACTERS_MAX

if TYPE_CHECKING:
    from engine.language.problems import Problem

__all__ = ["Diagnostic", "diagnostics", "invalid_definition_text"]


def diagnostics(problems: Iterable[Problem]) -> list[Diagnostic]:
    """What ValidateStateMachineDefinition lists, warnings included; each once.

    The order is AWS's, as far as it has been seen: the shape of the definition, then targets that are missing, then
    the missing end, then states that nothing leads to; within these the order of the text. An error that AWS does
    not know is listed in our words, for it refuses the definition all the same; such a warning is left out.
    """
    found: dict[Diagnostic, None] = {}
    for problem in problems:
        known = [problem.aws] if problem.aws else []
        known += problem.aws_also or ()
        if not known and problem.severity == "error":
            known = [_own(problem)]
        found |= dict.fromkeys(known)
    return sorted(found, key=_phase)


def invalid_definition_text(problems: Iterable[Problem]) -> str:
    """The message of InvalidDefinition, which CreateStateMachine and UpdateStateMachine fail with."""
    errors = (each for each in diagnostics(problems) if each.severity == "ERROR")
    listed = ", ".join(_line(each) for each in errors)
    return f"Invalid State Machine Definition: '{listed}'"


def _line(error: Diagnostic) -> str:
    where = "null" if error.location is None else error.location
    return f"{error.code}: {error.message} at {where}"


# Of what AWS has a code for, but is worded by us: its own words are not known, or not for all such mistakes.
_CODES: dict[str, AwsCode] = {
    "control_character": "INVALID_JSON_DESCRIPTION",
    "invalid_json": "INVALID_JSON_DESCRIPTION",
    "invalid_state_name": "INVALID_STATE_NAME",
    "invalid_yaml": "INVALID_JSON_DESCRIPTION",
    "not_utf8": "INVALID_JSON_DESCRIPTION",
    "too_deep": "TOO_DEEPLY_NESTED",
}


def _own(problem: Problem) -> Diagnostic:
    code = _CODES.get(problem.code, "SCHEMA_VALIDATION_FAILED")
    return Diagnostic(code, problem.message.removesuffix("."), _location(problem.pointer))


def _location(pointer: str) -> str:
    """AWS's form of one of our pointers."""
    written, before = "", ""
    for step in pointer.split("/")[1:]:
        plain = step.replace("~1", "/").replace("~0", "~")
        is_index = plain.isdecimal() and before != "States"
        written += f"[{plain}]" if is_index else f"/{plain[:KEY_CHARACTERS_MAX]}"
        before = plain
    return written or "/"


def _phase(found: Diagnostic) -> int:
    if found.code == "MISSING_TRANSITION_TARGET":
        return 3 if found.message.startswith("State ") else 1
    return 2 if found.code == "MISSING_END_STATE" else 0
