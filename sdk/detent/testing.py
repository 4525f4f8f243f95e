"""Testing handlers without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from detent.documents import to_json
from detent.task import Done, Task
from detent.worker import Worker


@dataclass(frozen=True, slots=True)
class Performed:
    """What the engine would be told: an output, or an error and a cause; and how often the handler sent a heartbeat."""

    output: Any = None
    error: str | None = None
    cause: str | None = None
    heartbeats: int = 0

    @property
    def succeeded(self) -> bool:
        return self.error is None


async def run_handler(worker: Worker, queue: str, input: Any = None, **facts: Any) -> Performed:
    """Perform one task as the worker would: same calls, same refusals, values through JSON and back.

    `facts` replace what the task says of itself (`attempt=2`, `state="Charge"`, `heartbeat_seconds=5`). Nothing the
    handler raises comes out of here: it is the outcome. Raises KeyError where no handler performs `queue`, NotJson
    where `input` is not JSON.
    """
    beats = 0

    def beat(_: Task) -> Awaitable[None]:
        nonlocal beats
        beats += 1
        return Done()

    handler = worker.handlers[queue]
    task = Task(_lease(queue, json.loads(to_json(input)), facts), beat)
    if handler.is_async:
        outcome = await handler.perform(task)
    else:
        outcome = await asyncio.to_thread(handler.perform_blocking, task)
    if outcome.output is None:
        return Performed(error=outcome.error, cause=outcome.cause, heartbeats=beats)
    return Performed(output=json.loads(outcome.output), heartbeats=beats)


def run_handler_sync(worker: Worker, queue: str, input: Any = None, **facts: Any) -> Performed:
    """`run_handler` for a test without an event loop."""
    return asyncio.run(run_handler(worker, queue, input, **facts))


def _lease(queue: str, input_: Any, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "token": "test-token",
        "lease": "test-lease",
        "queue": queue,
        "execution": "test:1",
        "definition": "test",
        "state": queue,
        "attempt": 1,
        "input": input_,
        "idempotency_key": "test-key",
        "lease_until": "2100-01-01T00:00:00.000Z",
        **facts,
    }
