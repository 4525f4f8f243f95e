"""What an expression may read besides the value it is applied to, and how it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from engine.documents import least_size
from engine.language.expressions.patience import Patience
from engine.language.expressions.timestamps import parse_timestamp

EFFORT_MAX = 2_000_000  # of one scope; ours, one or two seconds
# A node visited is an effort of 1, and so are this many bytes of JSON handled.
BYTES_PER_EFFORT = 16


NO_VARIABLES: Mapping[str, Any] = MappingProxyType({})
ENDURING = Patience()


class Entropy(Protocol):
    """Seeded chance of one state entry: the same calls in the same order give the same answers after a crash."""

    def uuid(self) -> str:
        """A version 4 UUID, lower-case."""

    def uniform(self) -> float:
        """A float in [0, 1)."""

    def below(self, bound: int) -> int:
        """An integer in [0, bound)."""


class Reader(Protocol):
    """A compiled expression, as far as it tells what it reads: a path, or JSONata."""

    @property
    def variables(self) -> frozenset[str]:
        """The names of the variables that it reads, without `$`."""

    @property
    def reads_input(self) -> bool:
        """Whether it can read the data that it is applied to: `$`, or `$states.input`."""

    def reads_context(self, *prefix: str) -> bool:
        """Whether it can read that part of the Context Object, e.g. `("Map",)`; no prefix means any part."""


class Scope:
    """The surroundings of one evaluation: the Context Object (`$$`), built only if read, the variables, chance, and what effort is left.

    All expressions that share a scope share its effort, so that no definition and input together, however many
    expressions it has, can hold up everybody else or fill the memory. The patience is shared by all scopes of a
    transition and may allow less.
    """

    __slots__ = (
        "_build",
        "_context",
        "_left",
        "_now_ms",
        "entropy",
        "patience",
        "variables",
    )

    def __init__(
        self,
        context: Callable[[], Mapping[str, Any]],
        entropy: Entropy,
        variables: Mapping[str, Any] = NO_VARIABLES,
        patience: Patience = ENDURING,
        now_ms: int | None = None,
    ) -> None:
        self._build = context
        self._context: Mapping[str, Any] | None = None
        self.entropy = entropy
        self.variables = variables  # as they were when the state was entered, by name without "$"
        self.patience = patience
        self._now_ms = now_ms
        self._left = EFFORT_MAX

    def note(self, field: str, value: Any) -> None:
        """A field of the state has made this of the data. Nobody asks but the test of a single state, whose scope keeps it."""

    @property
    def effort(self) -> int:
        """What has been spent so far."""
        return EFFORT_MAX - self._left

    def spend(self, effort: int) -> None:
        """Raises ExpressionError when that is more than is left, or OverBudget where others wait."""
        self._left -= effort
        patience = self.patience
        if not patience.affords(effort) or self._left < 0:
            if not (patience.insists or patience.is_last):
                patience.give_up()
            raise ExpressionError("The expressions of a state handle more data than is allowed")

    def spend_on(self, value: Any) -> None:
        """Spend what handling this value takes. Raises ExpressionError when that is more than is left."""
        most = self.patience.most(self._left) * BYTES_PER_EFFORT
        self.spend(1 + least_size(value, most) // BYTES_PER_EFFORT)

    @property
    def now_ms(self) -> int:
        """The moment of this evaluation: what was given, else when the state was entered."""
        if self._now_ms is None:
            entered = self.context.get("State", {}).get("EnteredTime", "1970-01-01T00:00:00Z")
            self._now_ms = parse_timestamp(entered)
        return self._now_ms

    @property
    def context(self) -> Mapping[str, Any]:
        """The Context Object as JSON; https://states-language.net/spec.html#context-object."""
        if self._context is None:
            self._context = self._build()
        return self._context


class ExpressionError(Exception):
    """An expression cannot be evaluated; becomes the state's failure.

    `cause` is AWS's text without the "An error occurred while executing the state ..." prefix, which the core adds.
    JSONPath mode always fails as States.Runtime, which no Retry or Catch sees (measured). JSONata fails as
    States.QueryEvaluationError; `location` is then the field, such as `Output/total` or `Choices[1]/Condition`.
    """

    def __init__(self, cause: str, error: str = "States.Runtime", location: str = "") -> None:
        self.error = error
        self.cause = cause
        self.location = location
        super().__init__(f"{error}: {cause}")
