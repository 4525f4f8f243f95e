"""Files of a run: one JSON object a line. What must survive is on the disk before anybody is told of it."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """Appends lines. `add` returns before the line is on the disk, `settled` after; many lines share one flush."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    def add(self, **line: Any) -> None:
        os.write(self._file, _packed(line))

    async def settled(self, **line: Any) -> None:
        """Return when the line is on the disk."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((_packed(line), done))
        if self._flushing is None or self._flushing.done():
            self._flushing = loop.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            os.write(self._file, b"".join(line for line, _ in batch))
            await asyncio.to_thread(os.fsync, self._file)
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    def close(self) -> None:
        os.close(self._file)


def _packed(line: dict[str, Any]) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def lines(path: Path) -> list[dict[str, Any]]:
    """A journal's lines; none where there is no such file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
