"""From a Map Run's items to its children, from any item on: read, selected, batched."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from engine.clock import Clock
from engine.core.failures import RUNTIME, Failure
from engine.core.limits import Limits
from engine.core.states.distributed.batching import Batching, Child
from engine.core.states.distributed.selecting import Item, Selecting
from engine.core.states.distributed.spec import MapRunSpec
from engine.language.expressions.patience import Exhausted, Patience
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Machine


class SourceFailed(Exception):
    """The items cannot be read, or made into children: the Map Run fails with this."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.cause)


class Items(Protocol):
    """The items of one run."""

    @property
    def pin(self) -> str:
        """Names what they are read from, once that is known: opened with it again, they are the same or refused."""

    def items(self, start: int) -> AsyncGenerator[Item]:
        """The items from index `start` on. Raises SourceFailed."""


OpenItems = Callable[
    [MapRunSpec, str], Items
]  # with the pin of when they were opened before, or ""


class StateData:
    """The items that the state's own data holds."""

    pin = ""

    def __init__(self, spec: MapRunSpec, _pin: str = "") -> None:
        self._found = spec.items or ()

    async def items(self, start: int) -> AsyncGenerator[Item]:
        if isinstance(self._found, dict):
            for index, (key, value) in enumerate(self._found.items()):
                if index >= start:
                    yield Item(index, value, key=key)
            return
        for index in range(start, len(self._found)):
            yield Item(index, self._found[index])


class Source:
    """Makes the children of one run. `machine` is that of the Map's own definition."""

    def __init__(
        self,
        machine: Machine,
        spec: MapRunSpec,
        seed: bytes,
        limits: Limits,
        items: Items,
        clock: Clock,
    ) -> None:
        self._selecting = Selecting(machine, spec, seed)
        self._spec = spec
        self._limits = limits
        self._items = items
        self._clock = clock

    @property
    def pin(self) -> str:
        """See `Items`: to be kept with the run as soon as anything is made of what was read."""
        return self._items.pin

    async def children(self, index: int, item: int) -> AsyncGenerator[Child]:
        """The children from the `index`-th on, whose first item is the `item`-th. Raises SourceFailed."""
        batching = Batching(self._spec, self._limits, index=index)
        try:
            async with aclosing(self._items.items(item)) as items:
                async for each in items:
                    selected = self._selecting.select(each, Patience.last(self._clock.monotonic))
                    for child in batching.add(each, selected):
                        yield child
        except ExpressionError as error:
            raise SourceFailed(Failure(error.error, error.cause)) from error
        except Exhausted:
            cause = "An expression of ItemSelector takes longer than can be waited for."
            raise SourceFailed(Failure(RUNTIME, cause)) from None
        for child in batching.close():
            yield child
