"""What an expression reads, and what running it could cost, told from its syntax tree.

AWS gives an expression no context item: a name, `$` or `$$` where no step, predicate or lambda supplies one is refused.
The estimate of cost is on the safe side; it decides only whether the engine's loop may evaluate the expression.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jsonata.jsonata import Jsonata

from engine.language.expressions.faults import ExpressionProblem
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
    units: float = 1.0  # how many times the data can be contained in the result
    amplifies: bool = False  # the result can hold the data once for each of many elements
    is_slow: bool = False  # nothing bounds its growth in time or size but a limit
    is_numeric: bool = False  # an infinity can come of it
    may_be_function: bool = False
    pattern_weight: int = 0  # the heaviest regular expression


class Env:
    """Names bound so far, each with the growth of its value; lambdas are entered with a copy."""

    __slots__ = ("later", "params", "units")

    def __init__(
        self, units: dict[str, float], later: frozenset[str], params: frozenset[str]
    ) -> None:
        self.units = units
        self.later = later  # bound by an enclosing block somewhere; a lambda may run after that
        self.params = params

    def inner(self) -> Env:
        """The names of a block inside."""
        return Env(dict(self.units), self.later, self.params)


def analyse(tree: Node, available: frozenset[str]) -> Findings:
    """Walk a whole expression. May raise RecursionError for one that nests too deeply."""
    walk = _Walk(available)
    units = walk.node(tree, Env({}, frozenset(), frozenset()), top=True)
    walk.found.units = max(1.0, units)
    return walk.found


class _Walk:
    """Visits each node once; `top` says that no context item has been supplied yet. Answers the node's growth."""

    def __init__(self, available: frozenset[str]) -> None:
        self.available = available
        self.found = Findings()
        self.refused: set[str] = set()
        self.lambdas = 0

    def node(self, node: Node, env: Env, *, top: bool) -> float:
        if node is None:
            return 0.0
        visit = getattr(self, f"_{node.type}", None)
        units: float = visit(node, env, top) if visit else 1.0
        return self._trailing(node, env, units)

    def _trailing(self, node: Node, env: Env, units: float) -> float:
        """Predicates and group-by of a node; both see an item of it."""
        for stage in (*(node.predicate or ()), *(node.stages or ())):
            if stage.type == "index":
                env.units[stage.value] = 1.0
            else:
                self.node(stage.expr, env, top=False)
        if node.group is not None:
            for key, value in node.group.lhs_object:
                self.node(key, env, top=False)
                units += self.node(value, env, top=False)
        return units

    def problem(self, node: Node, name: str, length: int) -> None:
        if name not in self.refused:
            self.refused.add(name)
            self.found.problems.append(
                ExpressionProblem(
                    "",
                    f"Reference to '{name}' at the top level is not supported.",
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
        elif name in env.units:
            self._inside(top)
            return env.units[name]
        elif name == STATES:
            self._inside(top)
            self._states(node, ())
        elif name in BUILT_IN:
            self.found.names.add(name)
            self.found.may_be_function = True
        elif name not in env.later:
            self._inside(top)
            self.found.variables.add(name)
        return 1.0

    def _inside(self, top: bool) -> None:
        """Outer data read once for each item."""
        if not top:
            self.found.amplifies = True

    def _states(self, node: Node, names: tuple[str, ...]) -> None:
        self.found.states.add(names)
        if names and names[0] not in self.available:
            known = ", ".join(f"$states.{name}" for name in sorted(self.available))
            self.found.problems.append(
                ExpressionProblem(
                    "",
                    f"Field '$states.{names[0]}' does not exist.",
                    f"Here there are {known}.",
                    at=max(0, node.position - len(STATES) - 1),
                    code="unknown_states_field",
                )
            )

    def _path(self, node: Node, env: Env, top: bool) -> float:
        first, *rest = node.steps
        self._bind_step(first, env)
        if first.type == "variable" and first.value == STATES and STATES not in env.units:
            self._inside(top)
            self._states(first, () if first.predicate or first.stages else _names(rest))
            units = self._trailing(first, env, 1.0)
        else:
            units = self.node(first, env, top=top)
        for step in rest:
            self._bind_step(step, env)
            units *= max(1.0, self.node(step, env, top=False))
        return units

    @staticmethod
    def _bind_step(step: Node, env: Env) -> None:
        for name in (step.focus, step.index):
            if isinstance(name, str):
                env.units[name] = 1.0

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
            self.node(term.expression, env, top=False)
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
        inner = Env(dict(env.units), env.later | names, env.params)
        units = 0.0
        for each in node.expressions:
            units = self.node(each, inner, top=top)
        return units

    def _bind(self, node: Node, env: Env, top: bool) -> float:
        units = self.node(node.rhs, env, top=top)
        env.units[node.lhs.value] = max(1.0, units)
        return units

    def _regex(self, node: Node, _env: Env, _top: bool) -> float:
        self.found.may_be_function = True
        self.found.is_slow = True  # applied where nothing bounds the text; see _function
        self._weigh(node)
        return 1.0

    def _weigh(self, node: Node) -> None:
        text = node.value.text if isinstance(node.value, Pattern) else str(node.value)
        self.found.pattern_weight = max(self.found.pattern_weight, pattern_weight(text))

    def _lambda(self, node: Node, env: Env, _top: bool) -> float:
        self.found.may_be_function = True
        params = {argument.value for argument in node.arguments}
        inner = Env({**env.units, **dict.fromkeys(params, 1.0)}, env.later, env.params | params)
        self.lambdas += 1
        units = self.node(node.body, inner, top=False)
        self.lambdas -= 1
        return units

    def _apply(self, node: Node, env: Env, top: bool) -> float:
        left = self.node(node.lhs, env, top=top)
        right = self.node(node.rhs, env, top=top)
        return max(1.0, left) * max(1.0, right)

    def _transform(self, node: Node, env: Env, _top: bool) -> float:
        self.found.may_be_function = True
        for part in (node.pattern, node.update, node.delete):
            self.node(part, env, top=False)
        return 2.0

    def _function(self, node: Node, env: Env, top: bool) -> float:
        name = _called(node)
        matching = name in MATCHING and name not in env.units
        arguments = []
        for argument in node.arguments:
            if matching and argument.type == "regex":
                self._weigh(argument)
                arguments.append(1.0)
            else:
                arguments.append(self.node(argument, env, top=top))
        total = max(1.0, sum(arguments))
        if name is None:
            self.is_recursion(None, env)
            return total * max(1.0, self.node(node.procedure, env, top=top))
        if name in env.units or name not in BUILT_IN:
            self.is_recursion(name, env)
            return total * max(1.0, self.node(node.procedure, env, top=top))
        self.found.names.add(name)
        return self.built_in(name, total, arguments)

    _partial = _function

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
        if self.lambdas and (name is None or name in env.params or name not in env.units):
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
