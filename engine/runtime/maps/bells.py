"""Bells: where a Map Run's driver hears that children have ended. Hints only; a look finds whatever was not heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Rung:
    """What one driver has heard: the partitions in which children of its run have ended."""

    def __init__(self, partitions: int) -> None:
        self._all = range(partitions)
        self.partitions = set(self._all)
        self.is_closed = False  # the process stops: others are to go on
        self.is_changed = False  # the run was: its driver has to read what it keeps to
        self._event = asyncio.Event()

    def add(self, partition: int) -> None:
        self.partitions.add(partition)
        self._event.set()

    def all(self) -> None:
        """There may be something anywhere."""
        self.partitions.update(self._all)

    def change(self) -> None:
        self.is_changed = True
        self._event.set()

    def wake(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Whether something was heard within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        finally:
            self._event.clear()
        return True


class Bells:
    """The drivers of this process that listen, by the ref of their runs."""

    def __init__(self, partitions: int, partition_of: Callable[[str], int]) -> None:
        self._partitions = partitions
        self._partition_of = partition_of
        self._rung: dict[str, list[Rung]] = {}
        self._is_closed = False

    def close(self) -> None:
        """Have every driver of this process leave its run to others, and each that comes later."""
        self._is_closed = True
        for rungs in self._rung.values():
            for rung in rungs:
                rung.is_closed = True
                rung.wake()

    def listen(self, run: str) -> Rung:
        rung = Rung(self._partitions)
        rung.is_closed = self._is_closed
        self._rung.setdefault(run, []).append(rung)
        return rung

    def leave(self, run: str, rung: Rung) -> None:
        heard = self._rung[run]
        heard.remove(rung)
        if not heard:
            del self._rung[run]

    def ring(self, ref: str, run: str) -> None:
        """The child `ref` of the run has ended; where both are the same, the run itself was changed."""
        for rung in self._rung.get(run, ()):
            if ref == run:
                rung.change()
            else:
                rung.add(self._partition_of(ref))

    def ring_child(self, ref: str, run: str) -> None:
        """The same, of a run by its id alone."""
        if self._rung:
            namespace, processor, _ = ref.split(":", 2)
            self.ring(ref, f"{namespace}:{processor}:{run}")
