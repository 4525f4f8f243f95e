"""How long the expressions of one transition may take: in the engine's loop hardly at all, in a process of their own a second.

Nothing here reads a clock of its own: whoever may know the time passes it in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

LOOP_MS = 50  # of one transition in the engine's loop; others wait meanwhile
EXPRESSION_MS = 1_000  # as AWS Step Functions (measured)
LOOP_EFFORT_MAX = 100_000  # see `scope.EFFORT_MAX`; of one transition in the engine's loop


class OverBudget(Exception):
    """The expressions take longer than can be waited for here; nothing was decided. Repeat the transition with more patience."""


class Patience:
    """The time that the expressions of one transition share.

    `milliseconds` count from the making by `clock` (seconds, monotonic); without a clock each expression has all of
    them. With `insists` an expression that takes longer fails; else OverBudget is raised instead.
    """

    __slots__ = ("_clock", "_milliseconds", "_until", "insists")

    def __init__(
        self,
        milliseconds: int = EXPRESSION_MS,
        clock: Callable[[], float] | None = None,
        *,
        insists: bool = True,
    ) -> None:
        self._milliseconds = milliseconds
        self._clock = clock
        self._until = 0.0 if clock is None else clock() + milliseconds / 1000
        self.insists = insists

    def left_ms(self) -> int:
        """What is left; at least 1. Raises OverBudget where nothing is and nobody insists."""
        if self._clock is None:
            return self._milliseconds
        left = round((self._until - self._clock()) * 1000)
        if left <= 0 and not self.insists:
            self.give_up()
        return max(1, left)

    def give_up(self) -> NoReturn:
        """Leave the decision to somebody with more patience."""
        raise OverBudget
