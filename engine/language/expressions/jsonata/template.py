"""JSON with JSONata expressions in it, and fields that have to yield one kind of value.

A string that is an expression stands for its value; everything else stands for itself and is shared between all
evaluations. Keys are never expressions.
"""

from __future__ import annotations

from typing import Any

from engine.language.expressions.faults import ExpressionProblem, InvalidExpression, pointer_to
from engine.language.expressions.jsonata.evaluate import Evaluate, evaluator
from engine.language.expressions.jsonata.expression import (
    Expression,
    compile_expression,
    is_expression,
)
from engine.language.expressions.jsonata.kinds import Kind, check
from engine.language.expressions.scope import Scope
from engine.language.expressions.templates import Template, fill_array, fill_object


def compile_jsonata(document: Any, *, field: str, available: frozenset[str]) -> Template:
    """Compile any JSON; every string in it that `is_expression` is evaluated.

    `field` is how AWS names the place, such as `Choices[1]/Condition`; `available` are the members that `$states` has
    there. The template's `evaluate(value, scope)` takes `$states` without its context. Raises InvalidExpression with
    every problem; the pointers are relative to the document.
    """
    compiler = _Compiler(available)
    evaluate = compiler.node(document, "", field)
    if compiler.problems:
        raise InvalidExpression(compiler.problems)
    if evaluate is None:
        return Template(lambda _value, _scope: document, is_static=True, written=document)
    return Template(evaluate, tuple(compiler.expressions), written=document)


def compile_typed(value: Any, *, field: str, available: frozenset[str], kind: Kind) -> Template:
    """Compile a field that has to yield a `kind`; what an expression yields is checked at run time.

    An integer comes as int, a timestamp as the text. What is no expression is not checked. Raises InvalidExpression.
    """
    template = compile_jsonata(value, field=field, available=available)
    if not is_expression(value):
        return template
    (expression,) = template.paths
    assert isinstance(expression, Expression)
    evaluate = template.evaluate

    def checked(value: Any, scope: Scope) -> Any:
        return check(evaluate(value, scope), kind, expression, field)

    return Template(checked, template.paths, written=value)


class _Compiler:
    """Collects expressions and problems while it turns the document into functions."""

    def __init__(self, available: frozenset[str]) -> None:
        self.available = available
        self.expressions: list[Expression] = []
        self.problems: list[ExpressionProblem] = []

    def node(self, node: Any, pointer: str, place: str) -> Evaluate | None:
        """None for a node that holds no expression."""
        if isinstance(node, dict):
            members = (
                (key, self.node(member, pointer_to(pointer, key), f"{place}/{key}"))
                for key, member in node.items()
            )
            named = [(key, evaluate) for key, evaluate in members if evaluate is not None]
            return fill_object(node, named) if named else None
        if isinstance(node, list):
            elements = (
                (at, self.node(element, pointer_to(pointer, at), f"{place}[{at}]"))
                for at, element in enumerate(node)
            )
            placed = [(at, evaluate) for at, evaluate in elements if evaluate is not None]
            return fill_array(node, placed) if placed else None
        return self.expression(node, pointer, place) if is_expression(node) else None

    def expression(self, text: str, pointer: str, place: str) -> Evaluate:
        try:
            expression = compile_expression(text, self.available)
        except InvalidExpression as invalid:
            self.problems.extend(
                ExpressionProblem(pointer, p.message, p.hint, at=p.at, code=p.code)
                for p in invalid.problems
            )
            return lambda _value, _scope: None  # stands in; never used
        self.expressions.append(expression)
        return evaluator(expression, place)
