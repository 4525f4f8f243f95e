"""The supervisor: repeats ticks with jitter, restarts what fails with backoff, and stops cleanly."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from engine.clock import Clock
from engine.errors import StoreUnavailable
from engine.telemetry import Counters

log = logging.getLogger("detent.supervisor")

BACKOFF_SECONDS_MAX = 5.0


class Supervisor:
    """Owns the loops of a process. Nothing that a loop raises ends it."""

    def __init__(self, clock: Clock, counters: Counters) -> None:
        self._clock = clock
        self._counters = counters
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, seconds: float, name: str, tick: Callable[[], Awaitable[object]]) -> None:
        """Call `tick` about every `seconds`; the jitter keeps many processes apart."""

        async def loop() -> None:
            while True:
                await tick()
                await self._clock.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311 - jitter

        self.forever(name, loop)

    def forever(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Keep `run` running."""

        async def loop() -> None:
            backoff = 0.1
            while True:
                began = self._clock.monotonic()
                try:
                    await run()
                except StoreUnavailable as error:
                    self._counters.add("detent_loop_failures_total")
                    log.warning("%s waits for Redis: %s", name, error)
                except Exception:
                    self._counters.add("detent_loop_failures_total")
                    log.exception("%s failed and is started again", name)
                if self._clock.monotonic() - began > BACKOFF_SECONDS_MAX:
                    backoff = 0.1
                await self._clock.sleep(backoff * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                backoff = min(backoff * 2, BACKOFF_SECONDS_MAX)

        self._tasks.append(asyncio.get_running_loop().create_task(loop(), name=name))

    async def stop(self) -> None:
        """End every loop where it waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
