"""The performer: does the tasks that the engine performs itself, as a worker of one of the engine's own queues.

It leases like any worker, extends its leases while calls run, and settles like any worker, so that a call whose
engine dies is made again under the same Idempotency-Key.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from engine import failpoints
from engine.clock import Clock
from engine.core.events import TaskFailed, TaskSubmitted, TaskSucceeded
from engine.core.execution import Started
from engine.core.states.addressing import HTTP_QUEUE
from engine.core.tokens import task_token
from engine.errors import EngineError, StoreUnavailable
from engine.language.resources import CALLBACK
from engine.runtime.dispatcher import Dispatcher
from engine.store.codec import TaskRow
from engine.store.errands import Errands, is_errand
from engine.store.tasks import Address, Lease, Tasks
from engine.tasks.runner import Done, Failed, Runner
from engine.telemetry import Counters
from engine.views import LeasedTask

TIMEOUT_MARGIN_SECONDS = 5.0
POLL_SECONDS = 30.0
SETTLE_TRIES = 20

_Event = TaskSucceeded | TaskSubmitted | TaskFailed

log = logging.getLogger("detent.performer")


class Performer:
    """Performs the tasks of `queue` with `runner`, at most `calls_max` at once, each under a lease of `lease_ms`. `on_settled(ref)` hints that an execution has an event."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        tasks: Tasks,
        errands: Errands,
        queue: str,
        runner: Runner,
        clock: Clock,
        counters: Counters,
        *,
        namespace: str,
        calls_max: int,
        lease_ms: int,
        on_settled: Callable[[str], None],
    ) -> None:
        self._dispatcher = dispatcher
        self._tasks = tasks
        self._errands = errands
        self._queue = queue
        self._runner = runner
        self._clock = clock
        self._counters = counters
        self._namespace = namespace
        self._room = asyncio.Semaphore(calls_max)
        self._on_settled = on_settled
        self._lease_ms = lease_ms
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Lease and perform, until the dispatcher is closed."""
        while not self._dispatcher.closed:
            await self._room.acquire()
            try:
                leases = await self._dispatcher.lease(
                    self._namespace,
                    self._queue,
                    most=1,
                    wait_seconds=POLL_SECONDS,
                    lease_ms=self._lease_ms,
                    worker="engine",
                )
            except BaseException:
                self._room.release()
                raise
            if not leases:
                self._room.release()
                continue
            call = asyncio.get_running_loop().create_task(self._perform(leases[0]))
            self._calls.add(call)
            call.add_done_callback(self._done)

    async def stop(self, seconds: float) -> None:
        """Let running calls end within `seconds`; the others are made again by whoever leases them next."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=seconds)
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._runner.close()

    def _done(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self._room.release()
        if not call.cancelled() and call.exception() is not None:
            log.error("a task of %s was not settled", self._queue, exc_info=call.exception())

    async def _perform(self, lease: Lease) -> None:
        row = lease.row
        address = Address(lease.ref, row.frame, row.revision, lease.secret)
        call = asyncio.create_task(self._call(lease))
        extending = asyncio.create_task(self._extend(address, lease, call))
        try:
            await asyncio.wait({call})
        finally:
            extending.cancel()
            call.cancel()
        if call.cancelled():
            return  # the task ended otherwise meanwhile: timed out, stopped, or another's by now
        if isinstance(call.exception(), StoreUnavailable):
            if self._dispatcher.closed:
                await self._give_back(lease)
            return  # whoever leases it next performs it, at the latest when the lease lapses
        event = call.result()
        for attempt in range(SETTLE_TRIES):
            try:
                if event is None:
                    if failpoints.ARMED:
                        failpoints.hit("after_errand")
                    await self._errands.finish(lease)
                    return
                if failpoints.ARMED:
                    failpoints.hit("before_settle")
                await self._tasks.settle(address, event, lease=lease.lease)
                if failpoints.ARMED:
                    failpoints.hit("after_settle")
                self._on_settled(lease.ref)
                return
            except StoreUnavailable:
                await self._clock.sleep(min(5.0, 0.1 * 2**attempt))
            except EngineError:
                return  # it ended otherwise meanwhile

    async def _give_back(self, lease: Lease) -> None:
        """This process stops, and nothing of the task is in progress any more: have another go on with it at once."""
        with contextlib.suppress(EngineError):
            await self._tasks.give_back(lease)

    async def _call(self, lease: Lease) -> _Event | None:
        if failpoints.ARMED:
            failpoints.hit("before_errand" if is_errand(lease.row) else "before_send")
        event = await perform(self._runner, lease.row, lease.secret, lease.lease, self._counters)
        if failpoints.ARMED and event is not None:
            failpoints.hit("after_send")
        return event

    async def _extend(
        self, address: Address, lease: Lease, call: asyncio.Task[_Event | None]
    ) -> None:
        """Keep the lease while the call runs; cancel the call once the task is not this lease's any more."""
        while True:
            await self._clock.sleep(self._lease_ms / 3000)
            try:
                await self._tasks.heartbeat(
                    address,
                    lease=lease.lease,
                    lease_ms=self._lease_ms,
                    heartbeat_ms=lease.row.heartbeat_ms or 0,
                )
            except StoreUnavailable:
                continue
            except EngineError:
                call.cancel()
                return


async def perform(
    runner: Runner, row: TaskRow, secret: str, lease: str, counters: Counters
) -> _Event | None:
    """Have a task performed; what came of it, as the event that tells its execution. None for an errand, which is nobody's."""
    seconds = None
    if row.timeout_ms is not None:
        # The task's own time-out is the timer's to tell; the call only must not outlive it for long.
        seconds = TIMEOUT_MARGIN_SECONDS + (row.timeout_ms - row.scheduled_ms) / 1000
    token = task_token(row.execution, row.frame, row.revision, secret)
    task = LeasedTask(
        token, lease, row.queue, row.execution, row.definition, row.state,
        row.attempt, row.input, row.idempotency_key, "",
        row.uri.removesuffix(CALLBACK) if row.callback else row.uri,
    )  # fmt: skip
    result = await runner.perform(task, callback=row.callback, timeout_seconds=seconds)
    if isinstance(result, Done):
        return None
    is_call = row.queue == HTTP_QUEUE
    counters.add("detent_http_calls_total", is_call)
    frame, revision = row.frame, row.revision
    if isinstance(result, Failed):
        counters.add("detent_http_failures_total", is_call)
        return TaskFailed(frame, revision, result.error, result.cause, transport=result.transport)
    kind = TaskSubmitted if row.callback else TaskSucceeded
    since = None if result.started_ms is None else Started(result.started_ms)
    return kind(frame, revision, result.output, since)
