"""JSONPath as the Amazon States Language uses it: paths that read, reference paths that also write.

A path is parsed once, at publish, into one function. A definite path addresses one node: it answers that node's value or
raises NoMatch. An indefinite path (filter, wildcard, slice, union, `..`) always answers a list, empty where nothing
matches. Paths that start with `$$` read the Context Object, those that start with `$name` a variable.
https://states-language.net/spec.html#path
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from engine.language.expressions.faults import SyntaxFault, one_line
from engine.language.expressions.path_selectors import Budget, compile_steps, is_definite, merge
from engine.language.expressions.path_steps import Names, Step
from engine.language.expressions.path_syntax import NAME_ALONE, NAME_IN_CALL, read_steps
from engine.language.expressions.scope import ExpressionError, Scope
from engine.language.expressions.values import json_text

Find = Callable[[Any, Scope], Any]


class NoMatch(ExpressionError):
    """A definite path addresses nothing in this value.

    `path` is the path as written and `reason` is Jayway's sentence. `is_index` says that an array was there but too
    short; a payload template reads that as null.
    """

    def __init__(self, path: str, reason: str, *, is_index: bool = False) -> None:
        self.path = path
        self.reason = reason
        self.is_index = is_index
        super().__init__(f"Invalid path '{path}' : {reason}")


class Path:
    """A compiled JSONPath.

    `find(value, scope)` answers as the module says; it raises NoMatch (definite paths), or ExpressionError when an
    indefinite path visits more than NODES_MAX nodes or the scope's effort is used up. `text` is the path as written, `root` is `$`, `$$` or `$name`.
    """

    __slots__ = ("definite", "find", "root", "steps", "text")

    def __init__(self, text: str, root: str, steps: tuple[Step, ...]) -> None:
        self.text = text
        self.root = root
        self.steps = steps
        self.definite = is_definite(steps)
        self.find: Find = _definite(self) if self.definite else _indefinite(self)

    @property
    def reads_input(self) -> bool:
        """Whether this can read the data that it is applied to."""
        return self.root == "$"

    def reads_context(self, *prefix: str) -> bool:
        """Whether this can read that part of the Context Object, e.g. `("Map",)`; no prefix means any part."""
        if self.root != "$$":
            return False
        for wanted, step in zip(prefix, self.steps, strict=False):
            if not isinstance(step, str):
                return not isinstance(step, Names) or wanted in step.names
            if step != wanted:
                return False
        return True

    @property
    def variables(self) -> frozenset[str]:
        """The name of the variable that this reads, without its `$`."""
        return frozenset() if self.root in {"$", "$$"} else frozenset({self.root[1:]})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


class ReferencePath(Path):
    """A path of names and indexes only, so it addresses one node and can be written to."""

    __slots__ = ()

    def put(self, root: Any, value: Any) -> Any:
        """Return `root` with `value` at this path; `root` itself is unchanged and its other parts are shared.

        Absent members on the way are created as objects. Raises ExpressionError where a name meets something that is
        not an object, or an index an array that is not there or too short.
        """
        if self.root != "$":
            raise ExpressionError(f"The Context Object cannot be changed: '{self.text}'")
        return self._put(root, 0, value)

    def _put(self, node: Any, depth: int, value: Any) -> Any:
        if depth == len(self.steps):
            return value
        step = self.steps[depth]
        if isinstance(step, str) and isinstance(node, dict):
            return {**node, step: self._put(node.get(step, _ABSENT), depth + 1, value)}
        if isinstance(step, str) and node is _ABSENT:
            return {step: self._put(_ABSENT, depth + 1, value)}
        if isinstance(step, int) and isinstance(node, list) and -len(node) <= step < len(node):
            changed = node.copy()
            changed[step] = self._put(node[step], depth + 1, value)
            return changed
        found = "an absent value" if node is _ABSENT else json_text(node)
        raise ExpressionError(f"Unable to apply step {json_text(step)} of '{self.text}' to {found}")


_ABSENT: Any = object()


def parse_path(text: str) -> Path:
    """Compile a path. Raises SyntaxFault, a ValueError."""
    try:
        root, start = _root(text)
        steps, end = read_steps(text, start, NAME_ALONE)
        _require_end(text, end)
    except SyntaxFault as fault:
        raise fault.under("Value is not a valid JSONPath") from None
    return Path(text, root, steps)


def parse_reference_path(text: str) -> ReferencePath:
    """Compile a reference path. Raises SyntaxFault, a ValueError."""
    if not text.startswith("$"):
        raise SyntaxFault("Reference path didn't start with '$'", head=_NO_REFERENCE)
    try:
        root, start = _root(text)
        steps, end = read_steps(text, start, NAME_ALONE)
        _require_end(text, end)
    except SyntaxFault as fault:
        raise fault.under(_NO_REFERENCE) from None
    if not all(isinstance(step, str | int) for step in steps):
        raise SyntaxFault(f"'{one_line(text)}' can address several nodes", head=_NO_REFERENCE)
    return ReferencePath(text, root, steps)


_NO_REFERENCE = "Value is not a Reference Path"


def parse_argument(text: str, start: int) -> tuple[Path, int]:
    """Compile the path that is an intrinsic function's argument at `start`; return it and where it ends.

    Raises SyntaxFault, a ValueError.
    """
    root, after = _root(text, start)
    steps, end = read_steps(text, after, NAME_IN_CALL)
    return Path(text[start:end], root, steps), end


_VARIABLE = re.compile(r"\$[^\W\d]\w*")


def _root(text: str, start: int = 0) -> tuple[str, int]:
    if not text.startswith("$", start):
        raise SyntaxFault("a path starts with '$'")
    if text.startswith("$$", start):
        return "$$", start + 2
    if found := _VARIABLE.match(text, start):
        return found[0], found.end()
    return "$", start + 1


def _require_end(text: str, end: int) -> None:
    if end == len(text):
        return
    if text[end].isspace():
        raise SyntaxFault("a name with blanks is written in brackets, ['my name']", text, end)
    raise SyntaxFault(f"'{text[end]}' is not expected", text, end)


def _definite(path: Path) -> Find:
    """The fast ways: a loop over subscripts. What went wrong is worked out only after it has."""
    steps = path.steps
    if path.root == "$$":
        inner = Path(path.text, "$", steps).find
        return lambda _value, scope: inner(scope.context, scope)
    if path.root != "$":
        inner = Path(path.text, "$", steps).find
        return lambda _value, scope: inner(_variable(path, scope), scope)
    if not steps:
        return lambda value, _scope: value
    if any(isinstance(step, Names) for step in steps):
        return _find_merged(path)
    names_only = all(isinstance(step, str) for step in steps)
    return _find_names(path) if names_only else _find_mixed(path)


def _variable(path: Path, scope: Scope) -> Any:
    try:
        return scope.variables[path.root[1:]]
    except KeyError:
        raise NoMatch(path.text, f"No results for path: {path.root}") from None


def _find_names(path: Path) -> Find:
    steps: tuple[Any, ...] = path.steps

    def find(value: Any, _scope: Scope) -> Any:
        node = value
        try:
            for step in steps:
                node = node[step]
        except (KeyError, TypeError):
            _explain(path, value)
        return node

    return find


def _find_mixed(path: Path) -> Find:
    steps: tuple[Any, ...] = path.steps

    def find(value: Any, _scope: Scope) -> Any:
        node = value
        try:
            for step in steps:
                if step.__class__ is int and node.__class__ is not list:
                    _explain(path, value)  # a string has subscripts too
                node = node[step]
        except (KeyError, TypeError, IndexError):
            _explain(path, value)
        return node

    return find


def _find_merged(path: Path) -> Find:
    last = path.steps[-1]
    assert isinstance(last, Names)
    parent = Path(path.text, "$", path.steps[:-1])

    def find(value: Any, scope: Scope) -> Any:
        node = parent.find(value, scope)
        if not isinstance(node, dict):
            raise NoMatch(path.text, _not_an_object(_written(path.steps[-1:])[1:], "$", node))
        return merge(node, last.names)

    return find


def _indefinite(path: Path) -> Find:
    select, root = compile_steps(path.steps), path.root

    def find(value: Any, scope: Scope) -> Any:
        budget = Budget(scope)
        if root != "$":
            value = scope.context if root == "$$" else _variable(path, scope)
        found = select([value], budget)
        scope.spend(budget.spent)
        scope.spend_on(found)  # a union can name the same large node many times
        return found

    return find


def _explain(path: Path, value: Any) -> NoReturn:
    """Raise NoMatch with the sentence Jayway has for the first step that fails."""
    node = value
    for depth, step in enumerate(path.steps):
        before, here = _written(path.steps[:depth]), _written(path.steps[: depth + 1])
        if isinstance(step, str):
            if not isinstance(node, dict):
                raise NoMatch(path.text, _not_an_object(here[len(before) :], before, node))
            if step not in node:
                is_last = depth == len(path.steps) - 1
                sentence = "No results for path: " if is_last else "Missing property in path "
                raise NoMatch(path.text, sentence + here)
        elif isinstance(step, int):
            if node is None:
                raise NoMatch(path.text, f"The path {before} is null")
            if not isinstance(node, list):
                raise NoMatch(
                    path.text,
                    f"Filter: [{step}] can only be applied to arrays. "
                    f"Current context is: {json_text(node)}",
                )
            if not -len(node) <= step < len(node):
                whole = _written(path.steps)
                raise NoMatch(path.text, f"No results for path: {whole}", is_index=True)
        node = node[step]
    raise NoMatch(path.text, f"No results for path: {_written(path.steps)}")


def _not_an_object(fragment: str, before: str, node: Any) -> str:
    kind = _KINDS.get(type(node), "value")
    return (
        f"Expected to find an object with property {fragment} in path {before} but found '{kind}'."
    )


_KINDS = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
}


def _written(steps: tuple[Step, ...]) -> str:
    """The steps in Jayway's canonical form, `$['a'][0]`."""
    return "$" + "".join(
        "[" + ", ".join(f"'{name}'" for name in step.names) + "]"
        if isinstance(step, Names)
        else (f"['{step}']" if isinstance(step, str) else f"[{step}]")
        for step in steps
    )
