"""How many tasks a worker may hold at once, and how its queues share them."""

from __future__ import annotations

from collections.abc import Callable


class Slots:
    """Places for tasks: taken before tasks are asked for, given back when they are done or were not handed out.

    A queue below its even share that could not have what it wanted is *short*, and one place is left for it by every
    queue that came later or has its share; so a busy queue keeps all places only while nobody else has work.
    """

    def __init__(self, total: int, queues: int) -> None:
        self.free = total
        self._share = max(1, total // queues)
        self._short: dict[object, None] = {}  # the one that has waited longest first
        self._watchers: list[Callable[[], None]] = []

    def watch(self, on_release: Callable[[], None]) -> None:
        """Call `on_release` whenever places become free."""
        self._watchers.append(on_release)

    def take(self, queue: object, wanted: int, held: int) -> int:
        """Take up to `wanted` places for a queue that has `held`; how many it got."""
        taken = max(0, min(wanted, self.free - self._ahead_of(queue, held)))
        self.free -= taken
        if taken < wanted and held + taken < self._share:
            self._short.setdefault(queue)
        else:
            self._short.pop(queue, None)
        return taken

    def release(self, count: int) -> None:
        if count:
            self.free += count
            for watcher in self._watchers:
                watcher()

    def _ahead_of(self, queue: object, held: int) -> int:
        """How many places must be left for others."""
        if held < self._share and queue in self._short:
            return list(self._short).index(queue)
        return len(self._short) - (queue in self._short)
