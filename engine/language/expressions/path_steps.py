"""What a JSONPath consists of: steps, and the tests inside filters.

A name is a plain string and an index a plain integer, so that a definite path is a tuple of subscripts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Comparison = Literal["==", "!=", "===", "!==", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Names:
    """`['a','b']`: one object made of those members; only as the last step."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indexes:
    """`[0,2]`."""

    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """`[start:stop]`; either may be absent, negative counts from the end."""

    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*` or `[*]`."""


@dataclass(frozen=True, slots=True)
class Descent:
    """`..step`: the step applies to the node and to everything below it."""

    step: Step


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal in a filter."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Relative:
    """`@...` in a filter."""

    steps: tuple[Step, ...]


Operand = Constant | Relative


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`."""

    operator: Comparison
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Exists:
    """`@.a`: there, even if false or null."""

    path: Relative


@dataclass(frozen=True, slots=True)
class Absent:
    """`!@.a`: not there, or null (Step Functions Local 2.0)."""

    path: Relative


@dataclass(frozen=True, slots=True)
class Not:
    test: Test


@dataclass(frozen=True, slots=True)
class All:
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Some:
    tests: tuple[Test, ...]


Test = Compare | Exists | Absent | Not | All | Some


@dataclass(frozen=True, slots=True)
class Filter:
    """`[?(...)]`."""

    test: Test


Step = str | int | Names | Indexes | Slice | Wildcard | Descent | Filter
