"""The generator: what each order is, how its workers behave, and how it must end.

Everything is a function of (seed, number), so that the checker can compute it again from the seed alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

DEFINITION = "kill-order"
SIGNAL = "PickedUp"
ROUNDS = 30  # of the loop at the beginning; as order.yaml
EXTRA = "Extra"  # a signal that no state waits for: it must be listed at the end
SDK_QUEUES = ("charge", "reserve", "label", "pick")  # performed by the SDK's Worker
NOTIFY_QUEUE = "notify"  # performed by a loop of our own, which sees each acknowledgement


@dataclass(frozen=True)
class Order:
    """`charge_busy` and `picks_busy`: how often the worker says Busy before it does its work."""

    number: int
    declined: bool
    charge_busy: int
    picks_busy: tuple[int, ...]
    signal_delay: float  # seconds after the start was acknowledged
    signal_twice: bool
    extra: bool
    forgotten: bool  # its first notifier does its work and dies before it says so

    @property
    def name(self) -> str:
        return f"o-{self.number}"

    @property
    def execution(self) -> str:
        return f"{DEFINITION}:{self.name}"

    @property
    def input(self) -> dict[str, Any]:
        items = [{"order": self.number, "item": item} for item in range(len(self.picks_busy))]
        return {"order": self.number, "items": items, "checks": {"rounds": 0}}

    @property
    def signals(self) -> tuple[tuple[str, str], ...]:
        """(name, id) of every signal that is sent to it."""
        sent = [(SIGNAL, f"up-{self.number}")]
        if self.extra:
            sent.append((EXTRA, f"extra-{self.number}"))
        return tuple(sent)

    @property
    def status(self) -> str:
        return "FAILED" if self.declined else "SUCCEEDED"

    @property
    def error(self) -> str | None:
        return "Refused" if self.declined else None

    @property
    def output(self) -> Any:
        if self.declined:
            return None
        number = self.number
        prepared = [{"reserve": number}, {"label": number}]
        picked = [{"pick": number, "item": item} for item in range(len(self.picks_busy))]
        return self.input | {
            "checks": {"rounds": ROUNDS},
            "charge": {"charge": number},
            "prepared": prepared,
            "picked": picked,
            "pickUp": {"order": number},
            "notified": {"notify": number},
        }

    def attempts(self) -> dict[tuple[str, int], int]:
        """How many attempts each (queue, item) takes to its end; item is -1 outside the Map."""
        if self.declined:
            return {("charge", -1): self.charge_busy + 1}
        once = dict.fromkeys((("reserve", -1), ("label", -1), ("notify", -1)), 1)
        picks = {("pick", item): busy + 1 for item, busy in enumerate(self.picks_busy)}
        return {("charge", -1): self.charge_busy + 1} | once | picks

    def answer(self, queue: str, item: int, attempt: int) -> str | None:
        """The error a worker fails with, or None where it does its work."""
        if attempt < self.attempts()[queue, item]:
            return "Busy"
        return "Declined" if self.declined and queue == "charge" else None

    def effects(self) -> set[tuple[str, int]]:
        """The (queue, item) that are done in the world, each once."""
        return {at for at, tries in self.attempts().items() if self.answer(*at, tries) is None}


@cache
def order_of(seed: int, number: int) -> Order:
    chance = random.Random(f"{seed}/{number}")
    busy = (0, 0, 0, 1, 2)
    return Order(
        number=number,
        declined=chance.random() < 0.08,
        charge_busy=chance.choice(busy),
        picks_busy=tuple(chance.choice(busy) for _ in range(chance.randint(2, 10))),
        signal_delay=0.0 if chance.random() < 0.5 else chance.uniform(1.0, 6.0),
        signal_twice=chance.random() < 0.1,
        extra=chance.random() < 0.05,
        forgotten=chance.random() < 0.05,
    )


def orders(seed: int, count: int) -> Iterator[Order]:
    return (order_of(seed, number) for number in range(count))
