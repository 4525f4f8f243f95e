"""Reads the fields of one state in JSONata: the same questions as `Fields` answers for JSONPath."""

from __future__ import annotations

from typing import Any

from engine.language.expressions.conditions import condition_of
from engine.language.expressions.faults import ExpressionProblem, InvalidExpression
from engine.language.expressions.jsonata import (
    Kind,
    compile_jsonata,
    compile_typed,
    is_expression,
)
from engine.language.expressions.paths import Path as JsonPath
from engine.language.expressions.templates import Template
from engine.language.fields import Fields, error_names
from engine.language.machine import Catcher, Number, Rule
from engine.language.schema import hints
from engine.language.text.source import Path

# What `$states` has in a field; https://states-language.net/spec.html#reserved-variable-states.
_GIVEN = frozenset({"input", "context"})
_DONE = _GIVEN | {"result"}
_FAILED = _GIVEN | {"errorOutput"}
_WITH_RESULT = frozenset({"Task", "Parallel", "Map"})


class JsonataFields(Fields):
    """The fields of one state in JSONata."""

    def number(self, name: str) -> Number:
        number = self.whole(name)
        return self._typed(name, "integer") if number is None else number

    def percentage(self, name: str) -> Number | float:
        value = self.written.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        return self._typed(name, "number")

    def arguments(self) -> Template | None:
        return self.payload("Arguments")

    def output(self) -> Template | None:
        return self._any(self.written, "Output", self.node.path, "Output", self._left())

    def assign(self) -> Template | None:
        return self._any(self.written, "Assign", self.node.path, "Assign", self._left())

    def selector(self) -> Template | None:
        return self._any(self.written, "ItemSelector", self.node.path, "ItemSelector", _GIVEN)

    def payload(self, name: str) -> Template | None:
        return self._any(self.written, name, self.at, f"{self.place}{name}", _GIVEN)

    def items(self, *, distributed: bool = False) -> Template | None:
        return self._typed("Items", "array or object" if distributed else "array")

    def failure(self, name: str) -> str | Template | None:
        text = self.text(name)
        return self._typed(name, "string") if is_expression(text) else text

    def timestamp(self) -> str | JsonPath | Template | None:
        if is_expression(self.written.get("Timestamp")):
            return self._typed("Timestamp", "timestamp")
        return super().timestamp()

    def rule(self, number: int, path: Path, written: dict[str, Any]) -> Rule | None:
        field = f"Choices[{number}]"
        condition = self._compiled(
            written, "Condition", path, f"{field}/Condition", _GIVEN, "boolean"
        )
        output = self._any(written, "Output", path, f"{field}/Output", _GIVEN)
        assign = self._any(written, "Assign", path, f"{field}/Assign", _GIVEN)
        if condition is None:
            return None
        target = str(written.get("Next"))
        return Rule(condition=condition_of(condition), next=target, output=output, assign=assign)

    def catcher(self, number: int, path: Path, written: dict[str, Any]) -> Catcher:
        field = f"Catch[{number}]"
        return Catcher(
            error_equals=error_names(written),
            next=str(written.get("Next")),
            output=self._any(written, "Output", path, f"{field}/Output", _FAILED),
            assign=self._any(written, "Assign", path, f"{field}/Assign", _FAILED),
        )

    def hint(self, problem: ExpressionProblem, text: Any) -> str:  # noqa: ARG002
        return hints.PLACEHOLDER if isinstance(text, str) and "${" in text else ""

    def _left(self) -> frozenset[str]:
        return _DONE if self.node.type in _WITH_RESULT else _GIVEN

    def _typed(self, name: str, kind: Kind) -> Template | None:
        return self._compiled(self.written, name, self.at, f"{self.place}{name}", _GIVEN, kind)

    def _any(
        self,
        written: dict[str, Any],
        name: str,
        path: Path,
        field: str,
        available: frozenset[str],
    ) -> Template | None:
        return self._compiled(written, name, path, field, available, None)

    def _compiled(
        self,
        written: dict[str, Any],
        name: str,
        path: Path,
        field: str,
        available: frozenset[str],
        kind: Kind | None,
    ) -> Template | None:
        """`name` is the key in `written`, which lies at `path`; `field` is what AWS calls the place."""
        if name not in written:
            return None
        document, here = written[name], (*path, name)
        try:
            template = (
                compile_jsonata(document, field=field, available=available)
                if kind is None
                else compile_typed(document, field=field, available=available, kind=kind)
            )
        except InvalidExpression as error:
            self.refuse("invalid_jsonata", here, document, error.problems)
            return None
        return self._read(template, here, document)
