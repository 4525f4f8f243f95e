"""The client for code without an event loop: the same methods, made of the same code.

`SyncClient` runs a `Client` on an event loop in a thread of its own and waits for its answers. Safe to share between
threads. There is no second copy of any method: each is the async one, wrapped, with its signature.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from detent.client import Client
from detent.pages import Pages, SyncPages
from detent.transport import RETRY_SECONDS

P = ParamSpec("P")
T = TypeVar("T")


class LoopThread:
    """An event loop in a daemon thread, begun with the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def call(self, deed: Coroutine[Any, Any, T]) -> T:
        """Run to the end on the loop; what it returned or raised. An interrupt cancels it."""
        future = asyncio.run_coroutine_threadsafe(deed, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            # Listings that were left in the middle.
            asyncio.run_coroutine_threadsafe(loop.shutdown_asyncgens(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="detent-client", daemon=True
                )
                self._thread.start()
            return self._loop


def _blocking(
    method: Callable[Concatenate[Client, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[SyncClient, P], T]:
    @functools.wraps(method)
    def call(self: SyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.thread.call(method(self.client, *args, **kwargs))

    return call


def _paged(
    method: Callable[Concatenate[Client, P], Pages[T]],
) -> Callable[Concatenate[SyncClient, P], SyncPages[T]]:
    @functools.wraps(method)
    def call(self: SyncClient, /, *args: P.args, **kwargs: P.kwargs) -> SyncPages[T]:
        pages = method(self.client, *args, **kwargs)
        return SyncPages(lambda: _pulled(self.thread, pages.pages()))

    return call


class SyncClient:
    """`Client`, blocking. Use as `with SyncClient() as client`, or call `close()` at the end."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self.client = Client(url, token, retry_seconds=retry_seconds)
        self.thread = LoopThread()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end the thread."""
        self.thread.call(self.client.close())
        self.thread.stop()

    publish = _blocking(Client.publish)
    validate = _blocking(Client.validate)
    definitions = _paged(Client.definitions)
    definition = _blocking(Client.definition)
    versions = _blocking(Client.versions)
    set_alias = _blocking(Client.set_alias)
    aliases = _blocking(Client.aliases)
    remove_alias = _blocking(Client.remove_alias)
    start = _blocking(Client.start)
    start_many = _blocking(Client.start_many)
    describe = _blocking(Client.describe)
    executions = _paged(Client.executions)
    history = _paged(Client.history)
    follow = _paged(Client.follow)
    signal = _blocking(Client.signal)
    broadcast = _blocking(Client.broadcast)
    signals = _paged(Client.signals)
    plan_migration = _blocking(Client.plan_migration)
    verdicts = _paged(Client.verdicts)
    migrate = _blocking(Client.migrate)
    roll_back = _blocking(Client.roll_back)
    order_many = _blocking(Client.order_many)
    operation = _blocking(Client.operation)
    refusals = _paged(Client.refusals)
    steer = _blocking(Client.steer)
    order = _blocking(Client.order)
    stop = _blocking(Client.stop)
    lease = _blocking(Client.lease)
    exchange = _blocking(Client.exchange)
    succeed = _blocking(Client.succeed)
    fail = _blocking(Client.fail)
    heartbeat = _blocking(Client.heartbeat)
    health = _blocking(Client.health)


def _pulled(thread: LoopThread, pages: AsyncIterator[list[T]]) -> Iterator[list[T]]:
    """The pages, each fetched on the loop when it is asked for."""
    while (page := thread.call(_following(pages))) is not None:
        yield page


async def _following(pages: AsyncIterator[list[T]]) -> list[T] | None:
    return await anext(pages, None)
