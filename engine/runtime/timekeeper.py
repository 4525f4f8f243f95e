"""The timekeeper: turns due timers into events. Safe to run in many processes.

The sweep shows it what falls due within the next moment, and this process's own commits add to that; it sleeps until
the earliest. A wait of thirty days is one entry in a sorted set that nobody reads until its time has come. Where very many
fall due at once, no more are fired than can be advanced: the others stay where they are, and whatever else comes meanwhile
does not stand in line behind them.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable

from engine import failpoints
from engine.clock import RedisClock
from engine.errors import EngineError
from engine.store.timers import Fired, Timer, Timers
from engine.telemetry import Counters, plain

HORIZON_MS = 1500  # timers due later than this are left to a later sweep
BATCH = 200  # fired at once
ROOM_SECONDS = 0.005  # between looks for room while timers are due and there is none

log = logging.getLogger("detent.timekeeper")


class Timekeeper:
    """`on_ready(ref)` hints that an execution has an event now, `on_task(ref, queue)` that a task can be leased again.

    `room()` is how many more executions could be advanced right now.
    """

    def __init__(
        self,
        timers: Timers,
        clock: RedisClock,
        on_ready: Callable[[str], None],
        on_task: Callable[[str, str], None],
        counters: Counters,
        room: Callable[[], int] = lambda: BATCH,
    ) -> None:
        self._room = room
        self._timers = timers
        self._clock = clock
        self._on_ready = on_ready
        self._on_task = on_task
        self._counters = counters
        self._heap: list[Timer] = []
        self._known: set[Timer] = set()
        self._wake = asyncio.Event()

    def note(self, due_ms: int, member: str) -> None:
        """A timer was set; it is kept here if it is due soon."""
        if due_ms - self._clock.now_ms() > HORIZON_MS:
            return
        timer = Timer(due_ms, member)
        if timer not in self._known:
            self._known.add(timer)
            heapq.heappush(self._heap, timer)
            if self._heap[0] is timer:
                self._wake.set()

    async def look(self, partition: int, most: int) -> bool:
        """Take note of a partition's timers that are due soon; True when there may be more than were read."""
        found = await self._timers.upcoming(partition, self._clock.now_ms() + HORIZON_MS, most)
        for timer in found:
            self.note(timer.due_ms, timer.member)
        return len(found) == most

    async def run(self) -> None:
        """Fire timers as they fall due, for ever."""
        while True:
            fired = await self.tick()
            if fired:
                continue
            self._wake.clear()
            pause = 3600.0
            if self._heap:
                pause = (self._heap[0].due_ms - self._clock.now_ms()) / 1000
                pause = max(pause, 0.001 if self._room() > 0 else ROOM_SECONDS)
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def tick(self) -> int:
        """Fire what is due, at most `BATCH` and as many as there is room for; returns how many were tried."""
        now_ms = self._clock.now_ms()
        most = min(BATCH, self._room())
        due: list[Timer] = []
        while self._heap and self._heap[0].due_ms <= now_ms and len(due) < most:
            due.append(heapq.heappop(self._heap))
        results = await asyncio.gather(*map(self._fire, due))
        for fired in results:
            if fired is None:
                continue
            self._counters.add("detent_timers_fired_total")
            if fired.queue is not None:
                self._on_task(fired.ref, fired.queue)
            else:
                self._on_ready(fired.ref)
        return len(due)

    async def _fire(self, timer: Timer) -> Fired | None:
        """Fire one; a failure leaves it in Redis for the next sweep."""
        self._known.discard(timer)
        try:
            if failpoints.ARMED:
                failpoints.hit("before_fire")
            fired = await self._timers.fire(timer)
            if failpoints.ARMED:
                failpoints.hit("after_fire")
            return fired
        except EngineError:
            return None
        except Exception:
            # What stands in one timer must not hold up the others.
            log.exception("firing %s failed", plain(timer.member))
            return None
