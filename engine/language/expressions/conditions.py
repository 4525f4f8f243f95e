"""Choice rules compiled: a comparison of a Variable, or And, Or and Not over such rules.

https://states-language.net/spec.html#choice-state. A comparison with the wrong type is false. A path that finds nothing is
an error for every operator but IsPresent; so And and Or stop as soon as the answer is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.language.expressions.comparisons import (
    COMPARISONS,
    OPERATORS,
    TYPE_TESTS,
    Comparison,
    compile_pattern,
)
from engine.language.expressions.context import context_problems
from engine.language.expressions.faults import (
    ExpressionProblem,
    InvalidExpression,
    SyntaxFault,
    pointer_to,
)
from engine.language.expressions.paths import NoMatch, Path, parse_reference_path
from engine.language.expressions.scope import ExpressionError, Reader, Scope
from engine.language.expressions.templates import Template

RULES_DEPTH_MAX = (
    50  # And, Or and Not inside one another; ours, so that evaluating cannot exhaust the stack.
)

Holds = Callable[[Any, Scope], bool]

_LOGIC = ("And", "Or", "Not")
_DECISIVE = frozenset((*OPERATORS, *_LOGIC))
_LISTED = f"[{', '.join(OPERATORS)}]"
_ALLOWED_OUTERMOST = frozenset(("Variable", "Next", "Comment", "Assign", "Output"))
_ALLOWED_INNER = frozenset(("Variable", "Comment"))


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled rule.

    `holds(value, scope)` says whether the rule is true of the state's effective input; it raises ExpressionError for a
    path that finds nothing. `paths` lists every path inside, `warnings` what compiles but is bound to fail. `tested` are
    those paths that IsPresent asks about, and `written` is what it was compiled from.
    """

    holds: Holds
    paths: tuple[Reader, ...]
    warnings: tuple[ExpressionProblem, ...] = ()
    tested: tuple[Path, ...] = ()
    written: Any = None


def condition_of(template: Template) -> Condition:
    """A rule in JSONata: its Condition, compiled to answer a boolean; its value is the dict that `$states` is."""
    return Condition(template.evaluate, template.paths, template.warnings, written=template.written)


def compile_condition(rule: Any, *, outermost: bool = True) -> Condition:
    """Compile a rule of `Choices`. Only the outermost rules have a `Next`, and they must.

    Raises InvalidExpression with every problem; the pointers are relative to the rule.
    """
    compiler = _Compiler()
    holds = compiler.rule(rule, "", depth=0, outermost=outermost)
    if compiler.problems:
        raise InvalidExpression(compiler.problems)
    return Condition(
        holds,
        tuple(compiler.paths),
        tuple(compiler.warnings),
        tuple(compiler.tested),
        rule,
    )


