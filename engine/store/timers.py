"""Timers in Redis: what is due, and turning it into events. Never early by Redis time."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.events import DeadlineReached, TimerFired
from engine.store import codec
from engine.store.connection import Redis
from engine.store.keys import Keys, split_task_id
from engine.store.tasks import Tasks


@dataclass(frozen=True, slots=True, order=True)
class Timer:
    due_ms: int
    member: str  # "<ref>/<frame>@<revision>#<kind>"


@dataclass(frozen=True, slots=True)
class Fired:
    """What came of a timer: its execution has an event, or (with `queue`) one of its tasks can be leased again."""

    ref: str
    queue: str | None = None


class Timers:
    def __init__(self, redis: Redis, keys: Keys, tasks: Tasks, *, bell: bool) -> None:
        self._redis = redis
        self._keys = keys
        self._tasks = tasks
        self._bell = keys.ringer if bell else ""

    async def upcoming(self, partition: int, until_ms: int, most: int) -> list[Timer]:
        """Timers of a partition due by `until_ms`, earliest first."""
        key = self._keys.timers(partition)
        reply = await self._redis.call(
            key, "ZRANGE", key, "-inf", until_ms, "BYSCORE", "LIMIT", 0, most, "WITHSCORES"
        )
        return [
            Timer(int(float(ms)), m.decode()) for m, ms in zip(reply[::2], reply[1::2], strict=True)
        ]

    async def fire(self, timer: Timer) -> Fired | None:
        """Turn a due timer into its event, or give a lapsed task back; None when there was nothing to do."""
        identifier, _, kind = timer.member.rpartition("#")
        ref, frame, revision = split_task_id(identifier)
        if kind == "lease":
            queue = await self._tasks.lapse(identifier)
            return Fired(ref, queue) if queue is not None else None
        row = f"{frame}@{revision}" if kind in ("timeout", "heartbeat") else ""
        if row and await self._is_task(identifier, ref):
            return Fired(ref) if await self._tasks.expire(identifier, kind) else None  # type: ignore[arg-type]
        keys = self._keys.of(ref)
        if kind == "deadline":
            inbox, entry = keys.control, codec.pack_entry("", DeadlineReached())
        else:
            inbox, entry = keys.inbox, codec.pack_entry(frame, TimerFired(frame, revision, kind))  # type: ignore[arg-type]
        reply = await self._redis.script(
            "fire_timer",
            [keys.tag + ":timers", keys.tag + ":ready", keys.execution, inbox],
            [timer.member, ref, entry, self._bell],
        )
        return Fired(ref) if reply == 1 else None

    async def _is_task(self, identifier: str, ref: str) -> bool:
        """Whether a time-out belongs to a task with a row; a `signal:` wait has none."""
        tasks = self._keys.of(ref).tag + ":tasks"
        return bool(await self._redis.call(tasks, "HEXISTS", tasks, identifier))
