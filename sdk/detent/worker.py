"""The worker: performs the tasks of one or more queues with the functions it is given."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from detent.errors import Unauthenticated
from detent.task import Task
from detent.transport import Transport
from detent.work.contact import Contact
from detent.work.door import Door
from detent.work.handlers import Handler
from detent.work.leases import LeaseKeeper, hand_back
from detent.work.loop import QueueLoop
from detent.work.slots import Slots
from detent.work.threads import Threads

log = logging.getLogger("detent.worker")

LEASE_SECONDS = 30.0  # how long a task waits for another worker when this one dies.
DRAIN_SECONDS = 30.0  # as Kubernetes' grace period.
POLL_SECONDS = 20  # below the idle limits of common proxies (30 to 60 s).
POLL_SECONDS_CROWDED = 1  # with more queues than places: an idle queue passes its place on.
HAND_BACK_SECONDS = 2.0

F = TypeVar("F", bound=Callable[..., Any])


class Worker:
    """Leases tasks, performs up to `concurrency` of them at once, and reports what came of each.

    A task is performed at least once: use its idempotency key. `run()` for a process of its own; `async with worker:`
    or `start()` and `stop()` inside another. `url` and `token` default as for `Client`. `name` is shown beside the
    tasks it holds.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        concurrency: int = 10,
        name: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
        drain_seconds: float = DRAIN_SECONDS,
    ) -> None:
        if concurrency < 1:
            raise ValueError("concurrency is at least 1")
        if not 1 <= lease_seconds <= 3600:
            raise ValueError("lease_seconds is between 1 and 3600")
        self.handlers: dict[str, Handler] = {}
        self.name = name or f"{socket.gethostname()}-{os.getpid()}"
        self._url = url
        self._token = token
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._drain_seconds = drain_seconds
        self._shift: _Shift | None = None

    def task(self, queue: str) -> Callable[[F], F]:
        """Decorate the function, sync or async, that performs the tasks of `queue`; it stays as it is.

        It takes (input) or (input, task) and returns the output, a JSON value. It fails its task by raising: TaskError
        with an error name of its choice, or anything else, which fails it under the exception's class name.
        """

        def register(function: F) -> F:
            if queue in self.handlers:
                raise ValueError(f"queue {queue!r} has a handler already")
            self.handlers[queue] = Handler.of(queue, function)
            return function

        return register

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.stop()
        except Unauthenticated:
            if error is None:
                raise

    async def start(self) -> None:
        """Begin leasing. Returns at once: a server that cannot be reached is tried until it can.

        A server that refuses the token ends the leasing, which is logged as an error; `stop` raises it then.
        """
        if self._shift is not None:
            raise RuntimeError("the worker is running")
        if not self.handlers:
            raise ValueError("the worker has no handler; decorate one with @worker.task(queue)")
        transport = Transport(self._url, self._token)
        self._shift = _Shift(
            list(self.handlers.values()),
            transport,
            Door(transport, self.name, self._lease_seconds),
            self._concurrency,
            self._lease_seconds,
        )
        log.info(
            "worker %s begins: queues %s at %s, up to %d tasks at once",
            self.name,
            ", ".join(self.handlers),
            transport.url,
            self._concurrency,
        )

    async def stop(self, drain_seconds: float | None = None) -> None:
        """Lease no more, let running handlers finish within `drain_seconds`, report their outcomes, disconnect.

        Handlers that take longer are cancelled and their tasks handed back. Does nothing where it does not run.
        Raises Unauthenticated, at the end, where the server had refused the token.
        """
        shift, self._shift = self._shift, None
        if shift is not None:
            await shift.end(self._drain_seconds if drain_seconds is None else drain_seconds)
            if shift.refused.done():
                raise shift.refused.result()

    def run(self) -> None:
        """Work until SIGINT or SIGTERM, then `stop`. A second signal gives up the handlers that still run.

        What the worker logs goes to standard error where the program has not set up logging. Raises Unauthenticated
        where the server refuses the token.
        """
        with _heard():
            asyncio.run(self._run())

    async def _run(self) -> None:
        await self.start()
        shift = self._shift
        if shift is None:
            return
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_signal() -> None:
            if asked.is_set():
                shift.hurry()
            asked.set()

        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            # Not to be had on Windows and outside the main thread: there, whoever runs it ends it.
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, on_signal)
        stopping = asyncio.create_task(asked.wait())
        ends: list[asyncio.Future[Any]] = [stopping, shift.refused]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self.stop()
            log.info("worker %s ends", self.name)


@contextlib.contextmanager
def _heard() -> Iterator[None]:
    """While this lasts the worker's log is seen, also in a program that has not said where logs go."""
    if log.hasHandlers():
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    level = log.level
    log.addHandler(handler)
    log.setLevel(level or logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


class _Shift:
    """A worker between start and stop: its loops, on one event loop."""

    def __init__(
        self,
        handlers: list[Handler],
        transport: Transport,
        door: Door,
        concurrency: int,
        lease_seconds: float,
    ) -> None:
        self._transport = transport
        self._door = door
        self._given_up: list[Task] = []
        contact = Contact(transport.url)
        self.refused = contact.refused
        self.refused.add_done_callback(lambda _: self._lease_no_more())
        self._keeper = LeaseKeeper(door, contact, lease_seconds)
        self._threads = Threads(concurrency)
        slots = Slots(concurrency, len(handlers))
        crowded = concurrency < len(handlers)
        self._loops = [
            QueueLoop(
                handler,
                door=door,
                contact=contact,
                slots=slots,
                keeper=self._keeper,
                threads=self._threads,
                lease_seconds=lease_seconds,
                poll_seconds=POLL_SECONDS_CROWDED if crowded else POLL_SECONDS,
                is_alone=len(handlers) == 1,
            )
            for handler in handlers
        ]
        self._runs = [asyncio.create_task(loop.run()) for loop in self._loops]
        self._keeping = asyncio.create_task(self._keeper.run())

    def hurry(self) -> None:
        """Give up what still runs; `end` hands it back."""
        for loop in self._loops:
            self._given_up += loop.abandon()

    def _lease_no_more(self) -> None:
        for loop in self._loops:
            loop.stop()

    async def end(self, drain_seconds: float) -> None:
        self._lease_no_more()
        try:
            _, late = await asyncio.wait(self._runs, timeout=drain_seconds)
            if late:
                self.hurry()
                for run in late:
                    run.cancel()
            await self._account()
        finally:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, *self._runs, return_exceptions=True)
            await self._keeper.close()
            self._threads.close()
            await self._transport.close()

    async def _account(self) -> None:
        """Hand back what was given up, and say of which tasks the server knows no outcome."""
        if self._given_up:
            log.warning("%d unfinished tasks are handed back", len(self._given_up))
            await hand_back(self._door, self._given_up, HAND_BACK_SECONDS)
        for task in (task for loop in self._loops for task in loop.undelivered()):
            log.error("task %s: outcome not delivered; it will be performed again", task.token)
