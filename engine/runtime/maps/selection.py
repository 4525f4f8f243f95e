"""Applying ItemSelector: in the loop, where others wait, and apart where that takes long, as transitions are decided.

What takes long apart is not tried in the loop for the next item either, until it has been quick.
"""

from __future__ import annotations

from engine.clock import Clock
from engine.core.failures import RUNTIME
from engine.core.states.distributed.selecting import Item, Selecting
from engine.core.states.distributed.spec import MapRunSpec
from engine.documents import Document
from engine.language.expressions.patience import LOOP_MS, Exhausted, OverBudget, Patience
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Machine
from engine.runtime.deciders import Deciders, NotNow, Read, Selection

AGAIN_SECONDS = 1.0
TOO_LONG = "An expression of ItemSelector takes longer, or more memory, than is allowed."


class Selector:
    """Of one run. `source` reads the definition of `machine`; `seed` is what chance derives from."""

    def __init__(
        self,
        machine: Machine,
        source: Read,
        spec: MapRunSpec,
        seed: bytes,
        deciders: Deciders,
        clock: Clock,
    ) -> None:
        self._selecting = Selecting(machine, spec, seed)
        self._known_as = machine.content_hash
        self._source = source
        self._spec = spec
        self._seed = seed
        self._deciders = deciders
        self._clock = clock
        self._is_slow = False

    async def select(self, item: Item) -> Document:
        """What the item's child gets of it. Raises ExpressionError."""
        if not self._is_slow:
            try:
                return self._selecting.select(item, Patience.in_loop(self._clock.monotonic))
            except OverBudget:
                self._is_slow = True
        about = Selection(self._known_as, self._source, self._spec, self._seed, item)
        selected = await self._apart(about)
        if selected is not None:
            document, seconds = selected
            self._is_slow = seconds * 1000 >= LOOP_MS / 2
            return document
        try:
            return self._selecting.select(item, Patience.last(self._clock.monotonic))
        except Exhausted:
            raise ExpressionError(TOO_LONG, RUNTIME) from None

    async def _apart(self, about: Selection) -> tuple[Document, float] | None:
        """As `Deciders.select`; waits until a process can be had."""
        while True:
            try:
                return await self._deciders.select(about)
            except NotNow:
                await self._clock.sleep(AGAIN_SECONDS)
