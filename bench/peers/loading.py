"""A closed loop of callers: so many at once, each begins its next execution when its last has ended.

The measured window opens when every caller has had an answer, and closes after its time, but not before as many executions have
ended in it as there are callers. What still runs then is waited for and not counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

WINDOW_SECONDS_MAX = 20.0
RAMP_SECONDS_MAX = 20.0
LAST_SECONDS_MAX = 90.0
FAILURES_MAX = 50  # then the callers give up


@dataclass
class Load:
    """What a window saw. Moments are monotonic seconds."""

    concurrency: int
    began: float = 0.0
    ended: float = 0.0
    seconds: list[float] = field(default_factory=list)  # of each execution that ended in the window
    failures: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.seconds) / (self.ended - self.began) if self.ended > self.began else 0.0


async def run(
    one: Callable[[], Awaitable[None]],
    concurrency: int,
    seconds: float,
    opened: Callable[[], None],
    closed: Callable[[], None],
) -> Load:
    """Call `one` from `concurrency` callers; `opened` and `closed` are called as the window begins and ends."""
    load = Load(concurrency)
    first, over = 0, False
    clock = time.monotonic
    started = clock()

    async def keep_going() -> None:
        nonlocal first, over
        is_first = True
        while not over:
            began = clock()
            try:
                await one()
            except Exception as error:
                load.failures.append(f"{type(error).__name__}: {error}"[:200])
                over = over or len(load.failures) >= FAILURES_MAX
                await asyncio.sleep(0.05)
            now = clock()
            first, is_first = first + is_first, False
            if not load.began:
                if first >= concurrency or now - started > RAMP_SECONDS_MAX:
                    opened()
                    load.began = clock()
            elif not over:
                load.seconds.append(now - began)
                lasted = now - load.began
                enough = lasted >= seconds and len(load.seconds) >= concurrency
                if enough or lasted > WINDOW_SECONDS_MAX:
                    over = True
                    load.ended = now
                    closed()

    callers = [asyncio.ensure_future(keep_going()) for _ in range(concurrency)]
    _, late = await asyncio.wait(callers, timeout=LAST_SECONDS_MAX)
    for caller in late:
        caller.cancel()
    if late:
        load.failures.append(f"{len(late)} callers had no answer within {LAST_SECONDS_MAX:g} s")
    await asyncio.gather(*callers, return_exceptions=True)
    return load
