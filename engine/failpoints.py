"""Named points at which a test has this process killed, stopped, slowed or failed.

Unset, which is always but in tests, `ARMED` is False and a point costs one look at it. Armed by the environment:

    DETENT_FAILPOINTS=NAME:NTH:ACTION[,NAME:NTH:ACTION...]

The NTH passage of the point NAME (1 is the first; 0 is every one) does ACTION: `kill` (SIGKILL to itself), `stop`
(SIGSTOP to itself), `raise` (FailpointHit), or `sleep=SECONDS` (the whole process: nothing of its loop runs meanwhile).

The points, each a line in the code: `if failpoints.ARMED: failpoints.hit("before_commit")`

- after_claim: an execution is claimed, and nothing is decided
- before_commit: a transition is decided, and nothing is sent
- after_commit: a commit is acknowledged, and nobody is told of what it has put out
- before_send: a task that the engine performs itself is leased, and its call is not made
- after_send: its call is answered, and the outcome is not reported
- before_settle, after_settle: around the report of that outcome
- before_errand: an errand is leased, and not run
- after_errand: it is run, and not taken out of its queue
- before_fire, after_fire: around the turning of a due timer into an event
- before_ack_start, before_ack_signal, before_ack_complete: stored, and the caller has no answer
- before_hand_out: tasks are leased for a worker, which has not got them
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final


class FailpointHit(Exception):
    """A test has asked for a failure here."""


@dataclass(frozen=True, slots=True)
class _Order:
    name: str
    nth: int
    action: str


def _read(text: str) -> tuple[_Order, ...]:
    """Raises ValueError for what cannot be read: a misspelt order would prove nothing."""
    orders = []
    for part in filter(None, text.split(",")):
        name, nth, action = part.split(":")
        if action.partition("=")[0] not in ("kill", "stop", "raise", "sleep"):
            raise ValueError(f"DETENT_FAILPOINTS: {action!r} is no action")
        orders.append(_Order(name, int(nth), action))
    return tuple(orders)


_ORDERS: Final = _read(os.environ.get("DETENT_FAILPOINTS", ""))
_passed: Counter[str] = Counter()
ARMED: Final = bool(_ORDERS)


def hit(name: str) -> None:
    """Pass the point `name`, and do what was ordered for this passage."""
    _passed[name] += 1
    for order in _ORDERS:
        if order.name == name and order.nth in (0, _passed[name]):
            _act(order.action)


def _act(action: str) -> None:
    kind, _, value = action.partition("=")
    match kind:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "sleep":
            time.sleep(float(value))
        case _:
            raise FailpointHit("a test has asked for a failure here")
