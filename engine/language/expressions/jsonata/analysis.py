"""What an expression reads, and what running it could cost, told from its syntax tree.

AWS gives an expression no context item: a name, `$` or `$$` where no step, predicate or lambda supplies one is refused.
The estimate of cost is on the safe side; it decides only whether the engine's loop may evaluate the expression.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jsonata.jsonata import Jsonata

from engine.language.expressions.faults import ExpressionProblem, one_line
from engine.language.expressions.jsonata.patterns import MATCHING, pattern_weight
from engine.language.expressions.jsonata.syntax import Node, Pattern

AWS_FUNCTIONS = frozenset(("partition", "range", "hash", "random", "uuid", "parse"))
BUILT_IN = frozenset(Jsonata.static_frame.bindings) - {"eval"} | AWS_FUNCTIONS
STATES = "states"

# Operators and functions whose result is a number or a boolean, however large their operands are.
_SMALL_OPERATORS = frozenset(("+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=", "and", "or", "in"))  # fmt: skip
_SMALL_FUNCTIONS = frozenset((
    "count", "sum", "max", "min", "average", "length", "exists", "not", "boolean", "number", "contains", "abs", "floor",
    "ceil", "round", "power", "sqrt", "random", "uuid", "millis", "type", "toMillis", "hash",
))  # fmt: skip
_ITERATING = frozenset(("map", "filter", "each", "sift", "single", "sort"))
_TRIPLING = frozenset(("base64encode", "encodeUrl", "encodeUrlComponent", "string"))
_NUMERIC = frozenset(("+", "-", "*", "/", "%"))
_NUMERIC_FUNCTIONS = frozenset(
    ("number", "sum", "average", "power", "sqrt", "round", "parseInteger", "abs", "reduce", "map")
)


@dataclass(slots=True)
class Findings:
    """What the walk over a tree has found."""

    problems: list[ExpressionProblem] = field(default_factory=list)
    states: set[tuple[str, ...]] = field(default_factory=set)  # leading names after `$states`
    variables: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)  # of built-in functions, called or passed on
    shadowed: set[str] = field(
        default_factory=set
    )  # those that a variable of the same name would hide
    units: float = 1.0  # how many times the data can be contained in a value on the way
    amplifies: bool = False  # the result can hold the data once for each of many elements
    is_slow: bool = False  # nothing bounds its growth in time or size but a limit
    is_quadratic: bool = False  # takes time with the square of its data
    is_numeric: bool = False  # an infinity can come of it
    may_be_function: bool = False
    pattern_weight: int = 0  # the heaviest regular expression


class Env:
    """Names bound so far, each with the growth of its value and the depth of steps at which it was bound."""

    __slots__ = ("bound", "later", "params")

    def __init__(
        self, bound: dict[str, tuple[float, int]], later: frozenset[str], params: frozenset[str]
    ) -> None:
        self.bound = bound
        self.later = later  # bound by an enclosing block somewhere; a lambda may run after that
        self.params = params


def analyse(tree: Node, available: frozenset[str]) -> Findings:
    """Walk a whole expression. May raise RecursionError for one that nests too deeply."""
    walk = _Walk(available)
    walk.node(tree, Env({}, frozenset(), frozenset()), top=True)
    return walk.found


class _Walk:
    """Visits each node once; `top` says that no context item has been supplied yet. Answers the node's growth.

    `depth` counts the steps, predicates and lambdas around a node. What was bound further out is read there once for
    each of many items.
    """

    def __init__(self, available: frozenset[str]) -> None:
        self.available = available
        self.found = Findings()
        self.refused: set[str] = set()
        self.lambdas = 0
        self.depth = 0
        self.passed = False  # whether a function, rather than a value, is to be expected here

    def node(self, node: Node, env: Env, *, top: bool) -> float:
        if node is None:
            return 0.0
        visit = getattr(self, f"_{node.type}", None)
        units: float = visit(node, env, top) if visit else 1.0
        units = self._trailing(node, env, units)
        self.found.units = max(self.found.units, units)
        return units

    def inside(self, node: Node, env: Env) -> float:
        """A node that is evaluated for each of many items, which are its context."""
        self.depth += 1
        units = self.node(node, env, top=False)
        self.depth -= 1
        return units

    def passing(self, node: Node, env: Env, *, top: bool) -> float:
        """An argument: the name of a function that stands there alone is likely to mean the function."""
        self.passed = node.type == "variable"
        units = self.node(node, env, top=top)
        self.passed = False
        return units

    def _trailing(self, node: Node, env: Env, units: float) -> float:
        """Predicates and group-by of a node; both see an item of it."""
        for stage in (*(node.predicate or ()), *(node.stages or ())):
            if stage.type == "index":
                env.bound[stage.value] = (1.0, self.depth + 1)
            else:
                self.inside(stage.expr, env)
        if node.group is not None:
            for key, value in node.group.lhs_object:
                self.inside(key, env)
                units += self.inside(value, env)
        return units

    def problem(self, node: Node, name: str, length: int) -> None:
        if name not in self.refused:
            self.refused.add(name)
            self.found.problems.append(
                ExpressionProblem(
                    "",
                    f"Reference to '{one_line(name)}' at the top level is not supported.",
                    "Data is read through $states, such as $states.input.name, and variables by $name.",
                    at=max(0, node.position - length),
                    code="unsupported_jsonata",
                )
            )

    # What is read

    def _variable(self, node: Node, env: Env, top: bool) -> float:
        name = str(node.value)
        if name == "$":
            self.problem(node, "$$", 2)
        elif name == "":
            if top:
                self.problem(node, "$", 1)
        elif name in env.bound:
            units, depth = env.bound[name]
            self.read(depth)
            return units
        elif name == STATES:
            self.read(0)
            self._states(node, ())
        elif name in BUILT_IN:
            self.read(0)
            self.found.names.add(name)
            self.found.shadowed.add(name)
            self.found.may_be_function = True
            if not self.passed:
                self.found.variables.add(name)
        elif name not in env.later:
            self.read(0)
            self.found.variables.add(name)
        return 1.0

    def read(self, depth: int) -> None:
        """A value bound at that depth is read at this one."""
        if self.depth > depth:
            self.found.amplifies = True

    def _states(self, node: Node, names: tuple[str, ...]) -> None:
        self.found.states.add(names)
        if names and names[0] not in self.available:
            known = ", ".join(f"$states.{name}" for name in sorted(self.available))
            self.found.problems.append(
                ExpressionProblem(
                    "",
                    f"Field '$states.{one_line(names[0])}' does not exist.",
                    f"Here there are {known}.",
                    at=max(0, node.position - len(STATES) - 1),
                    code="unknown_states_field",
                )
            )

    def _path(self, node: Node, env: Env, top: bool) -> float:
        first, *rest = node.steps
        self._bind_step(first, env)
        if first.type == "variable" and first.value == STATES and STATES not in env.bound:
            self.read(0)
            self._states(first, () if first.predicate or first.stages else _names(rest))
            units = self._trailing(first, env, 1.0)
        else:
            units = self.node(first, env, top=top)
        for step in rest:
            self._bind_step(step, env)
            units *= max(1.0, self.inside(step, env))
        return units

    def _bind_step(self, step: Node, env: Env) -> None:
        for name in (step.focus, step.index):
            if isinstance(name, str):
                env.bound[name] = (1.0, self.depth + 1)

    def _name(self, node: Node, _env: Env, top: bool) -> float:
        if top:
            self.problem(node, str(node.value), len(str(node.value)))
        return 1.0

    def _wildcard(self, node: Node, _env: Env, top: bool) -> float:
        if top:
            self.problem(node, str(node.value), len(str(node.value)))
        return 1.0

    _descendant = _wildcard

    def _parent(self, node: Node, _env: Env, top: bool) -> float:
        if top:
            self.problem(node, "%", 1)
        return 1.0

    def _sort(self, node: Node, env: Env, _top: bool) -> float:
        for term in node.terms:
            self.inside(term.expression, env)
        return 1.0

    # What is computed

    def _binary(self, node: Node, env: Env, top: bool) -> float:
        operator = str(node.value)
        units = self.node(node.lhs, env, top=top) + self.node(node.rhs, env, top=top)
        if operator == "..":
            self.found.amplifies = True
        if operator in _NUMERIC:
            self.found.is_numeric = True
        return 0.0 if operator in _SMALL_OPERATORS else units

    def _unary(self, node: Node, env: Env, top: bool) -> float:
        if str(node.value) == "[":
            return 1.0 + sum(self.node(each, env, top=top) for each in node.expressions)
        if str(node.value) == "{":
            return 1.0 + sum(
                self.node(key, env, top=top) + self.node(value, env, top=top)
                for key, value in node.lhs_object
            )
        self.node(node.expression, env, top=top)
        return 0.0

    def _condition(self, node: Node, env: Env, top: bool) -> float:
        self.node(node.condition, env, top=top)
        return max(self.node(node.then, env, top=top), self.node(node._else, env, top=top))  # noqa: SLF001 - the parser's name

    def _block(self, node: Node, env: Env, top: bool) -> float:
        names = {e.lhs.value for e in node.expressions if e.type == "bind"}
        inner = Env(dict(env.bound), env.later | names, env.params)
        units = 0.0
        for each in node.expressions:
            units = self.node(each, inner, top=top)
        return units

    def _bind(self, node: Node, env: Env, top: bool) -> float:
        units = self.node(node.rhs, env, top=top)
        env.bound[node.lhs.value] = (max(1.0, units), self.depth)
        return units

    def _regex(self, node: Node, _env: Env, _top: bool) -> float:
        self.found.may_be_function = True
        self.found.is_slow = True  # applied where nothing bounds the text; see _function
        self._weigh(node)
        return 1.0

    def _weigh(self, node: Node) -> None:
        text = node.value.text if isinstance(node.value, Pattern) else str(node.value)
        self.found.pattern_weight = max(self.found.pattern_weight, pattern_weight(text))

    def _lambda(self, node: Node, env: Env, _top: bool, *, of_items: bool = False) -> float:
        """`of_items`: its first parameter is an element of what a built-in function goes through."""
        self.found.may_be_function = True
        params = [argument.value for argument in node.arguments]
        bound = dict(env.bound)
        for at, name in enumerate(params):
            bound[name] = (1.0, self.depth + 1 if of_items and at == 0 else -1)
        self.lambdas += 1
        units = self.inside(node.body, Env(bound, env.later, env.params.union(params)))
        self.lambdas -= 1
        return units

    def _apply(self, node: Node, env: Env, top: bool) -> float:
        left = self.node(node.lhs, env, top=top)
        right = self.passing(node.rhs, env, top=top)
        return max(1.0, left) * max(1.0, right)

    def _transform(self, node: Node, env: Env, _top: bool) -> float:
        self.found.may_be_function = self.found.is_quadratic = True
        for part in (node.pattern, node.update, node.delete):
            self.inside(part, env)
        return 2.0

    def _function(self, node: Node, env: Env, top: bool) -> float:
        name = _called(node)
        is_own = name is None or name in env.bound or name not in BUILT_IN
        matching = name in MATCHING and not is_own
        arguments = []
        for argument in node.arguments:
            if matching and argument.type == "regex":
                self._weigh(argument)
                arguments.append(1.0)
            elif argument.type == "lambda" and not is_own:
                arguments.append(self._lambda(argument, env, top, of_items=name in _ITERATING))
            else:
                arguments.append(self.passing(argument, env, top=top))
        total = max(1.0, sum(arguments))
        if name is None or is_own:
            self.is_recursion(name, env)
            return total * max(1.0, self.node(node.procedure, env, top=top))
        self.found.names.add(name)
        return self.built_in(name, total, arguments)

    def _partial(self, node: Node, env: Env, top: bool) -> float:
        self.found.may_be_function = True
        return self._function(node, env, top)

    def built_in(self, name: str, total: float, arguments: list[float]) -> float:
        if name in _NUMERIC_FUNCTIONS:
            self.found.is_numeric = True
        if name == "reduce" and max(arguments[1:2], default=1.0) > 0:
            self.found.is_slow = True  # what it builds goes into the next round
        if name in _SMALL_FUNCTIONS:
            return 0.0
        return total * 3 if name in _TRIPLING else total

    def is_recursion(self, name: str | None, env: Env) -> None:
        """A function that calls what it was given, or what is bound only later, may go round for ever."""
        if self.lambdas and (name is None or name in env.params or name not in env.bound):
            self.found.is_slow = True


def _called(node: Node) -> str | None:
    """The name of the variable that a call applies."""
    procedure: Any = node.procedure
    if procedure.type == "variable" and not procedure.predicate:
        return str(procedure.value)
    return None


def _names(steps: list[Node]) -> tuple[str, ...]:
    """The leading steps that are plain names; one with a predicate is the last."""
    names: list[str] = []
    for step in steps:
        if step.type != "name":
            break
        names.append(str(step.value))
        if step.stages or step.predicate:
            break
    return tuple(names)
