"""The deciders: processes in which that is decided whose expressions take longer than the others can wait for.

A library that evaluates expressions may hold the interpreter, fill the memory or end the process, whatever bounds it is
given; so what may do that is done where it can be killed. A process is started when it is first needed, decides one
transition after the other, and is killed and forgotten when one takes too long. Whoever finds none free waits, first
come, first served.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from engine.core.effects import Transition
from engine.core.events import Event
from engine.core.execution import Execution
from engine.core.limits import Limits
from engine.core.states.distributed.selecting import Item
from engine.core.states.distributed.spec import MapRunSpec
from engine.documents import Document
from engine.language.expressions.scope import ExpressionError
from engine.runtime.decider import LENGTH, framed
from engine.store.catalog import Version
from engine.telemetry import emit

START_SECONDS = 30.0  # importing what it needs takes most of a second, on a busy machine more
COMPILE_SECONDS = 15.0  # the largest definition takes a few
# JSONata ends after one second by itself, mostly; JSONPath, bound by effort, takes less where there is a core for it.
DECIDE_SECONDS = 3.0
ATTEMPTS = 2  # a process may be ended by others; twice in a row is the transition's doing

Read = Callable[[], Awaitable[Version]]


class NotNow(Exception):
    """No process can be had; nothing was decided, and that is not the transition's fault. Try again later."""


class _Died(Exception):
    """The process ended without an answer."""


class _TookTooLong(Exception):
    """The process gave no answer in time and was killed."""


class _Exhausted(Exception):
    """The memory was not enough, and the process has ended itself."""


class Question(Struct, frozen=True):
    """A transition to be decided. `known_as` is the definition's content hash, `source` reads its text."""

    known_as: str
    source: Read
    execution: Execution
    event: Event
    now_ms: int
    limits: Limits


class Selection(Struct, frozen=True):
    """An item of a Map Run to which ItemSelector is to be applied. `known_as` and `source` as in a Question."""

    known_as: str
    source: Read
    spec: MapRunSpec
    seed: bytes
    item: Item


class Deciders:
    """At most `processes` at once, one transition each. Use it in one event loop, and stop it there."""

    def __init__(self, *, processes: int) -> None:
        self._free: asyncio.Queue[_Decider | None] = asyncio.LifoQueue()
        self._running: set[_Decider] = set()
        self._killed: list[_Decider] = []  # and perhaps not ended yet
        self._waiting = 0
        self._is_open = True
        for _ in range(processes):
            self._free.put_nowait(None)  # not started yet

    async def decide(self, question: Question) -> tuple[Transition, float] | None:
        """The transition and the seconds it took, or None where it took too long or too much.

        Waits for a free process as long as it takes. Raises NotNow.
        """
        ask = ("decide", question.known_as, question.execution, question.event, question.now_ms)
        answer = await self._answered((*ask, question.limits), question.source)
        return None if answer is None else (answer[1], answer[2])

    async def select(self, about: Selection) -> tuple[Document, float] | None:
        """What ItemSelector makes of the item and the seconds it took; None as for `decide`.

        Raises NotNow, and ExpressionError where the expression does.
        """
        ask = ("select", about.known_as, about.spec, about.seed, about.item)
        answer = await self._answered(ask, about.source)
        if answer is not None and answer[0] == "refused":
            raise ExpressionError(*answer[1:])
        return None if answer is None else (answer[1], answer[2])

    async def _answered(self, ask: tuple[Any, ...], source: Read) -> tuple[Any, ...] | None:
        decider = await self._next_free()
        try:
            for _ in range(ATTEMPTS):
                if decider is None or decider.is_gone:
                    decider = await self._start()
                try:
                    return await _answered(decider, ask, source)
                except (_Died, _TookTooLong, _Exhausted) as error:
                    self._drop(decider, (error.__doc__ or "").rstrip("."))
                    if not isinstance(error, _Died):
                        break
            return None
        except BaseException:
            if decider is not None:
                self._drop(decider)  # its answer would be taken for the next one's
            raise
        finally:
            self._free.put_nowait(decider)

    async def _next_free(self) -> _Decider | None:
        self._waiting += 1
        try:
            decider = await self._free.get()
        finally:
            self._waiting -= 1
        if not self._is_open:
            self._free.put_nowait(decider)
            raise NotNow
        return decider

    async def _start(self) -> _Decider:
        try:
            decider = await _Decider.start()
        except (OSError, _Died, _TookTooLong) as error:
            emit("decider.lost", cause=f"it does not start: {type(error).__name__} {error}".strip())
            raise NotNow from error
        self._running.add(decider)
        return decider

    def _drop(self, decider: _Decider, cause: str = "") -> None:
        decider.kill()
        self._running.discard(decider)
        self._killed = [each for each in self._killed if not each.has_ended] + [decider]
        if cause:
            emit("decider.lost", cause=cause)

    def close(self) -> None:
        """Begin nothing more: whoever waits gets NotNow. What is being decided goes on."""
        self._is_open = False
        for _ in range(self._waiting):
            self._free.put_nowait(None)

    async def stop(self) -> None:
        """End every process. Whoever is being answered by one must be gone."""
        self.close()
        for decider in list(self._running):
            self._drop(decider)
        await asyncio.gather(*(decider.ended() for decider in self._killed))


async def _answered(decider: _Decider, ask: tuple[Any, ...], source: Read) -> tuple[Any, ...]:
    """The answer of a process that may have to be told the machine first."""
    answer = await decider.ask(ask, DECIDE_SECONDS)
    if answer[0] == "unknown":
        stored = await source()
        answer = await decider.ask(("machine", ask[1], stored.text, stored.format), COMPILE_SECONDS)
        if answer[0] == "known":
            answer = await decider.ask(ask, DECIDE_SECONDS)
    if answer[0] == "failed":
        raise RuntimeError(answer[1])
    if answer[0] == "exhausted":
        raise _Exhausted
    return answer


class _Decider:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._requests, self._answers = process.stdin, process.stdout
        self._is_killed = False

    @classmethod
    async def start(cls) -> _Decider:
        """Raises OSError, _Died or _TookTooLong where it does not come up."""
        # It finds modules where this process does, and not, as -m would have it, first of all in the current folder.
        found_in = os.pathsep.join(path for path in sys.path if path)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "engine.runtime.decider", str(os.getpid())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": found_in},
        )
        decider = cls(process)
        try:
            await decider.ask(None, START_SECONDS)
        except BaseException:
            decider.kill()
            raise
        return decider

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    @property
    def is_gone(self) -> bool:
        return self._is_killed or self.has_ended

    async def ask(self, request: tuple[Any, ...] | None, seconds: float) -> tuple[Any, ...]:
        """Send a request (None: nothing) and wait for the next answer. Raises _Died and _TookTooLong; then it is no more."""
        try:
            async with asyncio.timeout(seconds):
                if request is not None:
                    self._requests.write(framed(request))
                    await self._requests.drain()
                head = await self._answers.readexactly(LENGTH.size)
                body = await self._answers.readexactly(LENGTH.unpack(head)[0])
        except TimeoutError:
            self.kill()
            raise _TookTooLong from None
        except (OSError, asyncio.IncompleteReadError):
            self.kill()
            if await self._process.wait() == -signal.SIGPROF:
                raise _TookTooLong from None  # of CPU: it has ended itself (see decider.py)
            raise _Died from None
        answer: tuple[Any, ...] = pickle.loads(body)  # noqa: S301 - our own child's
        return answer

    def kill(self) -> None:
        if not self.has_ended:
            self._process.kill()
        self._is_killed = True

    async def ended(self) -> None:
        await self._process.wait()
