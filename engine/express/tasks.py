"""Tasks of Express executions: offered to workers through this process's dispatcher, or performed by the engine here.

They follow the rules of those in Redis: first in, first out; a lapsed lease puts a task back at the head of its queue
under the same token; the first outcome counts, the same one again is accepted again, any other comes too late. A worker
finds them only at the process in whose memory they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from engine.clock import Clock
from engine.core.effects import ScheduleTask
from engine.core.events import TaskFailed, TaskSubmitted, TaskSucceeded, TimerFired
from engine.core.execution import Started
from engine.core.states.nested import SYNC_QUEUE
from engine.errors import LeaseLost, TaskClosed, TaskNotFound
from engine.express.memory import TaskKey
from engine.express.run import Run
from engine.runtime.performer import perform
from engine.store import codec
from engine.store.tasks import FOR_GOOD, HOW, Address, Lease
from engine.tasks.runner import Runner
from engine.telemetry import Counters

NEVER_MS = 2**62  # when a lease for good lapses
ENGINE = "engine"  # the worker's name where the engine itself performs a task

log = logging.getLogger("detent.express")

Outcome = TaskSucceeded | TaskSubmitted | TaskFailed


@dataclass(slots=True, eq=False)
class Open:
    """A task that is out. `lease` is "" while nobody holds it; `call` is the engine's own work on it."""

    run: Run
    key: TaskKey
    row: codec.TaskRow
    secret: str
    queue: str  # "namespace:queue"
    lease: str = ""
    since_ms: int = 0
    until_ms: int = 0
    worker: str = ""
    call: asyncio.Task[None] | None = None

    @property
    def started(self) -> Started | None:
        return Started(self.since_ms, self.worker) if self.lease else None


