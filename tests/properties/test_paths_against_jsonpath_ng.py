"""Paths against jsonpath-ng, on the part of the language where both mean the same.

Left out on purpose, because the dialects differ there: wildcards on the wrong kind of container, several names in one
bracket, `!=` with a missing member, numbers compared with strings, and the order in which `..` finds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonpath_ng.ext import parse as parse_oracle

from engine.language.expressions.paths import NoMatch, parse_path
from engine.language.expressions.scope import Scope
from engine.language.expressions.values import json_text

SCOPE = Scope(dict, entropy=None)
NAMES = ("alpha", "beta", "gamma_2")
SCALARS = {"number": st.integers(-3, 3), "text": st.sampled_from(["x", "y", "zed"])}


@dataclass
class Shape:
    """What kind of value stands somewhere: a scalar, an array of one shape, or an object."""

    kind: str
    element: Shape | None = None
    members: dict[str, Shape] = field(default_factory=dict)


@st.composite
def shapes(draw: st.DrawFn, depth: int = 4) -> Shape:
    kinds = ["number", "text"] if depth == 0 else ["object", "object", "array", "array", "number"]
    kind = draw(st.sampled_from(kinds))
    if kind == "array":
        return Shape(kind, element=draw(shapes(depth - 1)))
    if kind == "object":
        names = draw(st.sets(st.sampled_from(NAMES), min_size=1))
        return Shape(kind, members={name: draw(shapes(depth - 1)) for name in sorted(names)})
    return Shape(kind)


@st.composite
def documents(draw: st.DrawFn, shape: Shape) -> Any:
    if shape.kind == "array":
        return [draw(documents(shape.element)) for _ in range(draw(st.integers(0, 3)))]
    if shape.kind == "object":
        present = [name for name in shape.members if draw(st.integers(0, 4))]
        return {name: draw(documents(shape.members[name])) for name in present}
    return draw(SCALARS[shape.kind])


@st.composite
def filters(draw: st.DrawFn, shape: Shape) -> str:
    """A filter over elements that are objects of this shape."""

    def test() -> str:
        name = draw(st.sampled_from(sorted(shape.members)))
        kind = shape.members[name].kind
        if kind not in SCALARS or draw(st.booleans()):
            return f"@.{name}"
        operator = draw(st.sampled_from(["==", "<", "<=", ">", ">="]))
        operator = "==" if kind == "text" else operator
        return f"@.{name} {operator} {json_text(draw(SCALARS[kind]))}"

    tests = [test() for _ in range(draw(st.integers(1, 2)))]
    return "[?(" + " && ".join(tests) + ")]"


@st.composite
def steps(draw: st.DrawFn, shape: Shape) -> tuple[str, Shape | None]:
    if shape.kind == "object":
        name = draw(st.sampled_from([*shape.members, "missing"]))
        written = draw(st.sampled_from([f".{name}", f"['{name}']"]))
        return written, shape.members.get(name)
    options = [
        "[*]",
        f"[{draw(st.integers(0, 3))}]",
        f"[{draw(st.integers(0, 2))}:]",
        "[:2]",
        "[1:3]",
    ]
    if shape.element.kind == "object":
        options += [draw(filters(shape.element))] * 3
    return draw(st.sampled_from(options)), shape.element


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, Any]:
    shape: Shape | None = draw(shapes())
    document = draw(documents(shape))
    path = "$"
    for _ in range(draw(st.integers(0, 4))):
        if shape is None or shape.kind in SCALARS:
            break
        step, shape = draw(steps(shape))
        path += step
    return path, document


def find_all(text: str, document: Any) -> list[Any]:
    path = parse_path(text)
    try:
        found = path.find(document, SCOPE)
    except NoMatch:
        return []
    return [found] if path.definite else found


def oracle(text: str, document: Any) -> list[Any]:
    return [match.value for match in parse_oracle(text).find(document)]


@settings(max_examples=300, deadline=None)
@given(case=cases())
def test_both_find_the_same_values_in_the_same_order(case: tuple[str, Any]) -> None:
    path, document = case
    assert find_all(path, document) == oracle(path, document)


@settings(max_examples=100, deadline=None)
@given(shape=shapes(), data=st.data(), name=st.sampled_from(NAMES))
def test_both_find_the_same_members_below(shape: Shape, data: st.DataObject, name: str) -> None:
    document = data.draw(documents(shape))
    ours, theirs = find_all(f"$..{name}", document), oracle(f"$..{name}", document)
    assert sorted(map(json_text, ours)) == sorted(map(json_text, theirs))
