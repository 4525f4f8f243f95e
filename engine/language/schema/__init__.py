"""The published JSON Schema of definitions, and what it has to say about a document, in problem codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from engine.language.diagnostics.diagnostic import (
    Diagnostic,
    none_of,
    required,
    schema_failed,
    several_of,
)
from engine.language.document import Node, Scope
from engine.language.expressions.jsonata import is_expression
from engine.language.limits import FAULTS_MAX
from engine.language.report import Report
from engine.language.schema import hints, wording
from engine.language.schema.distributed import check_maps
from engine.language.schema.validator import make_validator
from engine.language.text.source import Path, shown


@cache
def validator() -> Any:
    """The schema, ready to validate; read once."""
    text = files("schemas").joinpath("state-machine.schema.json").read_text(encoding="utf-8")
    return make_validator(json.loads(text))


def check_structure(document: dict[str, Any], scopes: Sequence[Scope], report: Report) -> None:
    """Report fields that are unknown, missing, of the wrong type or out of range."""
    reader = _Reader(
        {node.path: node for scope in scopes for node in scope.states.values()}, report
    )
    faults = [
        Fault(
            rule=str(error.validator),
            value=error.validator_value,
            instance=error.instance,
            known=error.schema.get("properties", {}) if isinstance(error.schema, dict) else {},
            kinds=error.schema.get("type", []) if isinstance(error.schema, dict) else [],
            path=tuple(error.absolute_path),
            in_names="propertyNames" in error.absolute_schema_path,
            takes_expression=isinstance(error.schema, dict) and "pattern" in error.schema,
        )
        for error in islice(validator().iter_errors(document), FAULTS_MAX)
    ]
    # Unknown fields first: a misspelt field must not be reported as missing, too.
    for fault in faults:
        if fault.rule == "additionalProperties":
            reader.unknown(fault)
    for fault in faults:
        translate = _TRANSLATIONS.get(fault.rule)
        # Keywords about fields hold of anything that is no object; some report it all the same.
        applies = fault.rule not in _ABOUT_FIELDS or isinstance(fault.instance, dict)
        if translate is not None and applies:
            translate(reader, fault)
    check_maps(scopes, report)


@dataclass(frozen=True, slots=True)
class Fault:
    """What a schema error says that matters here."""

    rule: str  # the keyword that failed
    value: Any  # what the schema says under that keyword
    instance: Any  # what is in the document
    known: dict[str, Any]  # the fields that an object may have there
    kinds: str | list[str]  # the JSON types that the value may have there
    path: Path
    in_names: bool  # `instance` is a key of the object at `path`
    takes_expression: bool  # the only text that may stand there is a JSONata expression


class _Reader:
    """Translates schema errors; keeps what earlier ones make unnecessary to say."""

    def __init__(self, nodes: dict[Path, Node], report: Report) -> None:
        self.nodes = nodes
        self.report = report
        self.meant: dict[Path, set[str]] = {}  # fields that an unknown field probably stands for

    def node(self, path: Path) -> Node | None:
        """The innermost state around `path`."""
        for length in range(len(path), 1, -1):
            found = self.nodes.get(path[:length])
            if found is not None:
                return found
        return None

    def unknown(self, fault: Fault) -> None:
        known = fault.known
        for name in fault.instance:
            if name in known:
                continue
            self.unknown_field(name, fault.path, known, self.node(fault.path))

    def unknown_field(self, name: str, path: Path, known: Iterable[str], node: Node | None) -> None:
        near = self.report.nearest(name, known)
        if near is not None:
            self.meant.setdefault(path, set()).add(near)
        hint = f"Did you mean {near}?" if near else ""
        where = f"a {node.type} state" if node is not None and node.path == path else "this object"
        message = f"The field {shown(name)} is not supported in {where}."
        aws = schema_failed(f"Field '{name}' is not supported", path)
        self.report.add("unknown_field", (*path, name), message, hint, key=True, aws=aws)

    def missing(self, fault: Fault) -> None:
        missing = [name for name in fault.value if name not in fault.instance]
        if missing == ["Variable"] and self.in_jsonata(fault.path):
            return  # the rule lacks its Condition, which is said where operators are asked for
        aws = self.aws_missing(missing, fault)
        for name in missing:
            if name in self.meant.get(fault.path, ()):
                self.report.also(fault.path, aws, cause="unknown_field")
                continue
            message = f"The field {name} is required here."
            hint = f"Add {name}."
            self.report.add("missing_field", fault.path, message, hint, key=True, aws=aws)

    def in_jsonata(self, path: Path) -> bool:
        node = self.node(path)
        return node is not None and node.jsonata

    def aws_missing(self, names: list[str], fault: Fault) -> Diagnostic:
        if names == ["Variable"]:
            return wording.rule(fault.instance, fault.path)
        return wording.state_type(fault.path) if "Type" in names else required(names, fault.path)

    def one_of(self, fault: Fault) -> None:
        """Exactly one field of several."""
        names = [alternative["required"][0] for alternative in fault.value]
        present = [name for name in names if _is_there(name, fault.instance)]
        aws = self.aws_one_of(names, fault, none=not present)
        if len(present) > 1:
            self.exclusive(fault.path, present, aws)
        elif present:
            return
        elif self.meant.get(fault.path, set()) & set(names):
            self.report.also(fault.path, aws, cause="unknown_field")
        elif names[0] == "And" and self.in_jsonata(fault.path):
            message, hint = "The field Condition is required here.", "Add Condition: '{% ... %}'."
            self.report.add("missing_field", fault.path, message, hint, key=True, aws=aws)
        else:
            listed = (
                _listed(names)
                if len(names) < 10
                else "a comparison such as StringEquals, or And, Or, Not"
            )
            message = f"One field is required here: {listed}."
            hint = hints.ADD_ONE.get(names[0], "Add one of them.")
            self.report.add("missing_field", fault.path, message, hint, key=True, aws=aws)

    def aws_one_of(self, names: list[str], fault: Fault, *, none: bool) -> Diagnostic:
        if names[0] == "And":
            return wording.rule(fault.instance, fault.path)
        if names[0] == "Seconds":
            is_jsonata = self.in_jsonata(fault.path)
            names = ["Seconds", "Timestamp"] if is_jsonata else wording.WAIT_FIELDS
        return (none_of if none else several_of)(names, fault.path)

    def exclusive(self, path: Path, names: list[str], aws: Diagnostic) -> None:
        message = f"Only one of these fields may stand here: {', '.join(names)}."
        last = max(names, key=lambda name: self.report.source.place((*path, name), key=True))
        hint = "Remove all but one."
        self.report.add("exclusive_fields", (*path, last), message, hint, key=True, aws=aws)

    def refused(self, fault: Fault) -> None:
        """Fields that may not stand together (`not: {required: [...]}`)."""
        names = fault.value["required"]
        if len(names) > 1:
            self.exclusive(fault.path, names, several_of(names, fault.path))
            return
        message = f"The field {names[0]} does not go with And, Or or Not."
        here, hint = (*fault.path, names[0]), f"Remove {names[0]}."
        self.report.add(
            "exclusive_fields",
            here,
            message,
            hint,
            key=True,
            aws=wording.rule(fault.instance, fault.path),
        )

    def wrong_type(self, fault: Fault) -> None:
        if fault.in_names:
            return  # of a search attribute, of which more is said where its path is read
        kinds = [fault.kinds] if isinstance(fault.kinds, str) else list(fault.kinds)
        if fault.takes_expression:
            kinds.remove("string")  # it would have to be an expression, and is not
        expected = " or ".join(_KINDS[kind] for kind in kinds)
        message = f"Expected {expected}, found {kind_of(fault.instance)}."
        hint = hints.for_type(kinds, fault.instance, fault.path, self.report.source.format)
        is_scalar = hints.SCALARS.issuperset(kinds)
        if not (is_scalar and self.report.settle_ambiguous(fault.path, hint)):
            aws = wording.wrong_type(
                kinds, fault.instance, fault.path, jsonata=self.in_jsonata(fault.path)
            )
            self.report.add("wrong_type", fault.path, message, hint, aws=aws)

    def limit(self, fault: Fault) -> None:
        word = "at least" if fault.rule == "minimum" else "at most"
        message = f"The number must be {word} {fault.value}; found {fault.instance}."
        aws = wording.limit(fault.rule, fault.value, fault.path)
        self.report.add("out_of_range", fault.path, message[:200], aws=aws)

    def empty(self, fault: Fault) -> None:
        what = "list" if fault.rule == "minItems" else "object"
        name = next((step for step in reversed(fault.path) if isinstance(step, str)), "")
        hint = hints.FILL.get(name, f"Fill the {what}, or remove {name}.")
        message = f"The {what} must not be empty."
        aws = schema_failed("Value cannot be empty", fault.path)
        self.report.add("empty", fault.path, message, hint, aws=aws)

    def length(self, fault: Fault) -> None:
        if fault.in_names:
            here = (*fault.path, fault.instance)
            found = len(fault.instance)
            message = f"A state name has 1 to 80 characters; this one has {found}."
            hint = "Choose another name."
            self.report.add("invalid_state_name", here, message, hint, key=True)
            return
        if fault.path[-1:] == ("Label",):
            return  # more is said of labels where all of them are looked at
        if is_expression(fault.instance):
            return  # what it comes to is what must not be long
        message = (
            f"The text has {len(fault.instance)} characters; at most {fault.value} are allowed."
        )
        self.report.add("too_long", fault.path, message, "Shorten it.")

    def choice(self, fault: Fault) -> None:
        """A value out of a few."""
        value, allowed = fault.instance, fault.value
        found = shown(value) if isinstance(value, str) else kind_of(value)
        hint = self.report.did_you_mean(value, allowed) if isinstance(value, str) else ""
        is_type = fault.path[-1:] == ("Type",)
        message = f"Expected {_listed(allowed)}, found {found}."
        code = "unknown_state_type" if is_type else "not_allowed"
        aws = (
            wording.state_type(fault.path[:-1])
            if is_type
            else wording.choice(fault.instance, fault.value, fault.path)
        )
        self.report.add(code, fault.path, message, hint, aws=aws)


def _is_there(name: str, written: dict[str, Any]) -> bool:
    """`End: false` counts as absent, as on AWS."""
    return name in written and (name != "End" or written[name] is not False)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


_KINDS = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def kind_of(value: Any) -> str:
    """What a JSON value is, for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {value}"[:60]
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


_ABOUT_FIELDS = frozenset({"required", "oneOf", "not"})
_TRANSLATIONS: dict[str, Callable[[_Reader, Fault], None]] = {
    "required": _Reader.missing,
    "oneOf": _Reader.one_of,
    "not": _Reader.refused,
    "type": _Reader.wrong_type,
    "pattern": _Reader.wrong_type,
    "minimum": _Reader.limit,
    "maximum": _Reader.limit,
    "minItems": _Reader.empty,
    "minProperties": _Reader.empty,
    "minLength": _Reader.length,
    "maxLength": _Reader.length,
    "enum": _Reader.choice,
}
