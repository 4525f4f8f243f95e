"""The dispatcher: hands tasks to whoever polls. A waiting poller costs no Redis call.

It keeps, per queue, the partitions that are believed to hold tasks: told by commits of this process, by the doorbell,
and by the sweep. A poller leases from those; with none it waits to be woken. Tasks that live in this process alone come
first: nobody else can hand them out.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import OrderedDict, defaultdict
from typing import Protocol

from engine.clock import Clock
from engine.store.keys import Keys
from engine.store.tasks import Lease, Leased, Tasks

PARTITIONS_AT_ONCE = 16  # asked by one lease; the tasks asked for are shared out among them


class LocalTasks(Protocol):
    """Tasks in this process's memory, by "namespace:queue"."""

    def has(self, name: str, /) -> bool:
        """Whether a task could be taken now."""

    def take(self, name: str, /, *, most: int, lease_ms: int, worker: str) -> list[Lease]:
        """Lease at most `most`, oldest first."""


class Dispatcher:
    """`local` are the tasks of this process's memory, where it has any."""

    def __init__(self, tasks: Tasks, keys: Keys, clock: Clock) -> None:
        self._tasks = tasks
        self._keys = keys
        self._clock = clock
        self._full: defaultdict[str, set[int]] = defaultdict(set)
        self._waiting: defaultdict[str, OrderedDict[asyncio.Future[None], None]] = defaultdict(
            OrderedDict
        )
        self._name = secrets.token_hex(6)
        self._leases = 0
        self.closed = False
        self.local: LocalTasks | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody waits, so that the sweep need not look at queues."""
        return not any(self._waiting.values())

    def hint(self, ref: str, queue: str) -> None:
        """A task of this execution entered `queue`."""
        self.ring(self._keys.partition_of(ref), f"{ref.partition(':')[0]}:{queue}")

    def ring(self, partition: int, name: str) -> None:
        """The queue ("namespace:queue") holds tasks in this partition: wake one poller."""
        self._full[name].add(partition)
        self._wake_one(name)

    def ring_local(self, name: str) -> None:
        """The queue ("namespace:queue") holds a task in this process's memory: wake one poller."""
        self._wake_one(name)

    async def look(self, partition: int) -> None:
        """Read which queues hold tasks in a partition: finds what no hint told of."""
        for name in await self._tasks.queues(partition):
            self.ring(partition, name)

    def rouse(self) -> None:
        """Wake a poller of each queue that is believed to hold tasks."""
        for name in list(self._waiting):
            if self._has(name):
                self._wake_one(name)

    def close(self) -> None:
        """Answer every poller now, with nothing."""
        self.closed = True
        for waiting in list(self._waiting.values()):
            for future in list(waiting):
                if not future.done():
                    future.set_result(None)

    async def lease(
        self,
        namespace: str,
        queue: str,
        *,
        most: int,
        wait_seconds: float,
        lease_ms: int,
        worker: str,
    ) -> list[Lease]:
        """Lease at most `most` tasks of a queue; waits for the first up to `wait_seconds`, if none is queued."""
        name = f"{namespace}:{queue}"
        deadline = self._clock.monotonic() + wait_seconds
        while True:
            leased = await self._take(namespace, queue, name, most, lease_ms, worker)
            left = deadline - self._clock.monotonic()
            # A partition that is believed to hold tasks may hold only such as have ended: then the others are asked,
            # also where nobody waits.
            if leased or self.closed or (left <= 0 and not self._has(name)):
                if self._has(name):
                    self._wake_one(name)
                return leased
            if not self._has(name):
                await self._wait(name, left)

    async def _take(
        self, namespace: str, queue: str, name: str, most: int, lease_ms: int, worker: str
    ) -> list[Lease]:
        """Take what is in memory, then ask some of the partitions that are believed to hold tasks, sharing the rest of `most` out among them."""
        near = self._near(name, most, lease_ms, worker)
        most -= len(near)
        full = self._full.get(name)
        if not full or not most:
            return near
        chosen = random.sample(sorted(full), min(len(full), most, PARTITIONS_AT_ONCE))
        share, extra = divmod(most, len(chosen))
        calls = []
        for number, partition in enumerate(chosen):
            self._leases += 1
            full.discard(partition)
            calls.append(
                self._tasks.lease(
                    partition,
                    namespace,
                    queue,
                    most=share + (number < extra),
                    lease_ms=lease_ms,
                    nonce=f"{self._name}-{self._leases}",
                    worker=worker,
                )
            )
        replies = await asyncio.gather(*calls, return_exceptions=True)
        out: list[Lease] = near
        failure: BaseException | None = None
        for partition, reply in zip(chosen, replies, strict=True):
            if isinstance(reply, Leased):
                out += reply.tasks
                if reply.left:
                    full.add(partition)
            else:
                full.add(partition)
                failure = reply
        if failure is not None and not out:
            raise failure
        return out

    def _near(self, name: str, most: int, lease_ms: int, worker: str) -> list[Lease]:
        if self.local is None:
            return []
        return self.local.take(name, most=most, lease_ms=lease_ms, worker=worker)

    def _has(self, name: str) -> bool:
        """Whether the queue is believed to hold tasks, in memory or in a partition."""
        return bool(self._full.get(name)) or (self.local is not None and self.local.has(name))

    async def _wait(self, name: str, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting[name]
        waiting[future] = None
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            pass
        finally:
            waiting.pop(future, None)
            if not waiting:
                self._waiting.pop(name, None)

    def _wake_one(self, name: str) -> None:
        waiting = self._waiting.get(name)
        while waiting:
            future, _ = waiting.popitem(last=False)
            if not future.done():
                future.set_result(None)
                return
