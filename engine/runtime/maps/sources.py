"""From a Map Run's items to its children, from any item on: read, selected, batched."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable

from engine.clock import Clock
from engine.core.failures import RUNTIME, Failure
from engine.core.limits import Limits
from engine.core.states.distributed.batching import Batching, Child
from engine.core.states.distributed.selecting import Item, Selecting
from engine.core.states.distributed.spec import MapRunSpec
from engine.language.expressions.patience import Exhausted, Patience
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Machine

ReadItems = Callable[[MapRunSpec, int], AsyncIterator[Item]]


class SourceFailed(Exception):
    """The items cannot be read, or made into children: the Map Run fails with this."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.cause)


async def state_data(spec: MapRunSpec, start: int) -> AsyncIterator[Item]:
    """The items that the state's own data holds, from index `start` on."""
    if isinstance(spec.items, dict):
        for index, (key, value) in enumerate(spec.items.items()):
            if index >= start:
                yield Item(index, value, key=key)
        return
    for index in range(start, len(spec.items or ())):
        yield Item(index, spec.items[index])


class Source:
    """Makes the children of one run. `machine` is that of the Map's own definition."""

    def __init__(
        self,
        machine: Machine,
        spec: MapRunSpec,
        seed: bytes,
        limits: Limits,
        read: ReadItems,
        clock: Clock,
    ) -> None:
        self._selecting = Selecting(machine, spec, seed)
        self._spec = spec
        self._limits = limits
        self._read = read
        self._clock = clock

    async def children(self, index: int, item: int) -> AsyncGenerator[Child]:
        """The children from the `index`-th on, whose first item is the `item`-th. Raises SourceFailed."""
        batching = Batching(self._spec, self._limits, index=index)
        try:
            async for each in self._read(self._spec, item):
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
