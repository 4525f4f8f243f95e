"""Watching the store: is Redis there, is it ours, has it what it acknowledged, what can be promised on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.clock import RedisClock, iso
from engine.errors import StoreRefused, StoreUnavailable
from engine.queries.standing import Standing
from engine.serve.layout import layout
from engine.settings import Settings
from engine.store.connection import Redis
from engine.store.keys import Keys
from engine.store.server.acknowledged import Missing
from engine.store.server.guard import Guard
from engine.store.server.promise import check_nodes, refuse_alone, refuse_below
from engine.telemetry import Counters, emit

HOUR_SECONDS = 3600.0
LOSS_SHOWN_SECONDS = 3600.0  # in /healthz; the log and the incarnation keep it


class Watching:
    """`on_loss()` is called when Redis turned out to lack what it had acknowledged: what was read before may not hold."""

    def __init__(
        self,
        standing: Standing,
        redis: Redis,
        clock: RedisClock,
        counters: Counters,
        on_loss: Callable[[], None],
    ) -> None:
        self.standing = standing
        self._redis = redis
        self._clock = clock
        self._counters = counters
        self._on_loss = on_loss
        self._layout = ""
        self._unnoted: str | None = (
            None  # run of the server that lost something, until that stands in the store
        )
        self._noting: asyncio.Task[None] | None = None
        self._known: int | None = None  # incarnation; None: none has been read yet
        self._lost_at = 0.0

    async def begin(self, settings: Settings) -> Keys:
        """See that this Redis can be used, and lay the store out or take it as it is; its keys.

        Raises StoreRefused for a Redis that must not be used, StoreUnavailable for one that does not answer.
        """
        self.standing.promise = await check_nodes(self._redis)
        refuse_below(self.standing.promise, settings.promise_min)
        refuse_alone(self.standing.promise, settings.wait_replicas)
        keys, identity = await layout(self._redis, settings)
        acknowledged = self._redis.acknowledged
        acknowledged.forgets_seconds = settings.tombstone_hours * HOUR_SECONDS
        self._layout = keys.layout
        self._redis.guard_by(Guard(keys.layout, identity, acknowledged, self._missing))
        await self.look()
        return keys

    async def look(self) -> None:
        """Once a second: follow Redis' clock, and see that it holds the same store as before."""
        self._redis.acknowledged.tick(self._clock.monotonic())
        key, guard = self._layout, self._redis.guard
        assert guard is not None
        asked = self._redis.call(None, "TIME")
        known = self._redis.peek(key, "HMGET", key, "identity", "incarnation")
        try:
            seconds, microseconds = await asked
            answer = await known
        except StoreUnavailable as error:
            self._down(guard.refusal or "Redis cannot be reached", str(error))
            raise
        try:
            guard.identify(answer)
        except StoreRefused as error:
            self._down(str(error.detail), str(error.detail))
            self._redis.drop(str(error.detail))  # nothing more is written to it
            return
        self._incarnate(guard.incarnation)
        self._clock.observe(int(seconds) * 1000 + int(microseconds) // 1000)
        if self.standing.lost is not None:
            emit("store.found")
            self.standing.lost = None
        self._counters.put("detent_store_up", 1)
        if self.standing.loss and self._clock.monotonic() - self._lost_at > LOSS_SHOWN_SECONDS:
            self.standing.loss = None
        if self._unnoted is not None:
            await self._note()

    async def check(self) -> None:
        """Every ten seconds: see whether the promise still holds, and what was acknowledged is still there."""
        standing = self.standing
        try:
            promise = await check_nodes(self._redis)
        except StoreRefused as error:
            reason = error.detail or error.title
            if standing.unsafe != reason:
                emit("promise.changed", promise="none", reasons=reason)
            standing.unsafe = reason
            self._counters.put("detent_store_unsafe", 1)
        else:
            before = standing.promise
            if standing.unsafe is not None or before is None or before.mode != promise.mode:
                emit("promise.changed", promise=promise.mode, reasons="; ".join(promise.reasons))
            standing.promise, standing.unsafe = promise, None
            self._counters.put("detent_store_unsafe", 0)
        await self._redis.examine()

    async def stop(self) -> None:
        if self._noting is not None:
            self._noting.cancel()
            await asyncio.gather(self._noting, return_exceptions=True)

    def _down(self, reason: str, cause: str) -> None:
        if self.standing.lost != reason:
            emit("store.lost", cause=cause)
        self.standing.lost = reason
        self._counters.put("detent_store_up", 0)

    def _missing(self, missing: Missing, run: str) -> None:
        """Redis lacks something that it acknowledged to this process."""
        emit(
            "store.rolled_back",
            missing=missing.count,
            checked=missing.checked,
            seconds=round(missing.seconds, 1),
            run=run,
        )
        self._counters.add("detent_store_rollbacks_total")
        self._counters.add("detent_store_writes_missing_total", missing.count)
        self._lost_at = self._clock.monotonic()
        self.standing.loss = (
            f"at {iso(self._clock.now_ms())} Redis lacked {missing.count} of the last {missing.checked} writes that it "
            "had acknowledged to this process; there may be more"
        )
        self._on_loss()
        self._unnoted = run
        self._noting = asyncio.get_running_loop().create_task(self._note())

    async def _note(self) -> None:
        """Begin a new incarnation; what fails is done again a second later."""
        run, guard = self._unnoted, self._redis.guard
        if run is None or guard is None:
            return
        try:
            incarnation = await guard.note(self._redis.script, run)
        except (StoreUnavailable, StoreRefused):
            return
        if self._unnoted == run:
            self._unnoted = None
        self._incarnate(incarnation)

    def _incarnate(self, incarnation: int) -> None:
        """Follow the store's incarnation: what this process has read of another one may not hold."""
        if self._known not in (None, incarnation):
            self._on_loss()
        self._known = self.standing.incarnation = incarnation
