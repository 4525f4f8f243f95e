"""Payload templates: JSON in which members named `key.$` hold a path or an intrinsic function.

https://states-language.net/spec.html#payload-template. Everything else stands for itself, and what holds no expression is
shared between all evaluations, so results must be treated as immutable, as all documents are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.language.expressions.context import context_problems
from engine.language.expressions.faults import (
    ExpressionProblem,
    InvalidExpression,
    SyntaxFault,
    one_line,
    pointer_to,
)
from engine.language.expressions.intrinsics import compile_intrinsic
from engine.language.expressions.paths import NoMatch, Path, parse_path
from engine.language.expressions.scope import ExpressionError, Reader, Scope
from engine.language.expressions.values import json_text

TemplateProblem = ExpressionProblem

Evaluate = Callable[[Any, Scope], Any]


class Template:
    """A compiled template.

    `evaluate(value, scope)` answers the filled-in JSON, or raises ExpressionError. `paths` lists all that reads inside;
    `warnings` what compiles but is bound to fail; `is_static` says that nothing in it is read or computed; `written` is
    what it was compiled from.
    """

    __slots__ = ("evaluate", "is_static", "paths", "warnings", "written")

    def __init__(
        self,
        evaluate: Evaluate,
        paths: tuple[Reader, ...] = (),
        warnings: tuple[ExpressionProblem, ...] = (),
        *,
        is_static: bool = False,
        written: Any = None,
    ) -> None:
        self.evaluate = evaluate
        self.paths = paths
        self.warnings = warnings
        self.is_static = is_static
        self.written = written


def compile_template(document: Any, *, field: str) -> Template:
    """Compile a template, e.g. what `Parameters` holds; `field` is that name.

    Raises InvalidExpression with every problem; the pointers are relative to the document.
    """
    compiler = _Compiler()
    evaluate = compiler.node(document, "", field)
    compiler.raise_problems()
    if evaluate is None:
        return Template(lambda _value, _scope: document, is_static=True, written=document)
    return Template(evaluate, tuple(compiler.paths), tuple(compiler.warnings), written=document)


def compile_value(
    text: Any, *, field: str = "", functions: frozenset[str] | None = None
) -> Template:
    """Compile one path or intrinsic function, as ErrorPath and CausePath hold it.

    `field` is named in the errors; `functions` limits the intrinsic functions allowed. Raises InvalidExpression.
    """
    compiler = _Compiler(functions)
    evaluate = compiler.expression(text, "", field)
    compiler.raise_problems()
    return Template(evaluate, tuple(compiler.paths), tuple(compiler.warnings), written=text)


class _Compiler:
    """Collects problems, warnings and paths while it turns the document into functions."""

    def __init__(self, functions: frozenset[str] | None = None) -> None:
        self.functions = functions
        self.paths: list[Path] = []
        self.problems: list[ExpressionProblem] = []
        self.warnings: list[ExpressionProblem] = []

    def raise_problems(self) -> None:
        if self.problems:
            raise InvalidExpression(self.problems)

    def node(self, node: Any, pointer: str, field: str) -> Evaluate | None:
        """None for a node that holds no expression."""
        if isinstance(node, dict):
            return self.object(node, pointer)
        if isinstance(node, list):
            return self.array(node, pointer, field)
        return None

    def object(self, node: dict[str, Any], pointer: str) -> Evaluate | None:
        static: dict[str, Any] = {}
        dynamic: list[tuple[str, Evaluate]] = []
        for key, member in node.items():
            here, name = pointer_to(pointer, key), key.removesuffix(".$")
            if name == key:
                evaluate = self.node(member, here, key)
            else:
                evaluate = self.expression(member, here, key)
                if name in node:
                    message = f"There should only be one of the following fields: [{name}, {key}]"
                    self.problems.append(ExpressionProblem(pointer, message))
            static[name] = member
            if evaluate is not None:
                dynamic.append((name, evaluate))
        return fill_object(static, dynamic) if dynamic else None

    def array(self, node: list[Any], pointer: str, field: str) -> Evaluate | None:
        compiled = [self.node(e, pointer_to(pointer, at), field) for at, e in enumerate(node)]
        dynamic = [(at, evaluate) for at, evaluate in enumerate(compiled) if evaluate is not None]
        return fill_array(node, dynamic) if dynamic else None

    def expression(self, text: Any, pointer: str, field: str) -> Evaluate:
        message = (
            f"The value for the field '{field}' must be a valid JSONPath "
            "or a valid intrinsic function call"
        )
        if not isinstance(text, str):
            found = f"{message}: it is not a string"
            hint = f"For a constant, name the key {one_line(field.removesuffix('.$'))}."
            self.problems.append(
                ExpressionProblem(pointer, found, hint, aws=message, aws_pointer=_parent(pointer))
            )
            return _nothing
        try:
            if text.startswith("$"):
                path = parse_path(text)
                self.warnings.extend(context_problems(path, pointer))
                return self.path(path, field)
            return self.intrinsic(text, pointer, field)
        except SyntaxFault as fault:
            found = f"{message}: {fault.detail}"
            self.problems.append(
                ExpressionProblem(
                    pointer,
                    found,
                    at=fault.at,
                    unknown=fault.unknown,
                    aws=message,
                    aws_pointer=_parent(pointer),
                )
            )
            return _nothing

    def path(self, path: Path, field: str) -> Evaluate:
        self.paths.append(path)
        find = path.find

        def evaluate(value: Any, scope: Scope) -> Any:
            try:
                return find(value, scope)
            except NoMatch as missing:
                if missing.is_index:
                    return None  # AWS reads past the end of an array as null, here and nowhere else
                raise ExpressionError(
                    f"The JSONPath '{path.text}' specified for the field '{field}' "
                    f"could not be found in the input '{json_text(value)}'"
                ) from None

        return evaluate

    def intrinsic(self, text: str, pointer: str, field: str) -> Evaluate:
        intrinsic = compile_intrinsic(text, functions=self.functions)
        self.paths.extend(intrinsic.paths)
        self.warnings.extend(
            ExpressionProblem(
                pointer, f"{warning} in the field '{field}'", code="intrinsic_arguments"
            )
            for warning in intrinsic.warnings
        )
        for path in intrinsic.paths:
            self.warnings.extend(context_problems(path, pointer, text))
        return intrinsic.evaluate


def _parent(pointer: str) -> str:
    return pointer.rpartition("/")[0]


def _nothing(_value: Any, _scope: Scope) -> None:
    """Stands in for an expression that has a problem; never used."""


def fill_object(static: dict[str, Any], dynamic: list[tuple[str, Evaluate]]) -> Evaluate:
    """The object with some members evaluated, in the order of their keys; the others are shared."""

    def evaluate(value: Any, scope: Scope) -> dict[str, Any]:
        filled = static.copy()
        for name, expression in dynamic:
            filled[name] = expression(value, scope)
        return filled

    return evaluate


def fill_array(static: list[Any], dynamic: list[tuple[int, Evaluate]]) -> Evaluate:
    """The array with some elements evaluated; the others are shared."""

    def evaluate(value: Any, scope: Scope) -> list[Any]:
        filled = static.copy()
        for at, expression in dynamic:
            filled[at] = expression(value, scope)
        return filled

    return evaluate
