"""The sweeper: looks at every partition once a second, so that hints may be lost but work may not.

What is ready and unclaimed (a lost doorbell, a holder that died), timers that fall due soon, queues that pollers
wait for: all in one round trip per node.
"""

from __future__ import annotations

import asyncio

from engine.clock import RedisClock
from engine.runtime.advancer import Advancer
from engine.runtime.dispatcher import Dispatcher
from engine.runtime.timekeeper import Timekeeper
from engine.store.executions import Executions
from engine.store.keys import Keys

READY_MOST = 64  # refs read of one partition at once; more wait until there is room
TIMERS_MOST = 500


class Sweeper:
    """`advancer` and `timekeeper` are None in a process that only serves the API."""

    def __init__(
        self,
        executions: Executions,
        keys: Keys,
        clock: RedisClock,
        dispatcher: Dispatcher,
        advancer: Advancer | None,
        timekeeper: Timekeeper | None,
    ) -> None:
        self._executions = executions
        self._keys = keys
        self._clock = clock
        self._dispatcher = dispatcher
        self._advancer = advancer
        self._timekeeper = timekeeper
        self._more: set[int] = (
            set()
        )  # partitions known to hold more ready executions than were read
        self._room = asyncio.Event()

    async def tick(self) -> None:
        """Look at every partition."""
        partitions = range(self._keys.partitions)
        looks = []
        if self._advancer is not None:
            looks += [self.ready(p) for p in partitions]
        if self._timekeeper is not None:
            looks += [self._timers(p) for p in partitions]
        if not self._dispatcher.idle:
            looks.append(self._dispatcher.look())
        await asyncio.gather(*looks)

    async def ready(self, partition: int) -> None:
        """Offer a partition's ready executions to the advancer."""
        if self._advancer is None:
            return
        most = min(READY_MOST, self._advancer.room)
        if most <= 0:
            self._more.add(partition)
            return
        refs = await self._executions.due(partition, self._clock.now_ms(), most)
        self._more.discard(partition)
        if len(refs) == most:
            self._more.add(partition)
        for ref in refs:
            self._advancer.offer(ref)

    def room(self) -> None:
        """The advancer can take more."""
        if self._more:
            self._room.set()

    async def refill(self) -> None:
        """Go on with partitions that held more than could be taken, for ever."""
        while True:
            await self._room.wait()
            self._room.clear()
            for partition in list(self._more):
                if self._advancer is None or self._advancer.room <= 0:
                    break
                await self.ready(partition)

    async def _timers(self, partition: int) -> None:
        assert self._timekeeper is not None
        await self._timekeeper.look(partition, TIMERS_MOST)
