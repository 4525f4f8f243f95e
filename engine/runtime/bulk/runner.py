"""Carries operations out: finds the executions page by page, tells each, and waits until all have answered.

One engine holds an operation at a time and notes after each page how far it has come. Whoever goes on after a crash may
tell the executions of one page again: an execution takes an operation's event once. An operation that is paused stops
after the page at hand.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

import msgspec

from engine.clock import RedisClock
from engine.errors import StoreUnavailable
from engine.runtime.bulk.asked import Asked, read_asked
from engine.runtime.bulk.orders import GONE, Order
from engine.runtime.bulk.pages import Place, next_page
from engine.store.finding.finding import Finding
from engine.store.finding.rows import Row
from engine.store.keys import Keys, ref_of
from engine.store.operating.operations import Held, Operations

PAGE = 200
PAUSE_SECONDS = 0.2  # between the first looks at who has not answered; then each time twice as long, up to the next
PROLONG_SECONDS = 1.0  # the lease lasts longer
HELD_MAX = 32  # operations carried out at once by one engine; slow ones must not keep an urgent one waiting

log = logging.getLogger("detent.bulk")


class Runner:
    """`order_of(operation, asked)` makes what is sent; `offer(ref)` hints that an execution has something to do."""

    def __init__(
        self,
        operations: Operations,
        finding: Finding,
        keys: Keys,
        clock: RedisClock,
        order_of: Callable[[str, Asked], Order],
        offer: Callable[[str], None],
        *,
        namespace: str,
    ) -> None:
        self._operations = operations
        self._finding = finding
        self._keys = keys
        self._clock = clock
        self._order_of = order_of
        self._offer = offer
        self._namespace = namespace
        self._running: dict[str, asyncio.Task[None]] = {}
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """There may be an operation to carry out."""
        self._rung.set()

    async def run(self) -> None:
        """Carry out what there is, for ever; looks once a second."""
        try:
            while True:
                await self.tick()
                try:
                    async with asyncio.timeout(1.0):
                        await self._rung.wait()
                except TimeoutError:
                    pass
                self._rung.clear()
        finally:
            tasks = list(self._running.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def tick(self) -> None:
        """Take operations that nobody holds."""
        for identifier in await self._operations.active(self._namespace):
            if identifier not in self._running and len(self._running) < HELD_MAX:
                loop = asyncio.get_running_loop()
                self._running[identifier] = loop.create_task(self._hold(identifier))

    async def _hold(self, identifier: str) -> None:
        try:
            await self.carry_out(identifier)
        except StoreUnavailable as error:
            log.warning("operation %s waits for Redis: %s", identifier, error)
        except Exception:
            log.exception("operation %s failed here and is taken again", identifier)
        finally:
            del self._running[identifier]

    async def carry_out(self, identifier: str) -> None:
        """Take one operation and go on with it as long as it runs."""
        held = await self._operations.claim(
            self._namespace, identifier, f"{identifier}-{secrets.token_hex(6)}"
        )
        if held is None:
            return
        asked = read_asked(held.asked)
        order = self._order_of(identifier, asked)
        if asked.count is not None:
            # Those of a page that was told and not noted have answered, or will.
            known = await self._operations.read(self._namespace, identifier)
            if known is not None:
                held.sent = max(held.sent, sum(known.answers.values()) + known.waiting)
        if await self._tell_all(held, asked, order) and await self._all_answered(held):
            await self._operations.advance(self._namespace, held, finished=True)

    async def _tell_all(self, held: Held, asked: Asked, order: Order) -> bool:
        """Tell page after page; False where the operation is to go on no further here."""
        place = msgspec.json.decode(held.place, type=Place) if held.place else Place()
        pace = _Pace(self._clock, asked.rate)
        while place.partition < self._keys.partitions:
            rows, place = await next_page(
                self._finding, self._namespace, asked.wanted, place, pace.page
            )
            chosen = [row for row in rows if asked.asks(row)]
            if asked.count is not None:
                chosen = chosen[: asked.count - held.sent]
            await self._tell(held, order, chosen)
            held.seen += len(rows)
            held.sent += len(chosen)
            if asked.count is not None and held.sent >= asked.count:
                place = Place(self._keys.partitions)
            held.place = msgspec.json.encode(place).decode()
            pace.count(len(chosen))
            if not await self._rests(held, pace):
                return False
        return True

    async def _rests(self, held: Held, pace: _Pace) -> bool:
        """Note how far it has come, and keep the operation as long as its pace says to wait; False where it is to stop."""
        while True:
            if await self._operations.advance(self._namespace, held) != "RUNNING":
                return False
            left = pace.left()
            if not left:
                return True
            await self._clock.sleep(min(left, PROLONG_SECONDS))

    async def _tell(self, held: Held, order: Order, rows: list[Row]) -> None:
        told = await asyncio.gather(*(order.send(row) for row in rows))
        for row, outcome in zip(rows, told, strict=True):
            if outcome is None:
                self._offer(ref_of(self._namespace, row.id))
            else:
                held.counts[outcome] = held.counts.get(outcome, 0) + 1

    async def _all_answered(self, held: Held) -> bool:
        """Wait until nobody is waited for. One that ended before it came to the event will not answer any more."""
        prolonged, pause = self._clock.monotonic(), PAUSE_SECONDS
        while True:
            left = 0
            for partition in range(self._keys.partitions):
                names = await self._operations.waiting(self._namespace, held.id, partition)
                left += len(names)
                rows = await self._finding.rows(self._namespace, names) if names else []
                for name, row in zip(names, rows, strict=True):
                    if row is None or row.status != "RUNNING":
                        await self._give_up(held, name)
            if not left:
                return True
            await self._clock.sleep(pause)
            pause = min(2 * pause, PROLONG_SECONDS)
            if self._clock.monotonic() - prolonged > PROLONG_SECONDS:
                prolonged = self._clock.monotonic()
                if await self._operations.advance(self._namespace, held) != "RUNNING":
                    return False

    async def _give_up(self, held: Held, execution: str) -> None:
        if await self._operations.forget(self._namespace, held.id, execution):
            held.counts[GONE] = held.counts.get(GONE, 0) + 1


class _Pace:
    """So many a second, in pages that take a tenth of one."""

    def __init__(self, clock: RedisClock, rate: float | None) -> None:
        self._clock = clock
        self._rate = rate
        self._due = clock.monotonic()
        self.page = PAGE if rate is None else max(1, min(PAGE, round(rate / 10)))

    def count(self, told: int) -> None:
        """So many have been told."""
        if self._rate is not None and told:
            self._due = max(self._due, self._clock.monotonic()) + told / self._rate

    def left(self) -> float:
        """Seconds until the next page is due."""
        return 0.0 if self._rate is None else max(0.0, self._due - self._clock.monotonic())
