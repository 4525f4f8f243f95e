"""Steps made into functions: from the nodes before a step to the nodes after it.

A selector skips nodes it does not fit, so an indefinite path answers an empty list where nothing matches, as AWS does
even if the definite part before it is missing. Every selector pays for the nodes it visits from one budget per
evaluation, so no definition and input together can make a path run away.
"""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Sequence
from typing import Any

from engine.language.expressions.path_steps import (
    Absent,
    All,
    Compare,
    Constant,
    Descent,
    Exists,
    Filter,
    Indexes,
    Names,
    Not,
    Operand,
    Slice,
    Some,
    Step,
    Test,
    Wildcard,
)
from engine.language.expressions.scope import ExpressionError, Scope
from engine.language.expressions.values import equal, is_number, json_text

NODES_MAX = 1_000_000  # visited in one evaluation of one path; ours.

MISSING: Any = object()

_NUMBER = re.compile(r"[+-]?\d{1,400}(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


class Budget:
    """How many nodes an evaluation may still visit: so many that others need not wait for it, where others do."""

    __slots__ = ("_given", "_scope", "left")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._given = self.left = scope.patience.most(NODES_MAX)

    @property
    def spent(self) -> int:
        return self._given - self.left

    def spend(self, nodes: int) -> None:
        """Raises ExpressionError when the budget is used up, or OverBudget where others wait."""
        self.left -= nodes
        if self.left < 0:
            if self._given < NODES_MAX:
                self._scope.spend(self.spent)  # raises: it is more than the patience has left
            raise ExpressionError(f"A JSONPath visits more than {NODES_MAX} nodes")


Selector = Callable[[list[Any], Budget], list[Any]]
Predicate = Callable[[Any, Budget], bool]
Read = Callable[[Any, Budget], Any]


def is_definite(steps: Sequence[Step]) -> bool:
    """Whether the steps can address one node only."""
    return all(isinstance(step, str | int | Names) for step in steps)


def compile_steps(steps: Sequence[Step]) -> Selector:
    """One selector that applies all steps in order."""
    selectors = [_selector(step) for step in steps]

    def select(nodes: list[Any], budget: Budget) -> list[Any]:
        for selector in selectors:
            nodes = selector(nodes, budget)
            budget.spend(len(nodes))
        return nodes

    return select


def merge(node: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """The object of those of `names` that the object `node` has."""
    return {name: node[name] for name in names if name in node}


def _selector(step: Step) -> Selector:
    match step:
        case str():
            return lambda nodes, _: [n[step] for n in nodes if isinstance(n, dict) and step in n]
        case int():
            return _indexes((step,))
        case Indexes(indexes):
            return _indexes(indexes)
        case Names(names):
            return lambda nodes, _: [merge(n, names) for n in nodes if isinstance(n, dict)]
        case Slice(start, stop):
            cut = slice(start, stop)
            return lambda nodes, _: [e for n in nodes if isinstance(n, list) for e in n[cut]]
        case Filter(test):
            return _filter(_predicate(test))
        case Wildcard():
            return _wildcard
        case Descent(below):
            return _descent(below)


def _indexes(indexes: tuple[int, ...]) -> Selector:
    def select(nodes: list[Any], budget: Budget) -> list[Any]:
        budget.spend(len(nodes) * len(indexes))
        return [
            node[index]
            for node in nodes
            if isinstance(node, list)
            for index in indexes
            if -len(node) <= index < len(node)
        ]

    return select


def _wildcard(nodes: list[Any], budget: Budget) -> list[Any]:
    found: list[Any] = []
    for node in nodes:
        if isinstance(node, dict | list):
            budget.spend(len(node))
            found.extend(node.values() if isinstance(node, dict) else node)
    return found


def _filter(holds: Predicate) -> Selector:
    """Elements of an array, or an object itself. `@` matches no scalar; AWS documents that it only matches objects."""

    def select(nodes: list[Any], budget: Budget) -> list[Any]:
        found: list[Any] = []
        for node in nodes:
            candidates = node if isinstance(node, list) else (node,)
            budget.spend(len(candidates))
            found.extend(c for c in candidates if isinstance(c, dict | list) and holds(c, budget))
        return found

    return select


def _descent(step: Step) -> Selector:
    """`..step`: at the node, then below it, parents before children."""
    if isinstance(step, Filter):
        holds = _predicate(step.test)  # asked once of every object, not once more through its array
        return lambda nodes, budget: [
            n for n in _walk(nodes, budget) if isinstance(n, dict) and holds(n, budget)
        ]
    if isinstance(step, Names):
        names = step.names
        return lambda nodes, budget: [
            merge(n, names)
            for n in _walk(nodes, budget)
            if isinstance(n, dict) and all(name in n for name in names)
        ]
    selector = _selector(step)
    return lambda nodes, budget: selector(_walk(nodes, budget), budget)


def _walk(nodes: list[Any], budget: Budget) -> list[Any]:
    """Every container at or below the nodes, in document order; no recursion, so depth is no danger."""
    found: list[Any] = []
    waiting = nodes[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found.append(node)
            waiting.extend(reversed(node.values()))
        elif isinstance(node, list):
            found.append(node)
            waiting.extend(reversed(node))
        else:
            continue
        budget.spend(len(node) + 1)
    return found


def _predicate(test: Test) -> Predicate:
    match test:
        case Compare(operator, left, right):
            compare, first, second = _COMPARISONS[operator], _read(left), _read(right)
            return lambda node, budget: compare(first(node, budget), second(node, budget))
        case Exists(path):
            read = _read(path)
            if is_definite(path.steps):
                return lambda node, budget: read(node, budget) is not MISSING
            return lambda node, budget: bool(read(node, budget))
        case Absent(path):
            absent = _read(path)
            if is_definite(path.steps):
                return lambda node, budget: absent(node, budget) in _ABSENT
            return lambda node, budget: not absent(node, budget)
        case Not(inner):
            holds = _predicate(inner)
            return lambda node, budget: not holds(node, budget)
        case All(tests):
            every = [_predicate(each) for each in tests]
            return lambda node, budget: all(each(node, budget) for each in every)
        case Some(tests):
            some = [_predicate(each) for each in tests]
            return lambda node, budget: any(each(node, budget) for each in some)


def _read(operand: Operand) -> Read:
    """What an operand is for a node; MISSING where a definite path finds nothing."""
    if isinstance(operand, Constant):
        value = operand.value
        return lambda _node, _budget: value
    steps = operand.steps
    if len(steps) == 1 and isinstance(steps[0], str):
        name = steps[0]
        return lambda node, _: node.get(name, MISSING) if isinstance(node, dict) else MISSING
    select = compile_steps(steps)
    if not is_definite(steps):
        return lambda node, budget: select([node], budget)

    def read(node: Any, budget: Budget) -> Any:
        found = select([node], budget)
        return found[0] if found else MISSING

    return read


def _coerced_equal(left: Any, right: Any) -> bool:
    """Jayway's `==`: a number and a string are equal if they read the same; nothing equals a missing value."""
    if left is MISSING or right is MISSING:
        return False
    if is_number(left) and isinstance(right, str):
        return _NUMBER.fullmatch(right) is not None and bool(left == float(right))
    if isinstance(left, str) and is_number(right):
        return left == json_text(right)
    return equal(left, right)


def _strictly_equal(left: Any, right: Any) -> bool:
    return left is not MISSING and right is not MISSING and equal(left, right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Order is defined between two numbers and between two strings; otherwise the answer is no."""

    def ordered(left: Any, right: Any) -> bool:
        comparable = (is_number(left) and is_number(right)) or (
            isinstance(left, str) and isinstance(right, str)
        )
        return comparable and compare(left, right)

    return ordered


_ABSENT = (MISSING, None)

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": _coerced_equal,
    "!=": lambda left, right: not _coerced_equal(left, right),
    "===": _strictly_equal,
    "!==": lambda left, right: not _strictly_equal(left, right),
    "<": _ordered(operators.lt),
    "<=": _ordered(operators.le),
    ">": _ordered(operators.gt),
    ">=": _ordered(operators.ge),
}