class MemoryTasks:
    """All of them in this process. `runners` perform the tasks of the engine's own queues, `calls_max` at once.

    `on_task(queue)` hints the dispatcher that a worker could have a task of "namespace:queue" now.
    """

    def __init__(
        self,
        clock: Clock,
        runners: Mapping[str, Runner],
        counters: Counters,
        calls_max: int,
        on_task: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._runners = runners
        self._counters = counters
        self._room = asyncio.Semaphore(calls_max)
        self._on_task = on_task
        self._open: dict[tuple[str, TaskKey], Open] = {}
        self._queues: defaultdict[str, OrderedDict[Open, None]] = defaultdict(OrderedDict)
        self._leases = 0
        self._calls: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Abandon what the engine is performing."""
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    # What runs ask for (`engine.express.run.Work`)

    def offer(self, run: Run, task: ScheduleTask) -> None:
        execution = run.execution
        row = codec.TaskRow(
            task.queue, execution.id, execution.definition, task.state, task.frame, task.revision,
            task.attempt, task.input, task.idempotency_key, task.uri, execution.last_ms,
            task.timeout_ms, task.heartbeat_ms, task.callback,
        )  # fmt: skip
        key = (task.frame, task.revision)
        name = f"{run.ref.partition(':')[0]}:{task.queue}"
        found = Open(run, key, row, task.token, name)
        self._open[run.ref, key] = found
        if task.queue in self._runners:
            self._begin(found)
        else:
            self._queues[name][found] = None
            self._on_task(name)

    def withdraw(self, run: Run, key: TaskKey) -> None:
        found = self._open.pop((run.ref, key), None)
        if found is None:
            return
        self._leave_queue(found)
        if found.call is not None:
            found.call.cancel()

    def started(self, run: Run, keys: Sequence[TaskKey]) -> dict[TaskKey, Started | None]:
        found = {key: self._open.get((run.ref, key)) for key in keys}
        return {key: None if task is None else task.started for key, task in found.items()}

    def lapse(self, run: Run, key: TaskKey) -> None:
        found = self._open.get((run.ref, key))
        if found is None or not found.lease or found.call is not None:
            return
        if found.until_ms > self._clock.now_ms():
            return  # it was extended; that has planned another look
        found.lease = ""
        queue = self._queues[found.queue]
        queue[found] = None
        queue.move_to_end(found, last=False)
        self._on_task(found.queue)

    def expire(self, run: Run, event: TimerFired) -> TimerFired | None:
        key = (event.frame, event.revision)
        found = self._open.get((run.ref, key))
        if found is None:
            return None
        run.remember(key, found.secret, "-", "TIMED_OUT")
        self.withdraw(run, key)
        return structs.replace(event, started=found.started)

    # What workers ask for, by way of the dispatcher and the commands

    def has(self, name: str) -> bool:
        """Whether a worker that asks for "namespace:queue" now gets a task."""
        return name in self._queues

    def take(self, name: str, *, most: int, lease_ms: int, worker: str) -> list[Lease]:
        """Lease at most `most` tasks of "namespace:queue", oldest first."""
        leased: list[Lease] = []
        now_ms = self._clock.now_ms()
        while len(leased) < most and (queue := self._queues.get(name)):
            found, _ = queue.popitem(last=False)
            if not queue:
                del self._queues[name]
            self._leases += 1
            found.lease = f"memory-{self._leases}"
            found.since_ms, found.until_ms, found.worker = now_ms, now_ms + lease_ms, worker
            found.run.lend(found.key, found.until_ms)
            leased.append(
                Lease(found.run.ref, found.secret, found.row, found.lease, found.until_ms)
            )
        return leased

    def settle(self, run: Run, address: Address, event: Outcome, *, lease: str) -> None:
        """Accept an outcome, once; the same one again is accepted again.

        Raises TaskClosed (it ended otherwise; `outcome` tells how), TaskNotFound (no such token), LeaseLost.
        """
        key = (address.frame, address.revision)
        packed = codec.pack(structs.replace(event, started=None))
        digest = hashlib.sha256(address.secret.encode() + packed).hexdigest()[:16]
        found = self._open.get((run.ref, key))
        if found is None:
            _repeat(run, key, address.secret, digest)
            return
        if address.secret != found.secret:
            raise TaskNotFound
        if isinstance(event, TaskSubmitted) or (found.lease and lease not in {"", found.lease}):
            raise LeaseLost
        run.remember(key, found.secret, digest, HOW[type(event)])
        event = structs.replace(event, started=found.started)
        self.withdraw(run, key)
        run.deliver(event)

    def heartbeat(self, run: Run, address: Address, *, lease: str, lease_ms: int) -> int | None:
        """Put off the heartbeat time-out; with a lease, extend it and return its end.

        Raises TaskClosed, LeaseLost or TaskNotFound.
        """
        key = (address.frame, address.revision)
        found = self._open.get((run.ref, key))
        if found is None:
            raise TaskClosed(outcome="CLOSED")
        if address.secret != found.secret:
            raise TaskNotFound
        now_ms = self._clock.now_ms()
        if lease:
            if lease != found.lease:
                raise LeaseLost
            if lease_ms == FOR_GOOD:
                found.until_ms = NEVER_MS
            elif lease_ms:
                found.until_ms = now_ms + lease_ms
                run.lend(key, found.until_ms)
        if found.row.heartbeat_ms:
            run.put_off(key, now_ms + found.row.heartbeat_ms)
        return found.until_ms if lease and found.until_ms != NEVER_MS else None

    def shown(self, run: Run, key: TaskKey) -> tuple[codec.TaskRow, bytes | None, str] | None:
        """A task's row, its lease in the form the store keeps it in, and its secret; None if it is not out."""
        found = self._open.get((run.ref, key))
        if found is None:
            return None
        until = "" if found.until_ms == NEVER_MS else found.until_ms
        held = f"{found.lease}|{found.since_ms}|{until}|{found.worker}".encode()
        return found.row, held if found.lease else None, found.secret

    # The engine's own work

    def _begin(self, found: Open) -> None:
        call = asyncio.get_running_loop().create_task(self._perform(found))
        found.call = call
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _perform(self, found: Open) -> None:
        # What waits for another execution takes no place that the other's tasks may need.
        waits = found.row.queue == SYNC_QUEUE
        async with contextlib.nullcontext() if waits else self._room:
            now_ms = self._clock.now_ms()
            found.lease, found.since_ms, found.until_ms = ENGINE, now_ms, now_ms
            found.worker = ENGINE
            runner, key = self._runners[found.row.queue], found.key
            event: Outcome
            try:
                told = await perform(runner, found.row, found.secret, ENGINE, self._counters)
                assert told is not None  # only stored executions send errands
                event = told
            except Exception as error:
                log.exception("a task of %s was not performed", found.row.queue)
                event = TaskFailed(*key, "States.TaskFailed", type(error).__name__, transport=True)
        if self._open.pop((found.run.ref, key), None) is None or isinstance(event, TaskSubmitted):
            return  # it ended otherwise meanwhile
        found.run.remember(key, found.secret, "-", HOW[type(event)])
        found.run.deliver(structs.replace(event, started=found.started))

    def _leave_queue(self, found: Open) -> None:
        queue = self._queues.get(found.queue)
        if queue is not None and found in queue:
            del queue[found]
            if not queue:
                del self._queues[found.queue]


def _repeat(run: Run, key: TaskKey, secret: str, digest: str) -> None:
    """Answer a report on a task that is out no more. Raises TaskNotFound or TaskClosed unless it says the same again."""
    past = run.outcomes.get(key)
    if past is None:
        status = run.execution.status
        raise TaskClosed(outcome="CANCELLED" if status == "RUNNING" else status)
    whose, known, how = past
    if whose != secret:
        raise TaskNotFound
    if known != digest:
        raise TaskClosed(outcome=how)
