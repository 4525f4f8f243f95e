"""The two query languages: which one a state is written in, and the fields that belong to only one of them.

A machine in JSONata has no states in JSONPath; the other way round is fine. A Map's or Parallel's own language does not
flow into its states: they take the machine's (measured).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine.language.diagnostics.diagnostic import schema_failed
from engine.language.document import Node, Scope
from engine.language.expressions.comparisons import OPERATORS
from engine.language.expressions.jsonata import is_expression
from engine.language.report import Report
from engine.language.schema.maps import parts
from engine.language.text.source import Path

_JSONPATH_FIELDS = frozenset(
    {
        "InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "Result",
        "TimeoutSecondsPath", "HeartbeatSecondsPath", "SecondsPath", "TimestampPath",
        "ErrorPath", "CausePath", "ItemsPath", "MaxConcurrencyPath",
        "ToleratedFailureCountPath", "ToleratedFailurePercentagePath",
    }
)  # fmt: skip
_JSONATA_FIELDS = frozenset({"Arguments", "Output", "Items"})
# In ItemReader, ReaderConfig, ItemBatcher and ResultWriter.
_JSONPATH_PART_FIELDS = frozenset(
    {"Parameters", "MaxItemsPath", "MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath"}
)
_JSONATA_PART_FIELDS = frozenset({"Arguments"})
_JSONPATH_RULE_FIELDS = frozenset({"Variable", "And", "Or", "Not", *OPERATORS})
_JSONATA_RULE_FIELDS = frozenset({"Condition", "Output"})

# Fields that take an expression in JSONata and a constant only in JSONPath.
_CONSTANT_IN_JSONPATH = frozenset(
    {
        "TimeoutSeconds", "HeartbeatSeconds", "Seconds", "MaxConcurrency", "ItemSelector",
        "ToleratedFailureCount", "ToleratedFailurePercentage",
        "MaxItems", "MaxItemsPerBatch", "MaxInputBytesPerBatch", "BatchInput",
    }
)  # fmt: skip
_OBJECTS = frozenset({"ItemSelector", "BatchInput"})


def check_languages(document: dict[str, Any], scopes: Iterable[Scope], report: Report) -> None:
    """Report states in a language that the machine does not allow, and fields of the other language."""
    is_jsonata = document.get("QueryLanguage") == "JSONata"
    for scope in scopes:
        for node in scope.states.values():
            if is_jsonata and node.fields.get("QueryLanguage") == "JSONPath":
                message = "A state cannot be in JSONPath where the machine is in JSONata."
                hint = "Set QueryLanguage: JSONata on the states that are in JSONata, and not on the machine."
                here = (*node.path, "QueryLanguage")
                aws = schema_failed(_MIXED, node.path)
                report.add("query_language_mixed", here, message, hint, key=True, aws=aws)
                continue  # its fields may be in either language
            for path, name in _foreign(node):
                if not report.spoiled((*path, name)):  # no field of this type of state at all
                    _refuse(path, name, node, report)
            if not node.jsonata:
                _check_constants(node, report)


_MIXED = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"


def _foreign(node: Node) -> Iterator[tuple[Path, str]]:
    """Where a field of the other language stands, and its name."""
    state = _JSONPATH_FIELDS if node.jsonata else _JSONATA_FIELDS
    rule = _JSONPATH_RULE_FIELDS if node.jsonata else _JSONATA_RULE_FIELDS
    catcher = frozenset({"ResultPath"} if node.jsonata else {"Output"})
    yield from ((node.path, name) for name in node.fields if name in state)
    for field, names in (("Choices", rule), ("Catch", catcher)):
        for path, entry in node.entries(field):
            yield from ((path, name) for name in entry if name in names)
    inner = _JSONPATH_PART_FIELDS if node.jsonata else _JSONATA_PART_FIELDS
    for path, fields in parts(node):
        yield from ((path, name) for name in fields if name in inner)


def _refuse(path: Path, name: str, node: Node, report: Report) -> None:
    other = "JSONPath" if node.jsonata else "JSONata"
    own = "JSONata" if node.jsonata else "JSONPath"
    message = f"The state is in {own}, but the field {name} exists only in {other}."
    hint = _INSTEAD.get(name, "")
    hint = f"Write {hint}." if hint else f"Set QueryLanguage: {other} on the state."
    aws = schema_failed(
        f"The QueryLanguage is set to '{own}', but field '{name}' is only supported "
        f"for the '{other}' QueryLanguage",
        path,
    )
    report.add("wrong_query_language", (*path, name), message, hint, key=True, aws=aws)


_INSTEAD = {
    "InputPath": "$states.input and a path in the expressions themselves",
    "OutputPath": "Output",
    "ResultPath": "Output, such as {% $merge([$states.input, {'key': $states.result}]) %}",
    "Parameters": "Arguments, or Output on a Pass, or ItemSelector on a Map",
    "ResultSelector": "Output, with $states.result",
    "Result": "Output",
    "ItemsPath": "Items",
    "TimeoutSecondsPath": "TimeoutSeconds: '{% ... %}'",
    "HeartbeatSecondsPath": "HeartbeatSeconds: '{% ... %}'",
    "SecondsPath": "Seconds: '{% ... %}'",
    "TimestampPath": "Timestamp: '{% ... %}'",
    "ErrorPath": "Error: '{% ... %}'",
    "CausePath": "Cause: '{% ... %}'",
    "MaxConcurrencyPath": "MaxConcurrency: '{% ... %}'",
    "ToleratedFailureCountPath": "ToleratedFailureCount: '{% ... %}'",
    "ToleratedFailurePercentagePath": "ToleratedFailurePercentage: '{% ... %}'",
    "MaxItemsPath": "MaxItems: '{% ... %}'",
    "MaxItemsPerBatchPath": "MaxItemsPerBatch: '{% ... %}'",
    "MaxInputBytesPerBatchPath": "MaxInputBytesPerBatch: '{% ... %}'",
    "Variable": "Condition: '{% ... %}'",
}


def _check_constants(node: Node, report: Report) -> None:
    for path, fields in ((node.path, node.fields), *parts(node)):
        for name in sorted(_CONSTANT_IN_JSONPATH & fields.keys()):
            if is_expression(fields[name]):
                message = f"The state is in JSONPath, in which {name} takes no expression."
                hint = "Set QueryLanguage: JSONata on the state."
                kind = "Object" if name in _OBJECTS else "Integer"
                aws = schema_failed(f"Expected value of type {kind}", (*path, name))
                report.add("wrong_query_language", (*path, name), message, hint, aws=aws)