class _Compiler:
    """Collects the problems and the paths of one rule and those inside it."""

    def __init__(self) -> None:
        self.problems: list[ExpressionProblem] = []
        self.paths: list[Path] = []
        self.tested: list[Path] = []
        self.warnings: list[ExpressionProblem] = []

    def rule(self, rule: Any, pointer: str, *, depth: int, outermost: bool = False) -> Holds:
        if not isinstance(rule, dict):
            return self.refuse(pointer, "Expected value of type Object")
        if depth > RULES_DEPTH_MAX:
            message = f"Rules nest deeper than {RULES_DEPTH_MAX} levels"
            return self.refuse(pointer, message, aws="")
        if outermost and "Next" not in rule:
            self.refuse(pointer, "These fields are required: [Next]")
        decisive = [key for key in rule if key in _DECISIVE]
        if len(decisive) != 1:
            wanted = "There should only be one" if decisive else "This object should have only one"
            return self.refuse(pointer, f"{wanted} of the following fields: {_LISTED}")
        name = decisive[0]
        allowed = _ALLOWED_OUTERMOST if outermost else _ALLOWED_INNER
        for key in rule:
            if key != name and (key not in allowed or (key == "Variable" and name in _LOGIC)):
                here = pointer_to(pointer, key)
                self.refuse(here, f"Field '{key}' is not supported", aws_pointer=pointer)
        if name in _LOGIC:
            return self.logic(name, rule[name], pointer_to(pointer, name), depth + 1)
        return self.comparison(name, rule, pointer)

    def logic(self, name: str, operand: Any, pointer: str, depth: int) -> Holds:
        if name == "Not":
            inner = self.rule(operand, pointer, depth=depth)
            return lambda value, scope: not inner(value, scope)
        if not isinstance(operand, list):
            return self.refuse(pointer, "Expected value of type Array")
        if not operand:
            return self.refuse(pointer, "Value cannot be empty")
        rules = [
            self.rule(rule, pointer_to(pointer, at), depth=depth) for at, rule in enumerate(operand)
        ]
        if name == "And":
            return lambda value, scope: all(holds(value, scope) for holds in rules)
        return lambda value, scope: any(holds(value, scope) for holds in rules)

    def comparison(self, name: str, rule: dict[str, Any], pointer: str) -> Holds:
        here, operand = pointer_to(pointer, name), rule[name]
        variable: Path | None = None
        if "Variable" in rule:
            variable = self.path(rule["Variable"], pointer_to(pointer, "Variable"))
        else:
            self.refuse(pointer, "These fields are required: [Variable]")
        if name.endswith("Path"):
            other = self.path(operand, here)
            if variable is None or other is None:
                return _never
            return _compare_paths(COMPARISONS[name.removesuffix("Path")], variable, other)
        test = self.test(name, operand, here)
        if variable is None or test is None:
            return _never
        if name == "IsPresent":
            self.tested.append(variable)
            return _is_present(variable, wanted=operand)
        read = _reader(variable)
        return lambda value, scope: test(read(value, scope))

    def test(self, name: str, operand: Any, pointer: str) -> Callable[[Any], bool] | None:
        """What is asked of the variable's value; None after noting a problem with the operand."""
        if name == "StringMatches" and isinstance(operand, str):
            try:
                matches = compile_pattern(operand)
            except ValueError as error:
                self.refuse(pointer, str(error), aws="")
                return None
            return lambda value: isinstance(value, str) and matches(value)
        if name in COMPARISONS:
            comparison = COMPARISONS[name]
            right = comparison.key(operand)
            if right is not None:
                return _compare_constant(comparison, right)
            self.refuse(pointer, comparison.mistake)
            return None
        if isinstance(operand, bool) and name != "StringMatches":
            is_type = TYPE_TESTS.get(name, bool)
            return lambda value: is_type(value) is operand
        kind = "String" if name == "StringMatches" else "Boolean"
        self.refuse(pointer, f"Expected value of type {kind}")
        return None

    def path(self, text: Any, pointer: str) -> Path | None:
        if not isinstance(text, str):
            self.refuse(pointer, "Expected value of type String")
            return None
        try:
            path = parse_reference_path(text)
        except SyntaxFault as fault:
            # What AWS says of paths that begin well is known in its first half only.
            aws = str(fault) if not text.startswith("$") else "Value is not a Reference Path"
            self.refuse(pointer, str(fault), at=fault.at or 0, aws=aws)
            return None
        self.warnings.extend(context_problems(path, pointer))
        self.paths.append(path)
        return path

    def refuse(
        self,
        pointer: str,
        message: str,
        *,
        at: int | None = None,
        aws: str | None = None,
        aws_pointer: str | None = None,
    ) -> Holds:
        """Note a problem; what is returned stands in for the rule and is never used.

        The messages are AWS's own, except where `aws` is another, or "" for none.
        """
        words = message if aws is None else aws
        problem = ExpressionProblem(pointer, message, at=at, aws=words, aws_pointer=aws_pointer)
        self.problems.append(problem)
        return _never


def _never(_value: Any, _scope: Scope) -> bool:
    return False


def _reader(path: Path) -> Callable[[Any, Scope], Any]:
    """Read a path of a rule; AWS has one sentence for every way it can fail."""
    find = path.find

    def read(value: Any, scope: Scope) -> Any:
        try:
            found = find(value, scope)
        except NoMatch:
            raise ExpressionError(
                f"Invalid path '{path.text}': "
                "The choice state's condition path references an invalid value."
            ) from None
        if found.__class__ is str:
            scope.spend_on(found)  # thousands of rules can look at one long text
        return found

    return read


def _compare_constant(comparison: Comparison, right: Any) -> Callable[[Any], bool]:
    key, compare = comparison.key, comparison.compare

    def test(value: Any) -> bool:
        left = key(value)
        return left is not None and compare(left, right)

    return test


def _compare_paths(comparison: Comparison, variable: Path, other: Path) -> Holds:
    key, compare = comparison.key, comparison.compare
    read_left, read_right = _reader(variable), _reader(other)

    def holds(value: Any, scope: Scope) -> bool:
        left, right = key(read_left(value, scope)), key(read_right(value, scope))
        return left is not None and right is not None and compare(left, right)

    return holds


def _is_present(variable: Path, *, wanted: bool) -> Holds:
    def holds(value: Any, scope: Scope) -> bool:
        try:
            variable.find(value, scope)
        except NoMatch:
            return not wanted
        return wanted

    return holds
