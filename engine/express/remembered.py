"""What can be told of Express executions: those that run here, and the last that did. Bounded, in memory, then gone.

It answers as `engine.store.listing.Listing` does of stored executions, so that queries need not know the difference.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from msgspec import structs

from engine.clock import Clock
from engine.core.execution import Execution, Frame, Status, Work
from engine.documents import Document
from engine.express.run import Run
from engine.express.tasks import MemoryTasks
from engine.store import codec
from engine.store.bounds.histories import HistoryPart
from engine.store.keys import ref_of
from engine.store.listing import FRAMES_MAX, Stored

CLOSED_MAX = 1_000  # closed executions that are remembered
CLOSED_MS_MAX = 600_000  # and for how long
CLOSED_BYTES_MAX = 64 * 1024 * 1024  # and how much they may take


class Remembered:
    """Executions by "namespace:id". `is_watched` says whether somebody waits for a change of one."""

    def __init__(self, clock: Clock, tasks: MemoryTasks, is_watched: Callable[[str], bool]) -> None:
        self._clock = clock
        self._is_watched = is_watched
        self._tasks = tasks
        self.running: dict[str, Run] = {}
        self._closed: OrderedDict[str, Run] = OrderedDict()
        self._bytes = 0

    def find(self, ref: str) -> Run | None:
        """A run that goes on, or one that is still remembered."""
        running = self.running.get(ref)
        if running is not None:
            return running
        self._forget()
        closed = self._closed.get(ref)
        return None if closed is None or self._is_old(closed) else closed

    def add(self, run: Run) -> None:
        self.running[run.ref] = run

    def close(self, run: Run) -> None:
        """It has ended: keep it among the last ones."""
        if self.running.pop(run.ref, None) is not None:
            self._closed[run.ref] = run
            self._bytes += run.size
            self._forget()

    def _forget(self) -> None:
        """Drop the oldest beyond the bounds, but never one that somebody is about to read."""
        spared: list[Run] = []
        while len(self._closed) > 1 and self._is_too_much(next(iter(self._closed.values()))):
            _, run = self._closed.popitem(last=False)
            if self._is_watched(run.ref):
                spared.append(run)
            else:
                self._bytes -= run.size
        for run in reversed(spared):
            self._closed[run.ref] = run
            self._closed.move_to_end(run.ref, last=False)

    def _is_too_much(self, oldest: Run) -> bool:
        return (
            len(self._closed) > CLOSED_MAX or self._bytes > CLOSED_BYTES_MAX or self._is_old(oldest)
        )

    def _is_old(self, run: Run) -> bool:
        return self._clock.now_ms() - (run.stopped_ms or 0) > CLOSED_MS_MAX

    async def read(self, namespace: str, identifier: str) -> Stored | None:
        run = self.find(ref_of(namespace, identifier))
        if run is None:
            return None
        frames = {f.id: f for f in list(run.memory.frames.values())[:FRAMES_MAX]}
        return Stored(_with(run, frames), run.stopped_ms, None, pruned=False, unread=[])

    async def static(self, namespace: str, identifier: str) -> codec.Static | None:
        run = self.find(ref_of(namespace, identifier))
        return None if run is None else codec.static_of(run.execution)

    async def now_ms(self, _ref: str) -> int:
        return self._clock.now_ms()

    async def values(self, ref: str, names: Sequence[str]) -> list[Document | None]:
        run = self.find(ref)
        return [None if run is None else run.memory.value(name) for name in names]

    async def tasks(
        self, ref: str, frames: Sequence[Frame]
    ) -> list[tuple[codec.TaskRow, bytes | None, str] | None]:
        run = self.find(ref)
        return [
            self._tasks.shown(run, (frame.id, frame.hold.revision))
            if run is not None and isinstance(frame.hold, Work)
            else None
            for frame in frames
        ]

    async def history(self, namespace: str, identifier: str, first: int, last: int) -> HistoryPart:
        run = self.find(ref_of(namespace, identifier))
        if run is None:
            return HistoryPart([], 0)
        records = run.memory.records
        count = run.execution.last_record
        if last <= 0:  # counted from the end
            first, last = max(1, count + first), count + last
        kept = [record for record in records if first <= record.id <= last]
        return HistoryPart(kept, count, run.forgotten)

    async def watch(self, ref: str, _watch_ms: int) -> tuple[Status, int] | None:
        run = self.find(ref)
        return None if run is None else (run.execution.status, run.execution.revision)


def _with(run: Run, frames: dict[str, Frame]) -> Execution:
    return structs.replace(run.execution, frames=frames)
