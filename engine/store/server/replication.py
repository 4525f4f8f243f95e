"""Replies that are held until replicas have what they tell of.

What goes out in one write ends with a mark and a WAIT, on the same connection: the mark is a write, so that the WAIT also
covers what was only read (a repeated start is answered from what somebody else has written, perhaps a moment ago).
When enough replicas have confirmed, the replies of that write are given out, and of all before it. When they have
not, the outcome of the whole write is unknown: it is asked for again, by another mark and WAIT, but nothing of it is
ever sent again. After the patience the calls end as OutcomeUnknown.

WAIT holds up what follows on its connection; so no more than two are on their way, and what comes meanwhile goes out
together. Refusals are passed on at once, for they tell of nothing that could be lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from engine.errors import OutcomeUnknown
from engine.store import scripts
from engine.store.server.calls import Call, fail

WAIT_MS = 500  # of one WAIT, during which its connection does nothing else
PATIENCE_SECONDS = 5.0  # from the write to the end as unknown
MARKS_KEPT = 8
PAUSE_SECONDS = 0.05  # before asking again: a mark that is refused is answered at once
FLYING_MAX = 2

Refused = Callable[[Call, RedisError], None]


class Batch:
    """Calls that went out in one write, and the replies that have come."""

    __slots__ = ("answers", "number", "refused", "since")

    def __init__(self, number: int, since: float, refused: Refused) -> None:
        self.number = number
        self.since = since
        self.refused = refused
        self.answers: list[tuple[Call, Any]] = []

    def take(self, call: Call, reply: Any) -> None:
        if isinstance(reply, RedisError):
            self.refused(call, reply)
        else:
            self.answers.append((call, reply))

    def release(self) -> None:
        for call, reply in self.answers:
            if not call.future.done():
                call.future.set_result(reply)

    def fail(self, reason: str) -> None:
        for call, _ in self.answers:
            fail(call, OutcomeUnknown(reason))


class Held:
    """What one connection holds back until `replicas` replicas have it.

    `put(calls)` writes calls that are not held; `refused(call, error)` takes Redis' errors; `room()` is called when
    more may be written.
    """

    def __init__(
        self,
        replicas: int,
        put: Callable[[Sequence[Call]], None],
        refused: Refused,
        room: Callable[[], None],
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._replicas = replicas
        self._put = put
        self._refused = refused
        self._room = room
        self._patience_seconds = patience_seconds
        self._batches: deque[Batch] = deque()
        self._number = 0
        self._flying = 0  # WAITs that have not been answered
        # Keys that were marked lately, and whether after ASKING. Several: the slot of one may be on its way elsewhere.
        self._marks: deque[tuple[str, bool]] = deque(maxlen=MARKS_KEPT)
        self._known = True  # whether the server has the script

    @property
    def has_room(self) -> bool:
        return self._flying < FLYING_MAX

    @property
    def empty(self) -> bool:
        return not self._batches

    def seal(self, calls: Sequence[Call]) -> list[Call]:
        """Hold the replies of calls that are about to be written; returns what is to be written behind them.

        Calls without a key tell nothing of what is stored, and are not held.
        """
        keyed: Call | None = None
        batch = Batch(self._number + 1, asyncio.get_running_loop().time(), self._refused)
        for call in calls:
            call.taker = None
            if call.key is not None and not call.peeks:
                call.taker = batch.take
                keyed = call
        if keyed is None or keyed.key is None:
            return []
        self._number += 1
        self._batches.append(batch)
        return self._proof(_mark_of(keyed.key), asking=keyed.asking)

    def abandon(self, reason: str) -> None:
        """The connection is lost: whether replicas have it will not be known."""
        batches, self._batches = self._batches, deque()
        self._flying = 0
        for batch in batches:
            batch.fail(reason)

    def _proof(self, mark: str, *, asking: bool) -> list[Call]:
        """A mark, and the WAIT for all batches so far."""
        number, marked = self._number, False

        def at_mark(_: Call, reply: Any) -> None:
            nonlocal marked
            marked = not isinstance(reply, RedisError)
            if isinstance(reply, NoScriptError):
                self._known = False
            elif marked != ((mark, asking) in self._marks):
                (self._marks.append if marked else self._marks.remove)((mark, asking))

        def at_wait(_: Call, reply: Any) -> None:
            enough = isinstance(reply, int) and reply >= self._replicas
            self._conclude(number, proven=marked and enough)

        script = scripts.load("mark")
        command = ("EVALSHA", script.sha) if self._known else ("EVAL", script.text)
        loop = asyncio.get_running_loop()
        first = Call((*command, 1, mark), loop.create_future())
        first.asking, first.taker = asking, at_mark
        second = Call(("WAIT", self._replicas, WAIT_MS), loop.create_future())
        second.taker = at_wait
        self._known = True
        self._flying += 1
        return [first, second]

    def _conclude(self, number: int, *, proven: bool) -> None:
        self._flying -= 1
        if proven:
            while self._batches and self._batches[0].number <= number:
                self._batches.popleft().release()
        else:
            self._keep(number)
            if self._batches and not self._flying:
                asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._again)
        self._room()

    def _keep(self, number: int) -> None:
        """Let go of batches of which nothing is held, and of those whose time is up."""
        now, kept = asyncio.get_running_loop().time(), deque[Batch]()
        for batch in self._batches:
            if now - batch.since > self._patience_seconds:
                batch.fail(f"fewer than {self._replicas} replicas confirmed it in time")
            elif batch.answers or batch.number > number:
                kept.append(batch)
        self._batches = kept

    def _again(self) -> None:
        if self._batches and not self._flying:
            mark, asking = self._mark()
            self._put(self._proof(mark, asking=asking))

    def _mark(self) -> tuple[str, bool]:
        """A key that was marked lately, another one each time; before that, one of a call that was answered here."""
        if self._marks:
            self._marks.rotate(1)
            return self._marks[0]
        answered = [call for batch in self._batches for call, _ in batch.answers]
        last = answered[-1] if answered else None
        return (_mark_of(last.key or ""), last.asking) if last is not None else ("", False)


def _mark_of(key: str) -> str:
    """A key in the slot of another."""
    tagged, brace, _ = key.partition("}")
    return f"{tagged}}}:mark" if brace else f"{{{key}}}:mark"
