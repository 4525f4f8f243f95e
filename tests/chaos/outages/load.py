"""A lean load: executions that are started, signalled and worked on, each acknowledgement remembered with its moment."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from detent import Client, DetentError, Task, Worker

DEFINITION = "outage"
TEXT = {
    "StartAt": "First",
    "States": {
        "First": {"Type": "Pass", "Next": "Second"},
        "Second": {"Type": "Pass", "Next": "Ask"},
        "Ask": {"Type": "Task", "Resource": "signal:go", "ResultPath": "$.went", "Next": "Work"},
        "Work": {"Type": "Task", "Resource": "activity:outage-work", "Retry": [{"ErrorEquals": ["States.ALL"]}], "End": True},
    },
}  # fmt: skip
REFUSALS = {502, 503, 504, 0}


@dataclass
class Load:
    """`starts` and `signals`: when the answer to each came (seconds of the monotonic clock). `failed`: refused for good."""

    url: str
    starts: dict[str, float] = field(default_factory=dict)
    signals: dict[str, float] = field(default_factory=dict)
    performed: dict[str, set[str]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    refused: int = 0
    _number: int = 0

    def __post_init__(self) -> None:
        self.client = Client(self.url, retry_seconds=0)
        self._worker = Worker(self.url, concurrency=20, lease_seconds=5)
        self._worker.task("outage-work")(self._work)
        self._callers: list[asyncio.Task[None]] = []
        self._working = False

    async def begin(self, callers: int = 4, *, works: bool = True) -> None:
        await self.client.publish(DEFINITION, TEXT)
        if works:
            await self.work()
        self._callers = [asyncio.create_task(self._call()) for _ in range(callers)]

    async def work(self) -> None:
        self._working = True
        await self._worker.start()

    async def quiet(self) -> None:
        """Start nothing more."""
        for task in self._callers:
            task.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)
        self._callers = []

    async def close(self) -> None:
        await self.quiet()
        if self._working:
            await self._worker.stop(drain_seconds=1)
        await self.client.close()

    @property
    def acknowledged(self) -> int:
        return len(self.starts) + len(self.signals)

    async def start(self) -> str | None:
        """Start one; its id where that was acknowledged."""
        self._number += 1
        name = f"o-{self._number}"
        key = f"{DEFINITION}:{name}"
        return (
            key
            if await self._did(
                self.starts, key, self.client.start(DEFINITION, {"n": name}, name=name)
            )
            else None
        )

    async def signal(self, key: str) -> bool:
        return await self._did(
            self.signals, key, self.client.signal(key, "go", {"of": key}, id="go")
        )

    async def _did(self, into: dict[str, float], key: str, deed: Any) -> bool:
        try:
            await deed
        except DetentError as error:
            if error.status in REFUSALS:
                self.refused += 1
            else:
                self.failed.append(f"{key}: {error.status} {error}")
            return False
        into[key] = time.monotonic()
        return True

    async def _call(self) -> None:
        while True:
            key = await self.start()
            if key is None or not await self.signal(key):
                await asyncio.sleep(0.05)

    async def _work(self, given: dict[str, Any], task: Task) -> Any:
        self.performed.setdefault(given["n"], set()).add(task.idempotency_key)
        return given
