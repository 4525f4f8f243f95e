"""From a Map Run's items to its children, from any item on: read, selected, batched."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from engine.core.failures import Failure
from engine.core.limits import Limits
from engine.core.states.distributed.batching import Batching, Child
from engine.core.states.distributed.spec import MapRunSpec
from engine.language.expressions.scope import ExpressionError
from engine.runtime.maps.selection import Selector
from engine.tasks.datasets.dataset import Dataset
from engine.tasks.datasets.faults import ItemReaderFailed


class SourceFailed(Exception):
    """Items cannot be read or made into children, or results not be written: the Map Run fails with this."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.cause)


class Source:
    """Makes the children of one run."""

    def __init__(
        self,
        spec: MapRunSpec,
        limits: Limits,
        dataset: Dataset,
        selector: Selector,
    ) -> None:
        self._spec = spec
        self._limits = limits
        self._dataset = dataset
        self._selector = selector

    @property
    def pin(self) -> str:
        """What the dataset is known by again, so that whoever resumes the run reads the same; "" until it has been read."""
        return self._dataset.pin

    async def children(self, index: int, item: int) -> AsyncGenerator[Child]:
        """The children from the `index`-th on, whose first item is the `item`-th. Raises SourceFailed."""
        batching = Batching(self._spec, self._limits, index=index)
        try:
            async with aclosing(self._dataset.items(item)) as items:
                async for each in items:
                    for child in batching.add(each, await self._selector.select(each)):
                        yield child
        except ItemReaderFailed as fault:
            raise SourceFailed(Failure(fault.error, fault.cause)) from None
        except ExpressionError as error:
            raise SourceFailed(Failure(error.error, error.cause)) from None
        for child in batching.close():
            yield child
