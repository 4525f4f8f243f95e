"""Tasks in Redis: lease, settle, heartbeat, lapse, expire."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.core.events import TaskFailed, TaskSubmitted, TaskSucceeded, TimerFired
from engine.core.tokens import parse_task_token
from engine.documents import Document
from engine.errors import LeaseLost, TaskClosed, TaskNotFound
from engine.store import codec
from engine.store.bounds.payloads import payloads_of
from engine.store.bounds.referring import PayloadGone, referred
from engine.store.connection import Redis
from engine.store.keys import Keys, ref_of, split_task_id, task_id
from engine.telemetry import emit

FOR_GOOD = -1  # milliseconds of a lease: until the task ends
HOW = {TaskSucceeded: "SUCCEEDED", TaskFailed: "FAILED", TaskSubmitted: "submitted"}


@dataclass(frozen=True, slots=True)
class Lease:
    """A task in somebody's hands. `secret` is the token's; `left` is how many more the partition's queue holds."""

    ref: str
    secret: str
    row: codec.TaskRow
    lease: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Leased:
    """What one partition gave."""

    tasks: list[Lease]
    left: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where a token points."""

    ref: str
    frame: str
    revision: int
    secret: str

    @property
    def task(self) -> str:
        return task_id(self.ref, self.frame, self.revision)


def address_of(namespace: str, token: str) -> Address:
    """Take a task token apart. Raises TaskNotFound for text that is none."""
    try:
        at = parse_task_token(token)
    except ValueError:
        raise TaskNotFound from None
    return Address(ref_of(namespace, at.execution), at.frame, at.revision, at.secret)


class Tasks:
    def __init__(self, redis: Redis, keys: Keys, *, bell: bool) -> None:
        self._redis = redis
        self._keys = keys
        self._bell = keys.ringer if bell else ""

    async def lease(
        self,
        partition: int,
        namespace: str,
        queue: str,
        *,
        most: int,
        lease_ms: int,
        nonce: str,
        worker: str,
    ) -> Leased:
        """Take at most `most` tasks of a queue from one partition, oldest first."""
        tag = self._keys.tag(partition)
        reply = await self._redis.script(
            "lease_tasks",
            [
                self._keys.queue(partition, namespace, queue),
                tag + ":tasks",
                tag + ":leases",
                tag + ":timers",
                tag + ":queues",
                tag + ":paused",
            ],
            [most, lease_ms, nonce, worker, f"{namespace}:{queue}"],
        )
        until_ms = int(reply[0]) + lease_ms
        items = reply[2]
        refs = [split_task_id(identifier.decode())[0] for identifier in items[::3]]
        rows = [data.partition(b"|") for data in items[1::3]]
        payloads = await self._inputs(refs, [packed for _, _, packed in rows])
        out = []
        for identifier, lease, ref, (secret, _, packed) in zip(
            items[::3], items[2::3], refs, rows, strict=True
        ):
            try:
                row = codec.unpack_row(packed, payloads)
            except PayloadGone:
                continue  # the task has ended since, and its input with it
            except Exception as error:  # whatever stands there, the other tasks are handed out
                emit("task.unreadable", task=identifier.decode(), cause=str(error))
                continue
            out.append(Lease(ref, secret.decode(), row, lease.decode(), until_ms))
        return Leased(out, reply[1])

    async def _inputs(self, refs: Sequence[str], rows: Sequence[bytes]) -> dict[bytes, Document]:
        """The large inputs that rows of these executions refer to. Same name, same text, whoever keeps it."""
        reads = [
            payloads_of(self._redis, self._keys.of(ref).payloads, [row])
            for ref, row in zip(refs, rows, strict=True)
            if referred(row)
        ]
        found: dict[bytes, Document] = {}
        for payloads in await asyncio.gather(*reads):
            found |= payloads
        return found

    async def row(self, address: Address) -> codec.TaskRow | None:
        """The task as scheduled, while it is open; a large input cannot be read from it."""
        tasks = self._keys.tasks(self._keys.of(address.ref).partition)
        data = await self._redis.call(tasks, "HGET", tasks, address.task)
        return codec.unpack_row(data.partition(b"|")[2]) if data else None

    async def settle(
        self,
        address: Address,
        event: TaskSucceeded | TaskSubmitted | TaskFailed,
        *,
        lease: str,
        row: codec.TaskRow | None = None,
    ) -> None:
        """Accept an outcome, once; the same one again is accepted again.

        Raises TaskClosed (it ended otherwise; `outcome` tells how), TaskNotFound (no such token), LeaseLost (another
        worker holds the task, or a callback task's first answer came after its lease).
        """
        keys = self._keys.of(address.ref)
        packed = codec.pack(event)
        namespace = address.ref.partition(":")[0]
        # A task settled by its token alone may still wait in its queue, and the script has to be told which.
        if row is None and not lease:
            row = await self.row(address)
        queue = row.queue if row else "-"
        reply = await self._redis.script(
            "settle_task",
            [
                keys.execution, keys.inbox, keys.outcomes,
                *(f"{keys.tag}:{name}" for name in ("ready", "timers", "tasks", "leases")),
                self._keys.queue(keys.partition, namespace, queue),
                keys.tag + ":queues", keys.payloads,
            ],
            [
                address.ref, address.task, address.secret, lease, address.frame, packed,
                f"{address.frame}@{address.revision}",
                hashlib.sha256(address.secret.encode() + packed).hexdigest()[:16],
                self._bell, HOW[type(event)], f"{namespace}:{queue}",
            ],
        )  # fmt: skip
        word = reply[0]
        if word == b"UNKNOWN":
            raise TaskNotFound
        if word == b"CLOSED":
            how = reply[1].decode()
            if how == "LEASE_LOST":
                raise LeaseLost
            raise TaskClosed(outcome=how)
        if not isinstance(event, TaskSubmitted):
            self._redis.acknowledged.settled(keys.execution, keys.tag + ":tasks", address.task)

    async def heartbeat(
        self, address: Address, *, lease: str, lease_ms: int, heartbeat_ms: int
    ) -> int | None:
        """Put off the heartbeat time-out; with a lease, extend it and return its end.

        With `lease_ms` FOR_GOOD the lease never lapses, and has no end. Raises TaskClosed, LeaseLost or TaskNotFound.
        """
        tag = self._keys.of(address.ref).tag
        reply = await self._redis.script(
            "heartbeat_task",
            [tag + ":timers", tag + ":tasks", tag + ":leases"],
            [address.task, address.secret, lease, lease_ms, heartbeat_ms],
        )
        match reply[0]:
            case b"OK":
                return int(reply[1]) if reply[1] else None
            case b"LOST":
                raise LeaseLost
            case b"CLOSED":
                raise TaskClosed(outcome="CLOSED")
            case _:
                raise TaskNotFound

    async def lapse(self, identifier: str) -> str | None:
        """Put a task whose lease has run out back to the head of its queue; returns the queue."""
        ref, frame, revision = split_task_id(identifier)
        row = await self.row(Address(ref, frame, revision, ""))
        queue = row.queue if row else "-"
        return queue if await self._put_back(identifier, ref, queue, "") else None

    async def give_back(self, lease: Lease) -> bool:
        """Put a leased task back to the head of its queue at once; False where the lease does not hold any more."""
        row = lease.row
        identifier = task_id(lease.ref, row.frame, row.revision)
        return await self._put_back(identifier, lease.ref, row.queue, lease.lease)

    async def _put_back(self, identifier: str, ref: str, queue: str, lease: str) -> bool:
        keys, namespace = self._keys.of(ref), ref.partition(":")[0]
        reply = await self._redis.script(
            "lapse_lease",
            [
                *(f"{keys.tag}:{name}" for name in ("timers", "tasks", "leases")),
                self._keys.queue(keys.partition, namespace, queue),
                keys.tag + ":queues",
            ],
            [identifier, f"{namespace}:{queue}", self._bell, ref, lease],
        )
        return bool(reply)

    async def expire(self, identifier: str, kind: Literal["timeout", "heartbeat"]) -> bool:
        """End a task whose time-out or heartbeat has passed, and tell its execution."""
        ref, frame, revision = split_task_id(identifier)
        row = await self.row(Address(ref, frame, revision, ""))
        keys, namespace = self._keys.of(ref), ref.partition(":")[0]
        queue = row.queue if row else "-"
        reply = await self._redis.script(
            "expire_task",
            [
                *(f"{keys.tag}:{name}" for name in ("timers", "ready", "tasks", "leases")),
                self._keys.queue(keys.partition, namespace, queue),
                keys.tag + ":queues",
                keys.execution,
                keys.inbox,
                keys.outcomes,
                keys.payloads,
            ],
            [
                identifier, kind, ref, frame, codec.pack(TimerFired(frame, revision, kind)),
                f"{frame}@{revision}", self._bell, f"{namespace}:{queue}",
            ],
        )  # fmt: skip
        return bool(reply == 1)

    async def queues(self, partition: int) -> list[str]:
        """Every queue of the partition that is not empty, as "namespace:queue"."""
        key = self._keys.queues(partition)
        return [name.decode() for name in await self._redis.call(key, "SMEMBERS", key)]
