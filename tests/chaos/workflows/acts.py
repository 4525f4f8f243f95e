"""What the performer of a task does with each attempt: a function of (seed, execution, state, item) alone.

The generator computes from it how a task ends; workers and the effect server, in processes of their own, what to do.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

RETRIES = 2  # of Busy, as the grammar writes it
MANNERS = ("plain",) * 10 + ("slow", "slow", "forget", "forget", "twice", "twice")
HTTP_MANNERS = ("plain",) * 10 + ("slow", "reset", "reset")
CALLBACK_MANNERS = ("plain",) * 6 + ("slow", "slow", "early", "twice")

QUEUES = {"work": "chaos-work", "silent": "chaos-silent", "close": "chaos-close"}


@dataclass(frozen=True)
class Act:
    """`busy`: how many attempts are refused before one is done. `error`: what that one ends with, None for success.

    Manners: slow (answers after `delay`), forget (its first performer dies after the deed, before it says so), twice
    (answers twice, then once more with something else), reset (does it, then breaks the connection; first attempt
    only), early (calls back before it has answered the request).
    """

    busy: int
    error: str | None
    manner: str
    delay: float


def act_of(seed: int, execution: str, state: str, item: int, kind: str) -> Act:
    chance = random.Random(f"act/{seed}/{execution}/{state}/{item}/{kind}")
    busy = chance.choice((0,) * 12 + (1, 1, 2) + ((3,) if chance.random() < 0.3 else ()))
    declined = chance.random() < 0.03
    match kind:
        case "work":
            manner = chance.choice(MANNERS)
            delay = chance.uniform(0.1, 1.0)
            return Act(busy, "Declined" if declined else None, manner, delay)
        case "call":
            manner = chance.choice(HTTP_MANNERS)
            error = "States.Http.StatusCode.422" if declined else None
            return Act(busy, error, manner, chance.uniform(0.05, 0.5))
        case "callback":
            manner = chance.choice(CALLBACK_MANNERS)
            delay = chance.uniform(0.05, 1.0)
            return Act(0, "Declined" if declined else None, manner, delay)
        case "close":
            return Act(0, None, "slow", chance.uniform(0.8, 1.6))
        case _:  # silent, mute: nobody answers
            return Act(0, None, "silent", 0.0)


def result_of(given: dict[str, Any]) -> dict[str, Any]:
    """The output of a task that was done: it tells which one it was, and carries what JSON readers like to damage."""
    item = given["item"]
    return {"did": given["state"], "item": item, "echo": [2**53 + 1, [], {}, "é\u2028", 0.1]}
