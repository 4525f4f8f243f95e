"""A Redis whose n-th call goes wrong: it fails before, fails after, or ends or stops the process that made it.

Unlike a real process, what is left of a killed one still runs its `finally` blocks; none of them reaches the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from engine.errors import OutcomeUnknown, StoreUnavailable
from engine.store.connection import Redis
from engine.store.server.link import Argument

Fault = Literal["refused", "unknown", "killed before", "killed after", "stopped"]
FAULTS: tuple[Fault, ...] = ("refused", "unknown", "killed before", "killed after", "stopped")


class Killed(BaseException):
    """The process is gone. Not an Exception: nothing in it may go on."""


class FaultyRedis:
    """Stands between one engine and a real Redis. The plan names calls by number, from 1, over the whole run."""

    def __init__(self, real: Redis, plan: dict[int, Fault], made: int = 0) -> None:
        self._real = real
        self._plan = plan
        self.made = made  # calls so far, of all engines of the run
        self.hit = 0  # faults so far
        self.dead = False
        self.stopped = asyncio.Event()  # the process stands still, until `resume`
        self._resumed = asyncio.Event()

    def resume(self) -> None:
        """Let a stopped process go on: a zombie, whose claims others have had meanwhile."""
        self._resumed.set()

    def call(self, key: str | None, *args: Argument) -> asyncio.Future[Any]:
        return asyncio.ensure_future(self._run(lambda: self._real.call(key, *args)))

    def script(
        self, name: str, keys: Sequence[str], args: Sequence[Argument]
    ) -> asyncio.Future[Any]:
        return asyncio.ensure_future(self._run(lambda: self._real.script(name, keys, args)))

    async def _run(self, send: Any) -> Any:
        if self.dead:
            raise Killed
        self.made += 1
        fault = self._plan.get(self.made)
        if fault is None:
            reply = await send()
            if self.dead:
                raise Killed
            return reply
        self.hit += 1
        if fault == "stopped":
            self.stopped.set()
            await self._resumed.wait()
            return await send()
        self.dead = fault.startswith("killed")
        if fault in ("unknown", "killed after"):
            await send()
        if self.dead:
            raise Killed
        raise (StoreUnavailable if fault == "refused" else OutcomeUnknown)("as planned")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
