"""Time: the only module that reads it or sleeps.

Leases, timers and records are dated by Redis' clock. Between two replies an engine extends the last one by its own
monotonic clock, which no administrator and no NTP server moves.
"""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)


class Clock:
    """This machine's clocks."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds since some moment; only differences mean anything, and they are never negative."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let others run for at least that long; zero or less yields once."""
        await asyncio.sleep(max(0.0, seconds))

    def pause(self, seconds: float) -> None:
        """Block this thread for at least that long; never on an event loop that serves anybody."""
        time.sleep(max(0.0, seconds))


class RedisClock(Clock):
    """Redis' time as far as this process knows it; before the first reply, this machine's.

    `now_ms` never goes back. It does not run ahead of Redis either, except by what the two machines' oscillators
    differ between replies, or after Redis' own clock was set back: then it stands still until Redis has caught up.
    """

    def __init__(self) -> None:
        self._base_ms: float | None = None
        self._observed = 0.0
        self._shown_ms = 0

    @property
    def is_set(self) -> bool:
        """Whether Redis' time has been observed at all."""
        return self._base_ms is not None

    def observe(self, redis_ms: int) -> None:
        """Take over the time a reply carried. Call it as soon as the reply is read: its way here is lost time."""
        if self._base_ms is None:
            # What was shown before came from another clock and binds nobody.
            self._shown_ms = 0
        self._base_ms = redis_ms
        self._observed = self.monotonic()

    def now_ms(self) -> int:
        if self._base_ms is None:
            return super().now_ms()
        passed_ms = (self.monotonic() - self._observed) * 1000
        self._shown_ms = max(self._shown_ms, int(self._base_ms + passed_ms))
        return self._shown_ms


class ManualClock(Clock):
    """A clock that moves only when told to; for tests and rehearsals."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._started_ms = now_ms
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return (self._now_ms - self._started_ms) / 1000

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now_ms + round(seconds * 1000), woken))
        await woken

    def pause(self, seconds: float) -> None:
        self.advance(round(seconds * 1000))

    def advance(self, ms: int) -> None:
        """Move on by `ms` (never back) and wake whoever slept until then, the earliest first."""
        assert ms >= 0
        self._now_ms += ms
        due = sorted(
            (item for item in self._sleepers if item[0] <= self._now_ms), key=lambda item: item[0]
        )
        self._sleepers = [item for item in self._sleepers if item[0] > self._now_ms]
        for _, woken in due:
            if not woken.done():
                woken.set_result(None)


def iso(ms: int) -> str:
    """ISO 8601, UTC, three decimals: 2026-11-22T10:00:00.000Z. Raises OverflowError beyond the year 9999."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_iso(text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 time with capital T and a zone (Z or an offset).

    A part of a millisecond counts as a whole one, so that nothing due then comes early. Raises ValueError.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-11-22T10:00:00Z")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = match.groups()[6:]
    zone = UTC
    if sign is not None:
        if int(offset_hours) > 23 or int(offset_minutes) > 59:
            raise ValueError(f"{text!r} has no valid offset from UTC")
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
        zone = timezone(offset if sign == "+" else -offset)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    nanoseconds = int((fraction or "").ljust(9, "0"))
    return (moment - _EPOCH) // timedelta(milliseconds=1) + -(-nanoseconds // 1_000_000)
