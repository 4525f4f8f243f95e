"""From a Map Run's items to its children, from any item on: read, selected, batched."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from engine.clock import Clock
from engine.core.failures import RUNTIME, Failure
from engine.core.limits import Limits
from engine.core.states.distributed.batching import Batching, Child
from engine.core.states.distributed.selecting import Selecting
from engine.core.states.distributed.spec import MapRunSpec
from engine.language.expressions.patience import Exhausted, Patience
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Machine
from engine.tasks.datasets.dataset import Dataset
from engine.tasks.datasets.faults import ItemReaderFailed


class SourceFailed(Exception):
    """Items cannot be read or made into children, or results not be written: the Map Run fails with this."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.cause)


class Source:
    """Makes the children of one run. `machine` is that of the Map's own definition; `seed` is what chance derives from."""

    def __init__(
        self,
        machine: Machine,
        spec: MapRunSpec,
        seed: bytes,
        limits: Limits,
        dataset: Dataset,
        clock: Clock,
    ) -> None:
        self._selecting = Selecting(machine, spec, seed)
        self._spec = spec
        self._limits = limits
        self._dataset = dataset
        self._clock = clock

    @property
    def pin(self) -> str:
        """What the dataset is known by again, so that whoever resumes the run reads the same; "" until it has been read."""
        return self._dataset.pin

    async def children(self, index: int, item: int) -> AsyncGenerator[Child]:
        """The children from the `index`-th on, whose first item is the `item`-th. Raises SourceFailed."""
        batching = Batching(self._spec, self._limits, index=index)
        try:
            async for each in self._dataset.items(item):
                selected = self._selecting.select(each, Patience.last(self._clock.monotonic))
                for child in batching.add(each, selected):
                    yield child
        except ItemReaderFailed as fault:
            raise SourceFailed(Failure(fault.error, fault.cause)) from None
        except ExpressionError as error:
            raise SourceFailed(Failure(error.error, error.cause)) from None
        except Exhausted:
            cause = "An expression of ItemSelector takes longer than can be waited for."
            raise SourceFailed(Failure(RUNTIME, cause)) from None
        for child in batching.close():
            yield child
