"""One problem as AWS Step Functions words it: what its ValidateStateMachineDefinition would list."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.language.limits import KEY_CHARACTERS_MAX, MESSAGE_CHARACTERS_MAX
from engine.language.text.source import Path

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html
# has the codes, but not those of JSONata and of variables, which were seen in answers.
AwsCode = Literal[
    "DUPLICATE_LABEL_NAME",
    "DUPLICATE_STATE_NAME",
    "INVALID_JSONATA_EXPRESSION",
    "INVALID_JSON_DESCRIPTION",
    "INVALID_LABEL_NAME",
    "INVALID_STATE_NAME",
    "INVALID_VARIABLE_NAME",
    "MISSING_END_STATE",
    "MISSING_TRANSITION_TARGET",
    "NO_DOLLAR",
    "NO_PATH",
    "PASS_RESULT_IS_STATIC",
    "RESERVED_VARIABLE_NAME",
    "SCHEMA_VALIDATION_FAILED",
    "TOO_DEEPLY_NESTED",
    "UNSUPPORTED_JSONATA_EXPRESSION",
]


UNCLOSED = "JSONata string must start with {% and end with %}"


class Diagnostic(Struct, frozen=True):
    """A problem in AWS's words."""

    code: AwsCode
    message: str  # without the code before it and the place behind it
    location: (
        str | None
    )  # as `location_of` writes it, often the object where ours is the field; null for the whole
    severity: Literal["ERROR", "WARNING"] = "ERROR"


def location_of(path: Path) -> str:
    """AWS's form of a JSON pointer: indexes in brackets, nothing escaped, `/` for the root. Very long keys are cut."""
    steps = (
        f"[{step}]" if isinstance(step, int) else f"/{step[:KEY_CHARACTERS_MAX]}" for step in path
    )
    return "".join(steps) or "/"


def diagnostic(code: AwsCode, message: str, path: Path) -> Diagnostic:
    """An error at a place of the definition. A very long message is cut."""
    return Diagnostic(code, message[:MESSAGE_CHARACTERS_MAX], location_of(path))


def schema_failed(message: str, path: Path) -> Diagnostic:
    """The code that most rules share."""
    return diagnostic("SCHEMA_VALIDATION_FAILED", message, path)


def warning(
    code: Literal["NO_DOLLAR", "NO_PATH", "PASS_RESULT_IS_STATIC"], message: str, path: Path
) -> Diagnostic:
    """What AWS lists without refusing the definition."""
    return Diagnostic(code, message, location_of(path), "WARNING")


def required(names: list[str], path: Path) -> Diagnostic:
    """Fields that the object at `path` lacks; States comes before StartAt (measured)."""
    ordered = sorted(names, key=lambda name: name == "StartAt")
    return schema_failed(f"These fields are required: [{', '.join(ordered)}]", path)


def none_of(names: list[str], path: Path) -> Diagnostic:
    """Exactly one of the fields has to be there, and none is."""
    listed = ", ".join(names)
    return schema_failed(
        f"This object should have only one of the following fields: [{listed}]", path
    )


def several_of(names: list[str], path: Path) -> Diagnostic:
    """Fields that exclude one another stand side by side."""
    return schema_failed(
        f"There should only be one of the following fields: [{', '.join(names)}]", path
    )
