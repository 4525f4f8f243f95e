"""Reads the fields of one state, compiling the expressions among them.

A field that is absent, or whose type the schema has refused already, reads as None. What cannot be compiled is
reported and reads as None, too; the caller never has to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from typing import Any, Self, TypeVar

from msgspec.structs import replace

from engine.language.diagnostics.diagnostic import AwsCode, Diagnostic, diagnostic, schema_failed
from engine.language.document import Node
from engine.language.expressions.conditions import compile_condition
from engine.language.expressions.context import context_problems
from engine.language.expressions.faults import (
    ExpressionProblem,
    InvalidExpression,
    SyntaxFault,
)
from engine.language.expressions.functions import FUNCTIONS
from engine.language.expressions.paths import Path as JsonPath
from engine.language.expressions.paths import ReferencePath, parse_path, parse_reference_path
from engine.language.expressions.scope import Reader
from engine.language.expressions.templates import Template, compile_template, compile_value
from engine.language.expressions.timestamps import is_timestamp
from engine.language.machine import DISCARD, Catcher, Discard, Number, Retrier, Rule
from engine.language.report import Report
from engine.language.text.source import Path, path_of, pointer_of, shown

_P = TypeVar("_P", bound=JsonPath)

# AWS allows these seven in ErrorPath and CausePath.
_FAIL_FUNCTIONS = frozenset(
    f"States.{name}"
    for name in (
        "Format", "JsonToString", "ArrayGetItem", "Base64Encode", "Base64Decode", "Hash", "UUID",
    )
)  # fmt: skip


class Fields:
    """The fields of one state in JSONPath, and what its expressions read, so far."""

    def __init__(self, node: Node, report: Report) -> None:
        self.node = node
        self.written = node.fields
        self.at = node.path  # of the object that `written` is
        self.place = ""  # the same inside the state, as AWS writes it, with a "/" behind
        self.report = report
        self.readers: list[Reader] = []

    def inside(self, name: str) -> Self | None:
        """The fields of the object that stands in field `name`; what they read counts as the state's."""
        written = self.written.get(name)
        if not isinstance(written, dict):
            return None
        inner = copy(self)
        inner.written, inner.at = written, (*self.at, name)
        inner.place = f"{self.place}{name}/"
        return inner

    @property
    def pointer(self) -> str:
        """The state's JSON pointer."""
        return pointer_of(self.node.path)

    def text(self, name: str) -> str | None:
        value = self.written.get(name)
        return value if isinstance(value, str) else None

    def whole(self, name: str) -> int | None:
        """A whole number; JSON may write it 5.0."""
        return whole(self.written.get(name))

    def number(self, name: str) -> Number:
        """The number in field `name`, or the path in `<name>Path`."""
        number = self.whole(name)
        return self.reference(f"{name}Path") if number is None else number

    def percentage(self, name: str) -> Number | float:
        """The same where fractions count."""
        value = self.written.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        return self.reference(f"{name}Path")

    def arguments(self) -> Template | None:
        """What the work is given."""
        return self.template("Parameters")

    def output(self) -> Template | None:
        """What is handed on, where it is an expression."""
        return None

    def assign(self) -> Template | None:
        return self._assign(self.written, self.node.path)

    def selector(self) -> Template | None:
        """ItemSelector, or its older name."""
        selector, older = self.template("ItemSelector"), self.template("Parameters")
        return older if selector is None else selector

    def payload(self, name: str) -> Template | None:
        """A value of the author's, in which expressions may stand."""
        return self.template(name)

    def items(self, *, distributed: bool = False) -> Template | None:  # noqa: ARG002
        """A Map's items, where they are an expression; a distributed Map takes an object, too."""
        return None

    def failure(self, name: str) -> str | Template | None:
        """A Fail state's Error or Cause."""
        text = self.text(name)
        return self.expression(f"{name}Path") if text is None else text

    def timestamp(self) -> str | JsonPath | Template | None:
        """A Wait's moment."""
        text = self.text("Timestamp")
        if text is None:
            return self.reference("TimestampPath")
        here = (*self.node.path, "Timestamp")
        if not is_timestamp(text) and not self.report.spoiled(here):
            message = f"{shown(text)} does not match RFC 3339."
            hint = "Write it like 2026-11-22T10:00:00Z: upper-case T, and Z or an offset."
            aws = schema_failed("String does not match RFC3339 timestamp", here)
            self.report.add("invalid_timestamp", here, message, hint, aws=aws)
        return text

    def rule(self, number: int, path: Path, written: dict[str, Any]) -> Rule | None:  # noqa: ARG002
        """A rule of Choices, the `number`-th from 0."""
        try:
            condition = compile_condition(written)
        except InvalidExpression as error:
            self.refuse("invalid_condition", path, written, error.problems)
            return None
        self.readers.extend(condition.paths)
        self.warn(path, written, condition.warnings)
        assign = self._assign(written, path)
        return Rule(condition=condition, next=str(written.get("Next")), assign=assign)

    def path(self, name: str) -> JsonPath | Discard | None:
        """InputPath and OutputPath."""
        return self._path(self.written, name, self.at, parse_path)

    def reference(self, name: str) -> JsonPath | None:
        """A path that addresses one value."""
        found = self._path(self.written, name, self.at, parse_reference_path)
        return found if isinstance(found, JsonPath) else None

    def result_path(self) -> ReferencePath | Discard | None:
        return self._result_path(self.written, self.node.path)

    def template(self, name: str) -> Template | None:
        """A payload template."""
        return self._template(self.written, name, self.at)

    def _assign(self, written: dict[str, Any], path: Path) -> Template | None:
        return self._template(written, "Assign", path)

    def _template(self, written: dict[str, Any], name: str, path: Path) -> Template | None:
        document = written.get(name)
        if not isinstance(document, dict | list):
            return None
        here = (*path, name)
        try:
            template = compile_template(document, field=name)
        except InvalidExpression as error:
            self.refuse("invalid_template", here, document, error.problems)
            return None
        return self._read(template, here, document)

    def expression(self, name: str) -> Template | None:
        """ErrorPath and CausePath: a path or one of seven functions."""
        text = self.text(name)
        if text is None:
            return None
        here = (*self.node.path, name)
        try:
            template = compile_value(text, field=name, functions=_FAIL_FUNCTIONS)
        except InvalidExpression as error:
            problems = [replace(each, aws=_NO_PATH, aws_pointer=None) for each in error.problems]
            self.refuse("invalid_template", here, text, problems)
            return None
        return self._read(template, here, text)

    def retry(self) -> tuple[Retrier, ...]:
        return tuple(_retrier(entry) for _, entry in self.node.entries("Retry"))

    def catch(self) -> tuple[Catcher, ...]:
        return tuple(
            self.catcher(number, path, entry)
            for number, (path, entry) in enumerate(self.node.entries("Catch"))
        )

    def catcher(self, number: int, path: Path, written: dict[str, Any]) -> Catcher:  # noqa: ARG002
        """An entry of Catch, the `number`-th from 0."""
        return Catcher(
            error_equals=error_names(written),
            next=str(written.get("Next")),
            result_path=self._result_path(written, path),
            assign=self._assign(written, path),
        )

    def refuse(
        self, code: str, path: Path, document: Any, problems: Iterable[ExpressionProblem]
    ) -> None:
        """Report what an expression compiler found, unless the schema has said so already."""
        for problem in problems:
            inner = path_of(problem.pointer, document)
            here = (*path, *inner)
            if not self.report.spoiled(here):
                hint = problem.hint or self.hint(problem, _at(document, inner))
                message = problem.message.removesuffix(".") + "."
                aws = _aws(problem, path, document)
                self.report.add(problem.code or code, here, message, hint, at=problem.at, aws=aws)

    def hint(self, problem: ExpressionProblem, text: Any) -> str:
        """What to do about a problem with an expression that stands in `text`."""
        if problem.unknown:
            return self.report.did_you_mean(problem.unknown, FUNCTIONS)
        if problem.at is None or not isinstance(text, str) or text.startswith("States."):
            return ""
        return _path_hint(text)

    def warn(self, path: Path, document: Any, warnings: Iterable[ExpressionProblem]) -> None:
        """Report what compiles, but is bound to fail."""
        for warning in warnings:
            here = (*path, *path_of(warning.pointer, document))
            message, hint = f"{warning.message}.", warning.hint or ""
            self.report.add(warning.code, here, message, hint, at=warning.at)

    def reads(self, *prefix: str) -> bool:
        """Whether an expression compiled so far can read that part of the Context Object."""
        return any(reader.reads_context(*prefix) for reader in self.readers)

    def variables(self) -> frozenset[str]:
        """The names of the variables that the expressions compiled so far read."""
        return frozenset().union(*(reader.variables for reader in self.readers))

    def _read(self, template: Template, path: Path, document: Any) -> Template:
        self.readers.extend(template.paths)
        self.warn(path, document, template.warnings)
        return template

    def _result_path(self, written: dict[str, Any], path: Path) -> ReferencePath | Discard | None:
        found = self._path(written, "ResultPath", path, parse_reference_path, reads=False)
        if isinstance(found, ReferencePath) and found.root != "$":
            here = (*path, "ResultPath")
            what = "The Context Object ($$)" if found.root == "$$" else "A variable"
            hint = "Begin the path with a single $."
            hint += " Assign sets variables." * (found.root != "$$")
            aws = schema_failed(_NO_REFERENCE, here)
            self.report.add("invalid_path", here, f"{what} cannot be written to.", hint, aws=aws)
            return None
        return found

    def _path(
        self,
        written: dict[str, Any],
        name: str,
        path: Path,
        parse: Callable[[str], _P],
        *,
        reads: bool = True,
    ) -> _P | Discard | None:
        """`reads`: the path takes part in what the state reads."""
        if name in written and written[name] is None:
            return DISCARD
        text = written.get(name)
        if not isinstance(text, str):
            return None
        try:
            found = parse(text)
        except SyntaxFault as fault:
            here, is_any = (*path, name), parse is parse_path or not text.startswith("$")
            aws = schema_failed(_NO_PATH if is_any else _NO_REFERENCE, here)
            hint = _path_hint(text)
            self.report.add("invalid_path", here, f"{fault}.", hint, at=fault.at, aws=aws)
            return None
        if reads:
            self.readers.append(found)
            self.warn((*path, name), text, context_problems(found, ""))
        return found


