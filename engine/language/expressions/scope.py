"""What an expression may read besides the value it is applied to, and how it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Entropy(Protocol):
    """Seeded chance of one state entry: the same calls in the same order give the same answers after a crash."""

    def uuid(self) -> str:
        """A version 4 UUID, lower-case."""

    def uniform(self) -> float:
        """A float in [0, 1)."""

    def below(self, bound: int) -> int:
        """An integer in [0, bound)."""


class Scope:
    """The surroundings of one evaluation: the Context Object (`$$`), built only if read, and chance."""

    __slots__ = ("_build", "_context", "entropy")

    def __init__(self, context: Callable[[], Mapping[str, Any]], entropy: Entropy) -> None:
        self._build = context
        self._context: Mapping[str, Any] | None = None
        self.entropy = entropy

    @property
    def context(self) -> Mapping[str, Any]:
        """The Context Object as JSON; https://states-language.net/spec.html#context-object."""
        if self._context is None:
            self._context = self._build()
        return self._context


class ExpressionError(Exception):
    """An expression cannot be evaluated; becomes the state's failure.

    `cause` is AWS's text without the "An error occurred while executing the state ..." prefix, which the core adds.
    JSONPath mode always fails as States.Runtime, which no Retry or Catch sees (measured).
    """

    def __init__(self, cause: str, error: str = "States.Runtime") -> None:
        self.error = error
        self.cause = cause
        super().__init__(f"{error}: {cause}")
