"""A Redis that fails when it is told to: between the engine and a real one, it loses a call, an answer or everything.

Put it in the place of `engine.store.connection.Redis`: `engine.redis = FaultyRedis(engine.redis)` before `start`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from engine.errors import OutcomeUnknown, StoreUnavailable
from engine.store.connection import Redis
from engine.store.server.link import Argument

How = Literal["before", "after", "die"]

# What changes nothing is not counted: a sweep's look at the partitions would make the n-th call another every time.
READS = frozenset(
    [
        "EXISTS",
        "GET",
        "HEXISTS",
        "HGET",
        "HGETALL",
        "HLEN",
        "HMGET",
        "HSCAN",
        "INFO",
        "LLEN",
        "LRANGE",
        "SMEMBERS",
        "TIME",
        "TYPE",
        "ZCARD",
        "ZRANGE",
        "ZSCORE",
    ]
)


class FaultyRedis:
    """Counts calls that may write, scripts and commands alike, and fails the n-th from now in one of three ways.

    "before": it is not sent and ends as StoreUnavailable. "after": it is executed and ends as OutcomeUnknown.
    "die": neither it nor anything after it is sent, nor are answers of those on their way seen: as for a process that
    was killed. Nobody gets an answer then; `died` is set, and the engine in question is to be thrown away.
    """

    def __init__(self, real: Redis, *, reads: bool = False) -> None:
        self.real = real
        self.calls = 0  # that counted, so far
        self.names: list[str] = []  # of those calls, in order
        self.died = asyncio.Event()
        self._reads = reads
        self._faults: dict[int, How] = {}

    def fail(self, at: int, how: How) -> None:
        """Fail the `at`-th counted call from now; 1 is the next. Several may be armed."""
        assert at >= 1
        self._faults[self.calls + at] = how

    def call(self, key: str | None, *args: Argument) -> asyncio.Future[Any]:
        name = str(args[0])
        if self.died.is_set():
            return _never()
        if name in READS and not self._reads:
            return self._unless_dead(self.real.call(key, *args))
        return self._run(name, lambda: self.real.call(key, *args))

    def script(
        self, name: str, keys: Sequence[str], args: Sequence[Argument]
    ) -> asyncio.Future[Any]:
        if self.died.is_set():
            return _never()
        return self._run(name, lambda: self.real.script(name, keys, args))

    def _run(self, name: str, send: Any) -> asyncio.Future[Any]:
        self.calls += 1
        self.names.append(name)
        match self._faults.pop(self.calls, None):
            case None:
                return self._unless_dead(send())
            case "before":
                return _failed(StoreUnavailable("lost on the way there"))
            case "after":
                return asyncio.ensure_future(_unknown(send()))
            case "die":
                self.died.set()
                return _never()

    def _unless_dead(self, future: asyncio.Future[Any]) -> asyncio.Future[Any]:
        """The answer, unless this process is dead by the time it comes."""
        shown = asyncio.get_running_loop().create_future()

        def pass_on(answered: asyncio.Future[Any]) -> None:
            if shown.done() or self.died.is_set() or answered.cancelled():
                answered.cancelled() or answered.exception()
            elif answered.exception() is not None:
                shown.set_exception(answered.exception())
                shown.exception()
            else:
                shown.set_result(answered.result())

        future.add_done_callback(pass_on)
        return shown

    def __getattr__(self, name: str) -> Any:
        """Everything else is the real one's: open, close, each_node, cluster, connections, new_connection, url."""
        return getattr(self.real, name)


async def _unknown(sent: asyncio.Future[Any]) -> Any:
    await sent
    raise OutcomeUnknown("the answer was lost")


def _never() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


def _failed(error: Exception) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    future.exception()
    return future
