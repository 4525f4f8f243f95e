"""The way to Redis of one process of a flow, on which one named call goes wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from faulty import READS as PLAIN_READS

from engine.errors import OutcomeUnknown, StoreUnavailable
from engine.store.connection import Redis
from engine.store.server.link import Argument

How = Literal["refused", "unknown", "killed before", "killed after", "stopped"]
HOWS: tuple[How, ...] = ("refused", "unknown", "killed before", "killed after", "stopped")

# What changes nothing is no point of its own: how often it is called differs from run to run.
READS = PLAIN_READS | frozenset(
    [
        "CLUSTER",
        "CONFIG",
        "DBSIZE",
        "HKEYS",
        "HVALS",
        "MEMORY",
        "MGET",
        "PTTL",
        "SCAN",
        "SCARD",
        "SCRIPT",
        "SISMEMBER",
        "SRANDMEMBER",
        "SSCAN",
        "STRLEN",
        "TTL",
        "XRANGE",
        "XREVRANGE",
        "ZCOUNT",
        "ZRANGEBYLEX",
        "ZRANGEBYSCORE",
        "ZREVRANGE",
        "ZSCAN",
    ]
)


@dataclass(frozen=True)
class Point:
    """The `nth` passage of a script or command, and what becomes of it.

    refused: it is not executed. unknown: it is, and nobody is told. killed: the process dies, before or after it was
    executed. stopped: the process stands still, this call and all after it unsent, until it is resumed.
    """

    name: str
    nth: int
    how: How


class Crossing:
    """In place of a `Redis`; `gone` is set when the process is dead or stands still."""

    def __init__(self, real: Redis, point: Point | None) -> None:
        self._real = real
        self._point = point
        self._held: list[tuple[asyncio.Future[Any], Any]] = []
        self._dead = False
        self.stands = False
        self.hit = False
        self.gone = asyncio.Event()
        self.passed: Counter[str] = Counter()

    def call(self, key: str | None, *args: Argument) -> asyncio.Future[Any]:
        return self._cross(str(args[0]), lambda: self._real.call(key, *args))

    def script(
        self, name: str, keys: Sequence[str], args: Sequence[Argument]
    ) -> asyncio.Future[Any]:
        return self._cross(name, lambda: self._real.script(name, keys, args))

    def resume(self) -> None:
        """Let a process that stands still go on: a zombie, whose claims others have had meanwhile."""
        self.stands = False
        held, self._held = self._held, []
        for future, send in held:
            if not future.done():
                _follow(send(), future)

    def _cross(self, name: str, send: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._dead:
            return future
        if self.stands:
            self._held.append((future, send))
            return future
        if name not in READS:
            self.passed[name] += 1
        point = self._point
        if point is None or (point.name, point.nth) != (name, self.passed[name]) or self.hit:
            self._unless_dead(send(), future)
            return future
        self.hit = True
        self._fail(point.how, future, send)
        return future

    def _fail(self, how: How, future: asyncio.Future[Any], send: Any) -> None:
        match how:
            case "refused":
                future.set_exception(StoreUnavailable("as planned"))
            case "unknown":
                send().add_done_callback(
                    lambda _: (
                        None
                        if future.done()
                        else future.set_exception(OutcomeUnknown("as planned"))
                    )
                )
            case "stopped":
                self.stands = True
                self._held.append((future, send))
                self.gone.set()
            case _:
                if how == "killed after":
                    send().add_done_callback(lambda done: done.cancelled() or done.exception())
                self._dead = True
                self.gone.set()
        if future.done():
            future.exception()

    def _unless_dead(self, sent: asyncio.Future[Any], future: asyncio.Future[Any]) -> None:
        """A process that has died, or stands still, sees no answers any more."""

        def pass_on(done: asyncio.Future[Any]) -> None:
            if self._dead or done.cancelled():
                done.cancelled() or done.exception()
            elif self.stands:
                self._held.append((future, lambda: done))
            else:
                _copy(done, future)

        sent.add_done_callback(pass_on)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _follow(sent: asyncio.Future[Any], future: asyncio.Future[Any]) -> None:
    sent.add_done_callback(lambda done: _copy(done, future))


def _copy(done: asyncio.Future[Any], future: asyncio.Future[Any]) -> None:
    if done.cancelled() or future.done():
        done.cancelled() or done.exception()
    elif (error := done.exception()) is not None:
        future.set_exception(error)
        future.exception()
    else:
        future.set_result(done.result())
