"""The deciders: processes in which transitions are decided whose expressions take longer than the others can wait for.

A library that evaluates expressions may hold the interpreter, fill the memory or end the process, whatever bounds it is
given; so what may do that is done where it can be killed. A process is started when it is first needed, decides one
transition after the other, and is killed and forgotten when one takes too long.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from engine.core.effects import Transition
from engine.core.events import Event
from engine.core.execution import Execution
from engine.core.limits import Limits
from engine.language.expressions.patience import EXPRESSION_MS
from engine.runtime.decider import LENGTH, framed
from engine.store.catalog import Version

START_SECONDS = 30.0  # importing what it needs takes most of a second, on a busy machine more
COMPILE_SECONDS = 15.0  # the largest definition takes a few
DECIDE_SECONDS = EXPRESSION_MS / 1000 + 0.5  # the library watches the time itself, mostly
WAIT_SECONDS = 2.0  # for a free process; the claim of whoever waits lasts longer

Read = Callable[[], Awaitable[Version]]


class AllBusy(Exception):
    """No process became free in time; the transition has to be tried again later."""


class _Died(Exception):
    """The process ended without an answer."""


class _TookTooLong(Exception):
    """The process gave no answer in time and was killed."""


class Deciders:
    """At most `processes` at once, one transition each. Use it in one event loop, and stop it there."""

    def __init__(self, *, processes: int) -> None:
        self._free: asyncio.Queue[_Decider | None] = asyncio.LifoQueue()
        self._running: set[_Decider] = set()
        for _ in range(processes):
            self._free.put_nowait(None)  # not started yet

    async def decide(
        self,
        known_as: str,
        source: Read,
        execution: Execution,
        event: Event,
        now_ms: int,
        limits: Limits,
    ) -> Transition | None:
        """The transition, or None where it took too long or too much.

        `known_as` is the definition's content hash, `source` reads its text. Raises AllBusy.
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                decider = await self._free.get()
        except TimeoutError:
            raise AllBusy from None
        request = ("decide", known_as, execution, event, now_ms, limits)
        try:
            for _ in range(
                2
            ):  # a process may be ended by others; twice in a row is the transition's doing
                if decider is None or decider.is_gone:
                    decider = await self._start()
                try:
                    return await _decided(decider, request, source)
                except _Died:
                    self._drop(decider)
            return None
        except _TookTooLong:
            return None
        except BaseException:
            if decider is not None:
                self._drop(decider)  # its answer would be taken for the next one's
            raise
        finally:
            self._free.put_nowait(decider)

    async def _start(self) -> _Decider:
        decider = await _Decider.start()
        self._running.add(decider)
        return decider

    def _drop(self, decider: _Decider) -> None:
        decider.kill()
        self._running.discard(decider)

    async def stop(self) -> None:
        """End every process. Whoever waits for one gets None."""
        for decider in self._running:
            decider.kill()
        await asyncio.gather(*(decider.ended() for decider in self._running))
        self._running.clear()


async def _decided(decider: _Decider, request: tuple[Any, ...], source: Read) -> Transition:
    answer = await decider.ask(request, DECIDE_SECONDS)
    if answer[0] == "unknown":
        stored = await source()
        load = ("machine", request[1], stored.text, stored.format)
        _checked(await decider.ask(load, COMPILE_SECONDS))
        answer = await decider.ask(request, DECIDE_SECONDS)
    step: Transition = _checked(answer)[1]
    return step


def _checked(answer: tuple[Any, ...]) -> tuple[Any, ...]:
    if answer[0] == "failed":
        raise RuntimeError(answer[1])
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
        """Raises _Died or _TookTooLong where it does not come up."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "engine.runtime.decider",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        decider = cls(process)
        await decider.ask(None, START_SECONDS)
        return decider

    @property
    def is_gone(self) -> bool:
        return self._is_killed or self._process.returncode is not None

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
            raise _Died from None
        answer: tuple[Any, ...] = pickle.loads(body)  # noqa: S301 - our own child's
        return answer

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        self._is_killed = True

    async def ended(self) -> None:
        await self._process.wait()
