"""What is wrong with an expression in a definition, found when it is compiled."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class ExpressionProblem(msgspec.Struct, frozen=True):
    """One fault. `pointer` is a JSON pointer relative to what was compiled; `hint` says how to mend it."""

    pointer: str
    message: str
    hint: str | None = None


class InvalidExpression(ValueError):
    """An expression cannot be compiled; `problems` holds every fault found, in document order."""

    def __init__(self, problems: Iterable[ExpressionProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.message} at {p.pointer or '/'}" for p in self.problems))


def pointer_to(parent: str, key: str | int) -> str:
    """The JSON pointer of a member; RFC 6901."""
    return f"{parent}/{str(key).replace('~', '~0').replace('/', '~1')}"
