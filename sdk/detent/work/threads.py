"""Threads for handlers that block.

Unlike `concurrent.futures`, whose threads the interpreter waits for at exit, these are daemons: a worker that has
drained, or given up draining, can end although a handler hangs.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class Threads:
    """Up to `limit` threads, begun as they are needed, that report to the running event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._deeds: queue.SimpleQueue[_Deed | None] = queue.SimpleQueue()
        self._done: deque[_Deed] = deque()
        self._count = 0
        self._busy = 0

    def submit(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Run `work` on a thread. `work` must not raise: it is expected to turn errors into values."""
        deed = _Deed(work, self._loop.create_future())
        self._busy += 1
        if self._busy > self._count and self._count < self._limit:
            self._count += 1
            name = f"detent-handler-{self._count}"
            threading.Thread(target=self._run, name=name, daemon=True).start()
        self._deeds.put(deed)
        return deed.future

    def close(self) -> None:
        """Let the threads end as they fall idle."""
        for _ in range(self._count):
            self._deeds.put(None)

    def _run(self) -> None:
        while (deed := self._deeds.get()) is not None:
            deed.answer = deed.work()
            self._done.append(deed)
            try:
                self._loop.call_soon_threadsafe(self._collect)
            except RuntimeError:
                return  # the loop is closed: the worker gave this handler up

    def _collect(self) -> None:
        # One wake-up may find several answers, and the wake-ups of the others then none.
        while self._done:
            deed = self._done.popleft()
            self._busy -= 1
            if not deed.future.done():
                deed.future.set_result(deed.answer)


class _Deed:
    """What a thread has to do, and whom it tells."""

    __slots__ = ("answer", "future", "work")

    def __init__(self, work: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.answer: Any = None
