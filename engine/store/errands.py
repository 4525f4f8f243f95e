"""Errands: what one execution has for another, as rows of the outbox that no state waits for.

An errand is written by the commit that makes it necessary, into the engine's own queue, in the partition of the
execution that sends it; it is leased like any task, and taken out once it is done. It may be done more than once, and
outlives the execution's end. There are three:

  tell   "<child ref>/tell.<key>@0"           the child has ended: settle the task that waits for it
  stop   "<parent ref>/stop.<frame>@<rev>"    the task does not wait any more: stop the child that it started
  stop-map  the same of a task that is a Map Run: stop the run and its children
"""

from __future__ import annotations

from typing import Literal, cast

from msgspec import Struct, convert

from engine.core.effects import StopChild, StopMapRun
from engine.core.events import StopRequested
from engine.core.execution import Execution, Status
from engine.core.states.distributed.spec import MAPS_QUEUE
from engine.core.states.nested import STATES_QUEUE, End
from engine.documents import EMPTY_OBJECT, Document
from engine.store import codec
from engine.store.bounds.payloads import payloads_of
from engine.store.bounds.referring import referred
from engine.store.connection import Redis
from engine.store.keys import Keys, ref_of, task_id
from engine.store.tasks import Lease

URI = "detent:errand:"  # opens the Resource of an errand's row; no definition can hold it
REFUSED_MS = 86_400_000  # no delivery of a start is under way for longer than a day


class Tell(Struct, frozen=True):
    """`child` has ended: settle the task of `token`, whose Resource is `uri`. `key` is that of the start."""

    child: str
    token: str
    uri: str
    key: str


class Stop(Struct, frozen=True):
    """Stop `child`, if `key` started it."""

    child: str
    key: str
    parent: str


class StopRun(Struct, frozen=True):
    """Stop the Map Run `run` ("DEF~LABEL:RUN"), unless a task later than that of `revision` has taken it."""

    run: str
    revision: int


Errand = Tell | Stop | StopRun
Stopped = Literal["STOPPED", "REFUSED", "OTHER", "CLOSED"]


def stop(execution: Execution, effect: StopChild, now_ms: int) -> codec.TaskRow:
    """The row of an errand that stops a child."""
    told = Stop(effect.child.id, effect.child.key, execution.id)
    frame = f"stop.{effect.frame}"
    return _row("stop", execution.id, frame, effect.revision, told, now_ms)


def stop_map_run(execution: Execution, effect: StopMapRun, now_ms: int) -> codec.TaskRow:
    """The row of an errand that stops a Map Run."""
    told = StopRun(f"{effect.processor}:{effect.run}", effect.revision)
    frame = f"stop.{effect.frame}"
    return _row("stop-map", execution.id, frame, effect.revision, told, now_ms, MAPS_QUEUE)


def tell(told: Tell) -> codec.TaskRow:
    """The row of an errand that tells of a child's end; written at its start, for whenever that comes."""
    return _row("tell", told.child, f"tell.{told.key}", 0, told, 0)


def _row(
    what: str,
    execution: str,
    frame: str,
    revision: int,
    told: Errand,
    now_ms: int,
    queue: str = STATES_QUEUE,
) -> codec.TaskRow:
    body = Document.of({field: getattr(told, field) for field in told.__struct_fields__})
    definition = execution.partition(":")[0]
    return codec.TaskRow(
        queue, execution, definition, "", frame, revision, 1, body, "", URI + what, now_ms
    )


def pack(row: codec.TaskRow) -> bytes:
    """A row as the tasks hash holds it; an errand has no token, and so no secret."""
    return b"|" + codec.pack(row)


def is_errand(row: codec.TaskRow) -> bool:
    return row.uri.startswith(URI)


def read(uri: str, body: Document) -> Errand:
    """The errand of a row."""
    kinds: dict[str, type[Errand]] = {"tell": Tell, "stop": Stop, "stop-map": StopRun}
    return convert(body.value, kinds[uri.removeprefix(URI)])


class Errands:
    """What running errands takes in the store."""

    def __init__(self, redis: Redis, keys: Keys, *, bell: bool) -> None:
        self._redis = redis
        self._keys = keys
        self._bell = keys.ringer if bell else ""

    async def born(self, namespace: str, execution: str) -> codec.Static | None:
        """What an execution was born with; None for one that is gone."""
        key = self._keys.of(ref_of(namespace, execution)).execution
        static = await self._redis.call(key, "HGET", key, "s")
        return codec.unpack_static(static) if static else None

    async def end(self, namespace: str, execution: str) -> End | None:
        """How an execution ended; None while it has not, or when nothing but its name is left."""
        keys = self._keys.of(ref_of(namespace, execution))
        key = keys.execution
        names = ("status", "input", "output", "started", "stopped", "m", "pruned")
        reply = await self._redis.call(key, "HMGET", key, *names)
        status, given, output, started, stopped, meta, pruned = reply
        if status in (None, b"RUNNING") or pruned or stopped is None:
            return None
        payloads = await payloads_of(self._redis, keys.payloads, (given, output))
        if not {*referred(given or b""), *referred(output or b"")} <= payloads.keys():
            return None  # pruned meanwhile
        ended = codec.unpack_meta(meta)
        return End(
            execution,
            cast("Status", status.decode()),
            codec.unpack_value(given, payloads) if given else EMPTY_OBJECT,
            int(started),
            int(stopped),
            codec.unpack_value(output, payloads) if output else None,
            ended.error,
            ended.cause,
        )

    async def stop(self, namespace: str, errand: Stop) -> Stopped:
        """Stop a child, or see to it that it is never started."""
        ref = ref_of(namespace, errand.child)
        keys = self._keys.of(ref)
        cause = f"The task of {errand.parent} that waited for this execution has ended."
        entry = codec.pack_entry("", StopRequested(None, cause))
        aside = self._keys.quarantined(keys.partition, namespace)
        reply = await self._redis.script(
            "stop_child",
            [keys.execution, keys.control, keys.tag + ":ready", keys.refused, aside],
            [ref, errand.key, entry, self._bell, REFUSED_MS],
        )
        return cast("Stopped", reply[0].decode())

    async def finish(self, lease: Lease) -> None:
        """Take an errand out of the outbox."""
        row = lease.row
        keys, namespace = self._keys.of(lease.ref), lease.ref.partition(":")[0]
        errand = read(row.uri, row.input)
        await self._redis.script(
            "finish_errand",
            [
                *(f"{keys.tag}:{name}" for name in ("tasks", "leases", "timers")),
                self._keys.queue(keys.partition, namespace, row.queue),
                keys.tag + ":queues",
                keys.execution,
            ],
            [
                task_id(lease.ref, row.frame, row.revision),
                f"{namespace}:{row.queue}",
                errand.key if isinstance(errand, Tell) else "",
            ],
        )
