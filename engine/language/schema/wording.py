"""AWS's words for some of what the schema has to say."""

from __future__ import annotations

from typing import Any

from engine.language.diagnostics.diagnostic import (
    UNCLOSED,
    Diagnostic,
    none_of,
    schema_failed,
    several_of,
)
from engine.language.expressions.comparisons import OPERATORS
from engine.language.text.source import Path


def state_type(state: Path) -> Diagnostic:
    """A state whose Type is missing or unknown, in AWS's words and order."""
    message = f"The field 'Type' should have one of these values: [{_TYPES}]"
    return schema_failed(message, (*state, "Type"))


def rule(written: dict[str, Any], path: Path) -> Diagnostic:
    """A choice rule that has too much or too little of Variable, operators, And, Or and Not."""
    kinds = [name for name in _RULE_KINDS if name in written]
    operators = [name for name in OPERATORS if name in written]
    if kinds == ["Variable"]:
        return (several_of if operators else none_of)([*OPERATORS], path)
    listed = ", ".join(_RULE_KINDS)
    message = f"The object must have only one of the following fields, [{listed}]"
    return schema_failed(message, path)


def wrong_type(kinds: list[str], value: Any, path: Path, *, jsonata: bool) -> Diagnostic:
    """A value of none of the JSON types `kinds`; one of them is named even where several would do."""
    if jsonata and isinstance(value, str) and value.startswith("{%"):
        return schema_failed(UNCLOSED, path)
    kind = next(kind for kind in kinds if kind != "null")
    if path[-1:] == ("ToleratedFailurePercentage",):
        kind = "integer"  # measured, though it takes fractions
    return schema_failed(f"Expected value of type {kind.capitalize()}", path)


def limit(rule: str, bound: float, path: Path) -> Diagnostic:
    """A number below the `minimum` or above the `maximum`; of the one with fractions AWS writes the bound so (measured)."""
    told = float(bound) if path[-1:] == ("ToleratedFailurePercentage",) else bound
    return schema_failed(f"{rule.capitalize()} value is {told}", path)


def choice(value: Any, allowed: list[str], path: Path) -> Diagnostic:
    """A text that is none of a few."""
    if not isinstance(value, str):
        return schema_failed("Expected value of type [STRING]", path)
    if set(path) & _OF_DATASETS:
        message = f"The field '{path[-1]}' should have one of these values: [{', '.join(allowed)}]"
        return schema_failed(message, path)
    message = f"Value should be one of the following: [{', '.join(allowed)}]"
    return schema_failed(message, path)


# In these AWS words it otherwise (measured for InputType).
_OF_DATASETS = frozenset({"ReaderConfig", "WriterConfig"})
_TYPES = "Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map"
WAIT_FIELDS = ["SecondsPath", "Seconds", "TimestampPath", "Timestamp"]
_RULE_KINDS = ("And", "Or", "Not", "Variable", "Condition")
