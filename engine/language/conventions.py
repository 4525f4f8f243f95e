"""Rules about the fields of one state that a schema cannot tell, and the warnings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from engine.language.diagnostics.diagnostic import UNCLOSED, schema_failed, warning
from engine.language.document import Node, Scope, is_distributed
from engine.language.expressions.jsonata import is_expression
from engine.language.fields import whole
from engine.language.report import Report
from engine.language.schema.maps import parts
from engine.language.text.source import Path, shown

RESERVED_ERRORS = (
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
    "States.Http.Socket",
)
OWN_ERRORS = ("Detent.Cancelled", "Detent.NestedTooDeep", "Detent.SignalInvalid")
_OWN_ENDS = [name.removeprefix("Detent.") for name in OWN_ERRORS]
_RESERVED_ENDS = [name.removeprefix("States.") for name in RESERVED_ERRORS]
_TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector")
_PART_TEMPLATES = ("Parameters", "BatchInput")  # of ItemReader, ItemBatcher and ResultWriter


def check_states(scopes: Iterable[Scope], report: Report) -> None:
    """Report misplaced States.ALL, heartbeats that come too late, and what is probably not meant as it is written."""
    for scope in scopes:
        for node in scope.states.values():
            for name in ("Retry", "Catch"):
                _check_errors(node, name, report)
            if node.type == "Task":
                _check_task(node, report)
            if node.type == "Map" and not is_distributed(node):
                _check_tolerance(node, report)
            if node.jsonata:
                _check_jsonata(node, report)
            else:
                _check_templates(node, report)


def _check_errors(node: Node, field: str, report: Report) -> None:
    entries = list(node.entries(field))
    for place, (path, entry) in enumerate(entries):
        names = entry.get("ErrorEquals")
        if not isinstance(names, list):
            continue
        here = (*path, "ErrorEquals")
        if "States.ALL" in names and (len(names) > 1 or place < len(entries) - 1):
            message = "States.ALL must appear alone and at the end of the list."
            hint = f"Give it an entry of its own, the last of {field}."
            aws = schema_failed("States.ALL must appear alone and at end of list", here)
            place_of_name = (*here, names.index("States.ALL"))
            report.add("states_all_placement", place_of_name, message, hint, aws=aws)
        for index, name in enumerate(names):
            if isinstance(name, str):
                _check_error_name((*here, index), name, report)


def _check_error_name(path: Path, name: str, report: Report) -> None:
    if name == "States.Runtime":
        message = "States.Runtime ends the execution at once; no Retry or Catch ever sees it."
        report.add("uncatchable_error", path, message, "Remove it.")
    elif name.startswith("Detent.") and name not in OWN_ERRORS:
        near = report.nearest(name.removeprefix("Detent."), _OWN_ENDS)
        if near is not None:
            message = f"{shown(name)} is none of the reserved error names."
            report.add("unknown_error_name", path, message, f"Did you mean Detent.{near}?")
    elif name.startswith("States.") and name not in RESERVED_ERRORS:
        near = report.nearest(name.removeprefix("States."), _RESERVED_ENDS)
        if near is not None:
            message = f"{shown(name)} is none of the reserved error names."
            report.add("unknown_error_name", path, message, f"Did you mean States.{near}?")


def _check_task(node: Node, report: Report) -> None:
    timeout = whole(node.fields.get("TimeoutSeconds"))
    heartbeat = whole(node.fields.get("HeartbeatSeconds"))
    if timeout is not None and heartbeat is not None and heartbeat >= timeout:
        message = (
            f"HeartbeatSeconds ({heartbeat}) has to be smaller than TimeoutSeconds ({timeout})."
        )
        report.add("heartbeat_not_below_timeout", (*node.path, "HeartbeatSeconds"), message)
    if "Credentials" in node.fields:
        _check_credentials(node, report)


def _check_credentials(node: Node, report: Report) -> None:
    path, credentials = (*node.path, "Credentials"), node.fields["Credentials"]
    resource = node.fields.get("Resource")
    if isinstance(resource, str) and _ACTIVITY.match(resource):
        message = "Credentials are not supported in a task of an activity."
        aws = schema_failed("The field 'Credentials' is not supported for activities", path)
        report.add("unknown_field", path, message, "Remove it.", key=True, aws=aws)
    elif isinstance(credentials, dict) and not {"RoleArn", "RoleArn.$"} & credentials.keys():
        message = "The field RoleArn is required here."
        aws = schema_failed("The field 'RoleArn' is required but was missing", path)
        report.add("missing_field", path, message, "Add RoleArn.", key=True, aws=aws)
    else:
        message = "Credentials have no effect here: there are no AWS roles to assume."
        report.add("credentials_ignored", path, message, key=True)


_ACTIVITY = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:activity:")


def _check_tolerance(node: Node, report: Report) -> None:
    for name in node.fields:
        if name.startswith("ToleratedFailure"):
            message = f"{name} has no effect: an inline Map fails with its first failed iteration."
            hint = "Catch errors inside the processor, or remove it."
            report.add("tolerance_ignored", (*node.path, name), message, hint, key=True)


def _check_templates(node: Node, report: Report) -> None:
    places = [(node.path, node.fields, name) for name in _TEMPLATES]
    places += [(path, fields, name) for path, fields in parts(node) for name in _PART_TEMPLATES]
    for place, fields, name in places:
        for path, key, text in _texts(fields.get(name), (*place, name)):
            if text.startswith("{%") and text.endswith("%}"):
                message = "In JSONPath mode {% ... %} is plain text."
                report.add(
                    "jsonata_is_text", path, message, "Write a path or an intrinsic function."
                )
            elif not key.endswith(".$") and _looks_like_path(text):
                message = f"The value is taken as the plain text {shown(text)}."
                hint = f"If it is meant as an expression, name the key {key}.$"
                aws = warning("NO_DOLLAR", _NO_DOLLAR, path)
                report.add("looks_like_path", path, message, hint if key else _IN_LIST, aws=aws)
    if node.type == "Pass":
        _check_result(node, report)
    for name in ("Error", "Cause") if node.type == "Fail" else ():
        written = node.fields.get(name)
        if isinstance(written, str) and _looks_like_path(written):
            message = f"The value is taken as the plain text {shown(written)}."
            here = (*node.path, name)
            aws = warning("NO_PATH", _NO_PATH, here)
            report.add(
                "looks_like_path", here, message, f"If it is meant, write {name}Path.", aws=aws
            )


# AWS documents what these codes mean; the wording of its messages is not known.
_NO_DOLLAR = "No .$ on a field that appears to be a JSONPath or Intrinsic Function."
_NO_PATH = "Field value looks like a path, but field name does not end with 'Path'."
_STATIC = "Attempt to use a path in the result of a pass state."


def _check_result(node: Node, report: Report) -> None:
    for path, key, text in _texts(node.fields.get("Result"), (*node.path, "Result")):
        aws = warning("PASS_RESULT_IS_STATIC", _STATIC, path)
        if key.endswith(".$"):
            message = f"Result is copied as it stands, the key {shown(key)} included."
            report.add("result_is_static", path, message, "Use Parameters.", key=True, aws=aws)
        elif _looks_like_path(text):
            message = f"Result is copied as it stands: {shown(text)} is plain text in it."
            report.add("result_is_static", path, message, "Use Parameters.", aws=aws)


_EXPRESSIONS = (
    "Arguments",
    "Output",
    "Assign",
    "Items",
    "ItemSelector",
    "Error",
    "Cause",
    "BatchInput",
)


def _check_jsonata(node: Node, report: Report) -> None:
    """Warn of text that was probably meant as an expression."""
    places = [(node.path, node.fields), *node.entries("Choices"), *node.entries("Catch")]
    places += parts(node)
    for place, fields in places:
        for name in _EXPRESSIONS:
            for path, _, text in _texts(fields.get(name), (*place, name)):
                if is_expression(text):
                    continue
                if text.startswith("{%"):
                    message = "The text opens with {% but does not close with %}."
                    aws = schema_failed(UNCLOSED, path)
                    report.add("invalid_jsonata", path, message, _WHOLE, aws=aws)
                elif "{%" in text or _STARTS.match(text):
                    message = f"The value is taken as the plain text {shown(text)}."
                    report.add("looks_like_expression", path, message, _WHOLE)


_WHOLE = "An expression is all of the text: it opens with {% and closes with %}."
_STARTS = re.compile(r"\$states\b|\$\$?[.\[]")

_IN_LIST = (
    "Inside a list there are no expressions; use States.Array(...) under a key that ends in .$"
)


def _looks_like_path(text: str) -> bool:
    return text.startswith(("$.", "$$.", "$[", "States.")) and (text[0] == "$" or "(" in text)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Every text inside: its path, the key it stands under ("" in a list), the text. Not recursive: nesting is bounded, aliases repeat."""
    waiting: list[tuple[Path, str, Any]] = [(path, "", value)]
    while waiting:
        here, key, part = waiting.pop()
        if isinstance(part, str):
            yield here, key, part
        elif isinstance(part, dict):
            waiting.extend(((*here, name), name, inner) for name, inner in part.items())
        elif isinstance(part, list):
            waiting.extend(((*here, index), "", inner) for index, inner in enumerate(part))
