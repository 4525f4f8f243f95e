"""How long the expressions of one transition may take: in the engine's loop hardly at all, in a process of their own a second.

Nothing here reads a clock of its own: whoever may know the time passes it in.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn, Self

LOOP_MS = 50  # of one transition in the engine's loop; others wait meanwhile
EXPRESSION_MS = 1_000  # as AWS Step Functions (measured)
LOOP_EFFORT_MAX = 100_000  # see `scope.EFFORT_MAX`; of one transition in the engine's loop


class OverBudget(Exception):
    """The expressions take longer than can be waited for here; nothing was decided. Repeat the transition with more patience."""


class Exhausted(Exception):
    """The same where nobody has more patience: the expression fails."""


class Patience:
    """The time and the effort that the expressions of one transition share.

    `milliseconds` count from the making by `clock` (seconds, monotonic); without a clock each expression has all of
    them. `effort_max` bounds the effort of all expressions together (see `scope`); None: only each scope's own bound
    counts. With `insists` an expression that takes more fails; else OverBudget is raised instead, or, where this is the
    last attempt, Exhausted, and no expression is begun that might take more.
    """

    __slots__ = ("_clock", "_milliseconds", "_until", "effort_left", "insists", "is_last")

    def __init__(
        self,
        milliseconds: int = EXPRESSION_MS,
        clock: Callable[[], float] | None = None,
        *,
        insists: bool = True,
        effort_max: int | None = None,
        is_last: bool = False,
    ) -> None:
        self._clock = clock
        self._milliseconds = milliseconds
        self._until = 0.0 if clock is None else clock() + milliseconds / 1000
        self.effort_left: int | None = effort_max
        self.insists = insists
        self.is_last = is_last

    @classmethod
    def in_loop(cls, clock: Callable[[], float]) -> Self:
        """While others wait: what takes long is left to somebody with more patience."""
        return cls(LOOP_MS, clock, insists=False, effort_max=LOOP_EFFORT_MAX)

    @classmethod
    def last(cls, clock: Callable[[], float]) -> Self:
        """While others wait and nobody has more patience: what takes long fails."""
        return cls(LOOP_MS, clock, insists=False, effort_max=LOOP_EFFORT_MAX, is_last=True)

    @classmethod
    def alone(cls, clock: Callable[[], float]) -> Self:
        """In a process that can be killed."""
        return cls(EXPRESSION_MS, clock)

    def left_ms(self) -> int:
        """What is left; at least 1. Gives up where nothing is and nobody insists."""
        if self._clock is None:
            return self._milliseconds
        left = round((self._until - self._clock()) * 1000)
        if left <= 0 and not self.insists:
            self.give_up()
        return max(1, left)

    def affords(self, effort: int) -> bool:
        """Take so much from the effort that is left; False when that is more than there is."""
        if self.effort_left is None:
            return True
        self.effort_left -= effort
        return self.effort_left >= 0

    def most(self, effort: int) -> int:
        """The smaller of `effort` and what is left; never negative."""
        left = sys.maxsize if self.effort_left is None else self.effort_left
        return max(0, min(effort, left))

    def give_up(self) -> NoReturn:
        """Leave the decision to somebody with more patience, if there is anybody."""
        raise Exhausted if self.is_last else OverBudget
