"""Orders in Redis: what became of one, and the order that opens a closed execution again."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.execution import ROOT, Frame, Work
from engine.core.orders import RedriveRequested
from engine.errors import ExecutionNotFound, OrderRefused, QuotaExceeded
from engine.store import codec
from engine.store.connection import Redis
from engine.store.finding.rows import FIELDS, row_of
from engine.store.keys import Keys, kept_ms, listed_as, task_id, versioned
from engine.store.signals import SEEN_MAX
from engine.store.tasks import Address


@dataclass(frozen=True, slots=True)
class Answer:
    """What the transition that applied an order made of it. `reason` is a code of `engine.core.control.refusals`."""

    outcome: str
    reason: str | None


class Orders:
    """`open_max`: executions that may be open in one namespace."""

    def __init__(self, redis: Redis, keys: Keys, *, open_max: int, bell: bool) -> None:
        self._redis = redis
        self._keys = keys
        self._open_max = -(-open_max // keys.partitions)
        self._bell = keys.ringer if bell else ""

    async def answer(self, ref: str, operation: str) -> Answer | None:
        """The execution's answer to an operation; None while it has given none."""
        namespace, _, identifier = ref.partition(":")
        answers, _ = self._keys.operation(self._keys.of(ref).partition, namespace, operation)
        found = await self._redis.call(answers, "HGETALL", answers)
        fields = {n.decode(): v.decode() for n, v in zip(found[::2], found[1::2], strict=True)}
        reason = fields.pop(f"x:{identifier}", None)
        return Answer(next(iter(fields)), reason) if fields else None

    async def redrive(
        self, ref: str, order: RedriveRequested, *, status: str, version: int | None, watch_ms: int
    ) -> bool:
        """Open an execution that closed with `status` again; False when this operation has done it before.

        Raises ExecutionNotFound, OrderRefused or QuotaExceeded; then nothing was changed.
        """
        keys = self._keys.of(ref)
        namespace, definition, _ = ref.split(":", 2)
        identifier = ref.partition(":")[2]
        _, waiting = self._keys.operation(keys.partition, namespace, order.operation)
        indexes = [
            self._keys.index(keys.partition, namespace, of, at)
            for at in (status, "RUNNING")
            for of in (definition, listed_as(definition)[-1])
        ]
        row = row_of(
            identifier, await self._redis.call(keys.execution, "HMGET", keys.execution, *FIELDS)
        )
        if row is None:
            raise ExecutionNotFound(identifier)
        failed = self._keys.failed(keys.partition, namespace, definition, row.error or "")
        member = versioned(version or row.version, row.started_ms, identifier)
        reply = await self._redis.script(
            "redrive",
            [
                keys.execution, keys.control, keys.seen, keys.tag + ":ready", keys.tag + ":closed",
                self._keys.open(keys.partition, namespace), *indexes, waiting,
                failed, self._keys.versions(keys.partition, namespace, definition),
            ],
            [
                ref, identifier, status, codec.pack_entry("", order), self._bell, watch_ms,
                order.operation, SEEN_MAX, kept_ms(order.operation),
                "" if version is None else str(version), self._open_max, member,
            ],
        )  # fmt: skip
        match reply[0]:
            case b"UNKNOWN":
                raise ExecutionNotFound(identifier)
            case b"QUOTA":
                raise QuotaExceeded("too many running executions")
            case b"OPEN":
                raise OrderRefused("It is not closed, or has succeeded.", reason="not_closed")
            case b"GONE":
                raise OrderRefused("Nothing is left to go on from.", reason="not_redrivable")
            case b"TELLING":
                raise OrderRefused("Its parent is still to be told of its end.", reason="busy")
            case word:
                return bool(word == b"OK")

    async def is_known(self, ref: str, operation: str) -> bool:
        """Whether the execution has been given this order before, applied or not."""
        seen = self._keys.of(ref).seen
        return await self._redis.call(seen, "ZSCORE", seen, f"op {operation}") is not None

    async def is_quarantined(self, ref: str) -> bool:
        """Whether the execution is set aside."""
        key = self._keys.of(ref).execution
        return bool(await self._redis.call(key, "HEXISTS", key, "quarantine"))

    async def root(self, ref: str) -> tuple[Frame | None, int]:
        """The root frame, of a closed execution the one it failed in, and how many records there are."""
        key = self._keys.of(ref).execution
        data, meta = await self._redis.call(key, "HMGET", key, f"f:{ROOT}", "m")
        records = codec.unpack_meta(meta or b"").last_record
        return codec.unpack_frame(data) if data else None, records

    async def task_of(self, ref: str, frame: str) -> tuple[Address, codec.TaskRow] | None:
        """The task that a frame waits for, with its secret; None where it waits for none."""
        keys = self._keys.of(ref)
        data = await self._redis.call(keys.execution, "HGET", keys.execution, f"f:{frame}")
        hold = codec.unpack_frame(data).hold if data else None
        if not isinstance(hold, Work):
            return None
        tasks = self._keys.tasks(keys.partition)
        row = await self._redis.call(tasks, "HGET", tasks, task_id(ref, frame, hold.revision))
        if not row:
            return None
        secret, _, packed = row.partition(b"|")
        return Address(ref, frame, hold.revision, secret.decode()), codec.unpack_row(packed)

    async def is_past(self, task: Address) -> bool | None:
        """True once the execution has taken the task's outcome, or is paused and will take it later; else None."""
        key = self._keys.of(task.ref).execution
        data, paused = await self._redis.call(key, "HMGET", key, f"f:{task.frame}", "paused")
        hold = codec.unpack_frame(data).hold if data else None
        waits = isinstance(hold, Work) and hold.revision == task.revision
        return True if paused is not None or not waits else None
