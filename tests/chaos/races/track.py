"""The track: starts executions, hands each round its tasks, lets racers off together or at a moment, times answers."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.chaos.races.doors import Door, Held, Refused
from tests.chaos.races.judging import Answer, Round

SPREAD_MS = 5.0  # a racer at a deadline comes this much before it or after it
STEP_MS = (
    0.05  # by how much the aim moves after a round; more, the longer the same side goes on winning
)
STEP_FACTOR = 1.1
STEP_MS_MAX = 2.0
AIM_MS = (-60.0, 400.0)  # how far it may have moved
TOGETHER_SECONDS = 0.002  # racers without a deadline are let off within this
LEASE_MOST = 100
PATIENCE_SECONDS = 120.0

Racer = Callable[[], Awaitable[Any]]


class Aim:
    """Where to aim so that both sides win: at the deadline at first, later as much as time-outs are late here.

    A time-out is taken when an engine comes to it, on a busy machine tens of milliseconds after it is due.
    """

    def __init__(self) -> None:
        self.centre_ms = 0.0
        self._step_ms = STEP_MS
        self._before = False

    def won(self, *, racer: bool) -> None:
        longer = min(self._step_ms * STEP_FACTOR, STEP_MS_MAX)
        self._step_ms, self._before = (longer if racer == self._before else STEP_MS), racer
        moved = self.centre_ms + (self._step_ms if racer else -self._step_ms)
        self.centre_ms = min(max(moved, AIM_MS[0]), AIM_MS[1])


class Track:
    """`doors` are the ways in, of which each deed takes one by chance."""

    def __init__(self, doors: Sequence[Door], chance: random.Random, prefix: str) -> None:
        self._doors = doors
        self._chance = chance
        self._prefix = prefix
        self._count = 0
        self._waiting: dict[tuple[str, str], asyncio.Future[Held]] = {}
        self._early: dict[tuple[str, str], list[Held]] = defaultdict(list)
        self._hands: list[asyncio.Task[None]] = []
        self.aim = Aim()

    def door(self) -> Door:
        return self._chance.choice(self._doors)

    def serve(self, *queues: str, pollers: int = 4) -> None:
        """Begin to lease the tasks of these queues."""
        self._hands = [
            asyncio.create_task(self._poll(queue)) for queue in queues for _ in range(pollers)
        ]

    async def close(self) -> None:
        for task in self._hands:
            task.cancel()
        await asyncio.gather(*self._hands, return_exceptions=True)

    async def start(self, definition: str) -> str:
        self._count += 1
        return await self.door().start(definition, f"{self._prefix}-{self._count}")

    async def held(self, queue: str, execution: str) -> Held:
        """The execution's next task of that queue."""
        key = queue, execution
        if self._early[key]:
            return self._early[key].pop(0)
        future: asyncio.Future[Held] = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await future

    async def due(self, execution: str) -> float:
        """When the timer falls due that the execution waits for, in seconds since 1970."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (due := await self.door().due(execution)) is None:
                await asyncio.sleep(0.01)
        return due

    async def race(
        self, at: float | None = None, within: float = TOGETHER_SECONDS, **racers: Racer
    ) -> dict[str, Answer]:
        """Let all off `within` seconds, in an order of chance; `at`: around that moment instead (seconds since 1970)."""
        names = list(racers)
        self._chance.shuffle(names)
        told = await asyncio.gather(*(self._let_off(racers[name], at, within) for name in names))
        return dict(zip(names, told, strict=True))

    async def finish(self, execution: str, answers: dict[str, Answer], **facts: Any) -> Round:
        """The round, once its execution is closed."""
        end = await self.door().end(execution)
        events = await self.door().history(execution)
        return Round(execution, answers, end.status, end.output, events, end.kept, facts)

    def succeeds(self, held: Held, output: Any, lease: str | None) -> Racer:
        return lambda: self.door().succeed(held.token, output, lease)

    def fails(self, held: Held, error: str, lease: str | None) -> Racer:
        return lambda: self.door().fail(held.token, error, lease)

    async def _let_off(self, racer: Racer, at: float | None, within: float) -> Answer:
        if at is None:
            await asyncio.sleep(self._chance.uniform(0, within))
        else:
            off_ms = self.aim.centre_ms + self._chance.uniform(-SPREAD_MS, SPREAD_MS)
            await asyncio.sleep(max(0.0, at + off_ms / 1000 - time.time()))
        began = time.monotonic()
        try:
            told = await racer()
        except Refused as no:
            return Answer(no.status, no.code, no.told, began, time.monotonic())
        return Answer(200, "", str(told or ""), began, time.monotonic())

    async def _poll(self, queue: str) -> None:
        while True:
            try:
                tasks = await self.door().lease(queue, LEASE_MOST)
            except Refused:
                await asyncio.sleep(0.1)
                continue
            for held in tasks:
                key = queue, held.execution
                future = self._waiting.pop(key, None)
                if future is None or future.done():
                    self._early[key].append(held)
                else:
                    future.set_result(held)
