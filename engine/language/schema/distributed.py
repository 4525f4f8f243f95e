"""Rules about the fields of a Map that depend on its mode: INLINE or DISTRIBUTED.

ItemReader has a module of its own.
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.language.diagnostics.diagnostic import (
    Diagnostic,
    diagnostic,
    required,
    schema_failed,
)
from engine.language.document import Node, Scope, is_distributed
from engine.language.report import Report
from engine.language.schema import maps
from engine.language.schema.readers import call_names, check_call, check_reader
from engine.language.text.source import Path, shown

LABEL_CHARACTERS_MAX = 40
_WRITER = re.compile(r"arn:aws[a-z-]*:states:::s3:putObject")
# The characters that no name of a state machine or execution may have: a label is a part of ARNs.
_LABEL = re.compile(r"[^\s\x00-\x1f\x7f-\x9f<>{}\[\]?*\"#%\\^|~`$&,;:/]+")
_LABEL_HINT = 'A label has 1 to 40 characters, no white space, and none of <>{}[]?*"#%\\^|~`$&,;:/.'
_SIZES = (
    "MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath",
)  # fmt: skip


def check_maps(scopes: Iterable[Scope], report: Report) -> None:
    """Report fields that do not belong to the Map's mode, and what is wrong with those of a distributed Map."""
    labels: dict[str, Path] = {}
    for scope in scopes:
        for node in scope.states.values():
            if node.type != "Map":
                continue
            if is_distributed(node):
                _check_label(node, labels, report)
                check_reader(node, report)
                _check_batcher(node, report)
                _check_writer(node, report)
            else:
                _check_inline(node, report)
            _check_paths(node, report)


def _check_inline(node: Node, report: Report) -> None:
    written = [
        maps.Part(node.path, {name: None})
        for name in maps.DISTRIBUTED_FIELDS
        if name in node.fields
    ]
    config = maps.processor_config(node)
    if config is not None and "ExecutionType" in config.fields:
        written.append(maps.Part(config.path, {"ExecutionType": None}))
    for path, names in written:
        for name in names:
            message = f"The field {name} belongs to a distributed Map, and this Map is inline."
            aws = schema_failed(f"Field '{name}' is not supported", path)
            hint = f"Write ProcessorConfig: {{Mode: DISTRIBUTED, ...}}, or remove {name}."
            report.add("distributed_only", (*path, name), message, hint, key=True, aws=aws)
    if isinstance(node.fields.get("Items"), dict) and node.jsonata:
        here = (*node.path, "Items")
        aws = schema_failed("Expected value of type Array", here)
        message = (
            "Expected a list, found an object: only a distributed Map takes its entries as items."
        )
        report.add("wrong_type", here, message, "Write a list.", aws=aws)


def _check_label(node: Node, labels: dict[str, Path], report: Report) -> None:
    label = node.fields.get("Label")
    if not isinstance(label, str):
        return
    here = (*node.path, "Label")
    if len(label) > LABEL_CHARACTERS_MAX or _LABEL.fullmatch(label) is None:
        aws = diagnostic("INVALID_LABEL_NAME", f"Invalid Label name: {label}", here)
        message = f"The label {shown(label)} is not allowed."
        report.add("invalid_label", here, message, _LABEL_HINT, aws=aws)
        return
    other = labels.setdefault(label, here)
    if other is not here:
        line, _ = report.source.place(other, key=True)
        message = f"There is another label {shown(label)}, in line {line}; labels are used once in a definition."
        aws = diagnostic("DUPLICATE_LABEL_NAME", f"Duplicate Label name: {label}", here)
        report.add("duplicate_label", here, message, "Choose another label.", aws=aws)


def _check_batcher(node: Node, report: Report) -> None:
    batcher = maps.part(node, "ItemBatcher")
    if batcher is not None and not any(name in batcher.fields for name in _SIZES):
        message = "One field is required here: MaxItemsPerBatch or MaxInputBytesPerBatch."
        hint = "Add MaxItemsPerBatch, for example."
        report.add("missing_field", batcher.path, message, hint, key=True)


def _check_writer(node: Node, report: Report) -> None:
    writer = maps.part(node, "ResultWriter")
    if writer is None or not writer.fields:
        return
    call, other = call_names(node)
    if other in writer.fields:
        return  # refused for its language
    exports = {"Resource", call} & writer.fields.keys()
    if len(exports) == 1:
        (absent,) = {"Resource", call} - exports
        message = f"The field {absent} is required here: {next(iter(exports))} goes with it."
        aws = required([absent], writer.path)
        report.add("missing_field", writer.path, message, f"Add {absent}.", key=True, aws=aws)
    elif not exports and "WriterConfig" not in writer.fields:
        message = f"Resource and {call} are required here, or WriterConfig, or all of them."
        report.add(
            "missing_field", writer.path, message, "Add WriterConfig, for example.", key=True
        )
    resource = writer.fields.get("Resource")
    if isinstance(resource, str) and _WRITER.fullmatch(resource) is None:
        here = (*writer.path, "Resource")
        report.add(
            "not_allowed",
            here,
            f"Expected arn:aws:states:::s3:putObject, found {shown(resource)}.",
            aws=schema_failed(
                "The field 'Resource' does not match any of the allowed values. "
                "Examples: [arn:<partition>:states:::s3:putObject]",
                here,
            ),
        )
    check_call(writer, ("Bucket",), node, report)


_NUMBER_PATHS = frozenset(
    {
        "MaxConcurrencyPath", "ToleratedFailureCountPath", "ToleratedFailurePercentagePath",
        "MaxItemsPath", "MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath",
    }
)  # fmt: skip


def _check_paths(node: Node, report: Report) -> None:
    """A number of a Map is not read from the Context Object (measured); ItemsPath is."""
    for path, text in _number_paths(node):
        if text.startswith("$$") and not report.spoiled(path):
            aws: Diagnostic = schema_failed("Value is not a Reference Path", path)
            message = "A number is read from the state's input or a variable, not from the Context Object ($$)."
            report.add("invalid_path", path, message, "Begin the path with a single $.", aws=aws)


def _number_paths(node: Node) -> Iterator[tuple[Path, str]]:
    for path, fields in (maps.Part(node.path, node.fields), *maps.parts(node)):
        for name in sorted(_NUMBER_PATHS & fields.keys()):
            if isinstance(fields[name], str) and not node.jsonata:
                yield (*path, name), fields[name]