_NO_PATH = "Value must be a valid JSONPath."
_NO_REFERENCE = "Value is not a Reference Path"

_JSONATA_CODES: dict[str, AwsCode] = {
    "invalid_jsonata": "INVALID_JSONATA_EXPRESSION",
    "unsupported_jsonata": "UNSUPPORTED_JSONATA_EXPRESSION",
    "unknown_states_field": "UNSUPPORTED_JSONATA_EXPRESSION",
}


def _aws(problem: ExpressionProblem, path: Path, document: Any) -> Diagnostic | None:
    """A problem with an expression in AWS's words; those with JSONata have no others."""
    pointer = problem.pointer if problem.aws_pointer is None else problem.aws_pointer
    here = (*path, *path_of(pointer, document))
    if problem.code in _JSONATA_CODES:
        return diagnostic(_JSONATA_CODES[problem.code], problem.message, here)
    return schema_failed(problem.aws, here) if problem.aws else None


def _path_hint(text: str) -> str:
    if text.startswith("States."):
        return "Intrinsic functions go into Parameters, ResultSelector or ItemSelector."
    if text.startswith("{%"):
        return "Write a path such as $.order, or set QueryLanguage: JSONata on the state."
    if not text.startswith("$"):
        named = all(part.isidentifier() for part in text.split("."))
        return f"Write $.{text}" if named and len(text) <= 80 else "A path begins with $."
    return ""


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def whole(value: Any) -> int | None:
    """A whole number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == int(value) else None


def error_names(entry: dict[str, Any]) -> frozenset[str]:
    """What an ErrorEquals lists."""
    names = entry.get("ErrorEquals")
    return (
        frozenset(name for name in names if isinstance(name, str))
        if isinstance(names, list)
        else frozenset()
    )


def _retrier(entry: dict[str, Any]) -> Retrier:
    """A Retrier with the specification's defaults."""
    rate = entry.get("BackoffRate", 2.0)
    interval, attempts = whole(entry.get("IntervalSeconds")), whole(entry.get("MaxAttempts"))
    return Retrier(
        error_equals=error_names(entry),
        interval_seconds=1 if interval is None else interval,
        attempts_max=3 if attempts is None else attempts,
        backoff_rate=float(rate) if isinstance(rate, int | float) else 2.0,
        delay_seconds_max=whole(entry.get("MaxDelaySeconds")),
        jitter_full=entry.get("JitterStrategy") == "FULL",
    )
