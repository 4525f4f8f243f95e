"""What a system's processes cost: CPU seconds and memory, of a process and all that it has started; Linux."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
EVERY_SECONDS = 0.25


def tree(roots: Sequence[int]) -> set[int]:
    """The processes and all their descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children.get(pid, [])
    return found


def cpu_seconds(roots: Sequence[int]) -> float:
    """User and system time of the tree, and of those of it that have ended."""
    total = 0
    for pid in tree(roots):
        fields = _stat(pid)
        total += sum(int(field) for field in fields[11:15]) if fields else 0
    return total / TICKS_PER_SECOND


def memory_bytes(roots: Sequence[int]) -> int:
    """Of the tree, pages that several share counted once (the proportional set size)."""
    total = 0
    for pid in tree(roots):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


class Watch:
    """The most memory that a tree has had while this watched."""

    def __init__(self, roots: Sequence[int]) -> None:
        self.bytes_max = 0
        self._roots = roots
        self._over = threading.Event()

    def run(self) -> None:
        while True:
            self.bytes_max = max(self.bytes_max, memory_bytes(self._roots))
            if self._over.wait(EVERY_SECONDS):
                return

    def end(self) -> None:
        self._over.set()


@contextlib.contextmanager
def watching(roots: Sequence[int]) -> Iterator[Watch]:
    """Watch the tree's memory in a thread until the block ends."""
    watch = Watch(roots)
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join()


def _stat(pid: int) -> list[str]:
    """The fields after the program's name; none where the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
