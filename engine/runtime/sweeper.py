"""The sweeper: looks at every partition once a second, so that hints may be lost but work may not.

What is ready and unclaimed (a lost doorbell, a holder that died), timers that fall due soon, queues that pollers
wait for: all in one round trip per node. A partition whose node is lost, or that is being moved, holds up no other.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from engine.clock import RedisClock
from engine.runtime.advancer import Advancer
from engine.runtime.dispatcher import Dispatcher
from engine.runtime.timekeeper import Timekeeper
from engine.store.executions import Executions
from engine.store.keys import Keys

READY_MOST = 64  # refs read of one partition at once; more wait until there is room
TIMERS_MOST = 500
PATIENCE_SECONDS = 1.0  # with what was looked at; what answers later is taken note of when it does

Look = Callable[[], Coroutine[Any, Any, None]]


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
        self._out: dict[str, asyncio.Task[None]] = {}  # looks that have not answered yet

    async def tick(self) -> None:
        """Look at every partition; one that has not answered the last time is not asked again. Raises the first error."""
        self._dispatcher.rouse()
        asked = not self._dispatcher.idle
        for p in range(self._keys.partitions):
            if self._advancer is not None:
                self._look(f"ready {p}", functools.partial(self.ready, p))
            if self._timekeeper is not None:
                self._look(f"timers {p}", functools.partial(self._timers, p))
            if asked:
                self._look(f"queues {p}", functools.partial(self._dispatcher.look, p))
        await self._answers([*self._out.values()])

    def _look(self, name: str, look: Look) -> asyncio.Task[None]:
        """Begin to look, if that look is not out already."""
        if name not in self._out:
            self._out[name] = asyncio.get_running_loop().create_task(look(), name=name)
        return self._out[name]

    async def _answers(self, looks: list[asyncio.Task[None]]) -> None:
        """Wait for the answers, with patience; who is told to end takes back all that is out."""
        if not looks:
            return
        try:
            done, _ = await asyncio.wait(looks, timeout=PATIENCE_SECONDS)
        except asyncio.CancelledError:
            for task in self._out.values():
                task.cancel()
            raise
        self._out = {name: task for name, task in self._out.items() if task not in done}
        errors = [task.exception() for task in done if not task.cancelled()]
        for error in filter(None, errors):
            raise error

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
                look = self._look(f"ready {partition}", functools.partial(self.ready, partition))
                await self._answers([look])

    async def _timers(self, partition: int) -> None:
        assert self._timekeeper is not None
        await self._timekeeper.look(partition, TIMERS_MOST)
