"""What the shop's workers did, one JSON line each, appended as it happens: the evidence that outlives a kill."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A worker began a task, ended it, or failed it."""

    task: str  # the queue's name
    order: str
    key: str  # the task's idempotency key
    what: Literal["began", "done", "failed"]
    pid: int
    error: str = ""


class Ledger:
    """A file that several processes append to. A line is written by one system call, so lines never mix."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, deed: Deed) -> None:
        """Append, and reach the disk before returning."""
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, json.dumps(asdict(deed)).encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)

    def deeds(self, task: str, order: str, what: str | None = None) -> list[Deed]:
        """What was done for this task of this order, oldest first."""
        if not self._file.exists():
            return []
        lines = self._file.read_text(encoding="utf-8").splitlines()
        every = (Deed(**json.loads(line)) for line in lines)
        return [
            deed
            for deed in every
            if deed.task == task and deed.order == order and what in {None, deed.what}
        ]
