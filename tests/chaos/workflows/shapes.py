"""The definitions of a seed, and which of them each numbered run is of."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from tests.chaos.workflows import steps
from tests.chaos.workflows.expected import Expected
from tests.chaos.workflows.grammar import (
    Branches,
    Definition,
    Each,
    Either,
    Flow,
    Nested,
    chance_of,
)
from tests.chaos.workflows.steps import Loop, Pass, Signals, Step, Task, Wait

TOPS, CHILDREN = 36, 8  # definitions of a seed
STOPPED = 0.02  # part of the runs that are stopped at a random moment
# A Map of few items mostly, of many now and then: what a run costs is bounded by this.
ITEMS, MANY, OFTEN_MANY = (1, 2, 3, 4, 5, 6, 8, 12), (20, 50), 0.1


class Author:
    """Writes the flows of one definition; names count up, so that no two states share one."""

    def __init__(self, prefix: str, chance: random.Random, url: str, children: list[Definition]):
        self._prefix = prefix
        self._chance = chance
        self._url = url
        self._children = children
        self._count = 0

    def _name(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count}"

    def top(self, *, first: tuple[Step, ...], length: int, fails: bool) -> Flow:
        made = [self._step(depth=0) for _ in range(length)]
        return Flow(self._name(), (*first, *made), fails)

    def near(self) -> Signals:
        """A signal that comes about when its time is over: at the beginning, where the sender knows when that is."""
        return Signals(self._name(), "near", 1)

    def _flow(self, depth: int, length: int) -> Flow:
        return Flow(self._name(), tuple(self._step(depth=depth) for _ in range(length)))

    def _step(self, *, depth: int) -> Step:
        """`depth` 0 is the flow of an execution, 1 a branch or a choice in it, 2 the items of a Map."""
        chance = self._chance
        weights = {
            "pass": 3, "loop": 1, "wait": 2, "work": 5, "silent": 0.4, "close": 0.4,
            "call": 3, "mute": 0.3, "callback": 1.5,
        }  # fmt: skip
        if depth < 2:
            weights |= {"either": 1, "signal": 1.5, "never": 0.3}
        if depth == 0:
            weights |= {"parallel": 1.5, "map": 1.5}
        if self._children:
            weights |= {"nested": 1 if depth else 2}
        kind = chance.choices(list(weights), list(weights.values()))[0]
        return self._made(kind, depth)

    def _made(self, kind: str, depth: int) -> Step:
        chance, name = self._chance, self._name()
        caught = chance.random() < 0.7
        match kind:
            case "pass":
                return Pass(name, chance.randrange(1000))
            case "loop":
                return Loop(name, chance.randint(2, 8))
            case "wait":
                return Wait(name, chance.choice((0, 0, 1, 1, 2, 3)))
            case "work" | "call" | "callback":
                return Task(name, kind, caught, self._url)
            case "silent" | "close" | "mute":
                return Task(name, kind, kind != "silent" or caught, self._url)
            case "signal":
                return Signals(name, "prompt", chance.choice((1, 1, 2, 3)))
            case "never":
                return Signals(name, "never", 1)
            case "nested":
                return Nested(name, chance.choice(self._children), caught)
            case "either":
                low = max(depth, 1)
                flows = [self._flow(low, chance.randint(0, 2)) for _ in range(2)]
                return Either(name, chance.randint(2, 8), *flows)
            case "parallel":
                flows = [self._flow(1, chance.randint(1, 2)) for _ in range(chance.randint(2, 4))]
                return Branches(name, tuple(flows), caught)
            case _:
                count = chance.choice(MANY if chance.random() < OFTEN_MANY else ITEMS)
                flow = self._flow(2, 1 if count > 6 else chance.randint(1, 2))
                return Each(name, flow, count, chance.choice((0, 1, 3, 10)), caught)


@dataclass(frozen=True)
class Run:
    """One execution of the load: what it is started with, and how it may end. `stop`: seconds until it is stopped."""

    number: int
    definition: str
    coin: int
    stop: float | None
    expected: Expected

    @property
    def name(self) -> str:
        return f"r{self.number}"


class Shapes:
    """All definitions of a seed. `url` is the effect server's."""

    def __init__(self, seed: int, url: str = "http://127.0.0.1:9") -> None:
        self.seed = seed
        self.children = [self._child(number, url) for number in range(CHILDREN)]
        self.tops = [self._top(number, url) for number in range(TOPS)]

    def _child(self, number: int, url: str) -> Definition:
        chance = chance_of("child", self.seed, number)
        author = Author(f"C{number}S", chance, url, [])
        flow = author.top(first=(), length=chance.randint(1, 2), fails=chance.random() < 0.1)
        return Definition(f"chaos-child-{number}", _without_signals(flow))

    def _top(self, number: int, url: str) -> Definition:
        chance = chance_of("top", self.seed, number)
        author = Author("S", chance, url, self.children)
        first = (author.near(),) if number % 12 == 0 else ()
        flow = author.top(first=first, length=chance.randint(2, 4), fails=chance.random() < 0.08)
        return Definition(f"chaos-{number}", flow)

    def run(self, number: int) -> Run:
        chance = chance_of("run", self.seed, number)
        top = self.tops[number % TOPS]
        coin = chance.randrange(10)
        stop = chance.uniform(0.2, 5.0) if chance.random() < STOPPED else None
        expected = top.expected(self.seed, f"{top.name}:r{number}", coin)
        if stop is not None:
            expected.loosen_all()
        return Run(number, top.name, coin, stop, expected)


def _without_signals(flow: Flow) -> Flow:
    """Nobody sends signals to children."""
    kept = tuple(step for step in flow.steps if not _waits_for_signals(step))
    return Flow(flow.name, kept or (Pass(f"{flow.name}-only", 1),), flow.fails)


def _waits_for_signals(step: Step) -> bool:
    match step:
        case Signals(manner=manner):
            return manner != "never"
        case Either(heads=heads, tails=tails):
            return any(map(_waits_for_signals, (*heads.steps, *tails.steps)))
        case Branches(flows=flows):
            return any(_waits_for_signals(each) for flow in flows for each in flow.steps)
        case Each(flow=flow):
            return any(map(_waits_for_signals, flow.steps))
        case _:
            return False


@cache
def shapes_of(seed: int) -> Shapes:
    """For whoever only wants to know how runs end."""
    return Shapes(seed)


__all__ = ["Run", "Shapes", "shapes_of", "steps"]
