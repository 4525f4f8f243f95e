"""The callers of a run: orders are started and signalled, tasks performed, and every acknowledgement is written down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from detent import Client, DetentError, ExecutionAlreadyExists, Task, TaskError, Worker

from tests.chaos.orders.plan import DEFINITION, NOTIFY_QUEUE, SDK_QUEUES, SIGNAL, Order, order_of
from tests.chaos.rig.journal import Journal

LEASE_SECONDS = (
    3  # a task whose hand-out was lost with the API's process is handed out again after this
)
PATIENCE_SECONDS = 60.0


class Callers:
    """Starts and signals. An operation ends ok (acknowledged), fail (refused for good) or info (nobody knows)."""

    def __init__(self, url: str, journal: Journal, token: str | None = None) -> None:
        self._client = Client(url, token, retry_seconds=PATIENCE_SECONDS)
        self._journal = journal
        self._tasks: set[asyncio.Task[None]] = set()
        self.started = 0

    async def publish(self, text: bytes) -> None:
        await self._client.publish(DEFINITION, text)

    async def start(self, order: Order) -> None:
        """Start an order; its signals follow by themselves."""
        deed = self._client.start(DEFINITION, order.input, name=order.name)
        kind = await self._operation("start", order.execution, deed)
        if kind != "fail":
            self.started += 1
            task = asyncio.create_task(self._signals(order))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def quiet(self) -> None:
        """Return when every signal has been sent."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    async def _signals(self, order: Order) -> None:
        await asyncio.sleep(order.signal_delay)
        payload = {"order": order.number}
        for name, identifier in order.signals:
            times = 2 if order.signal_twice and name == SIGNAL else 1
            for _ in range(times):
                deed = self._client.signal(order.execution, name, payload, id=identifier)
                await self._operation("signal", order.execution, deed, name=name, id=identifier)

    async def _operation(self, what: str, key: str, deed: Any, **more: str) -> str:
        began = time.monotonic()
        detail = None
        try:
            await deed
            kind = "ok"
        except ExecutionAlreadyExists:
            # Each name is used once: an earlier try of this very call was carried out and its answer lost.
            kind, detail = "info", "exists"
        except DetentError as error:
            detail = error.code
            kind = "info" if error.status in (0, 502, 503, 504) else "fail"
        self._journal.add(
            f=what, key=key, type=kind, detail=detail, t0=began, t1=time.monotonic(), **more
        )
        return kind


class Workers:
    """Perform every queue: one with each acknowledgement written down, the others as a user's program would."""

    def __init__(
        self,
        url: str,
        seed: int,
        effects: Journal,
        operations: Journal,
        token: str | None = None,
    ) -> None:
        self._seed = seed
        self._effects = effects
        self._operations = operations
        self._client = Client(url, token, retry_seconds=PATIENCE_SECONDS)
        self._worker = Worker(url, token, concurrency=60, name="sdk", lease_seconds=LEASE_SECONDS)
        for queue in SDK_QUEUES:
            self._worker.task(queue)(self._handler(queue))
        self._notifying: list[asyncio.Task[None]] = []
        self._forgotten: set[str] = set()

    async def start(self) -> None:
        await self._worker.start()
        self._notifying = [asyncio.create_task(self._notify()) for _ in range(2)]

    async def stop(self) -> None:
        for task in self._notifying:
            task.cancel()
        await asyncio.gather(*self._notifying, return_exceptions=True)
        await self._worker.stop(drain_seconds=2)
        await self._client.close()

    def _handler(self, queue: str) -> Callable[[Any, Task], Any]:
        async def handler(given: dict[str, Any], task: Task) -> Any:
            return await self._perform(
                queue, given, task.attempt, token=task.token, key=task.idempotency_key
            )

        return handler

    async def _perform(
        self, queue: str, given: dict[str, Any], attempt: int, *, token: str, key: str
    ) -> Any:
        """Do the work: its effect is on the disk before anybody hears of it."""
        number, item = given["order"], given.get("item", -1)
        order = order_of(self._seed, number)
        error = order.answer(queue, item, attempt)
        line = {"execution": order.execution, "queue": queue, "item": item, "key": key}
        await self._effects.settled(**line, token=token, attempt=attempt, done=error is None)
        if error is not None:
            raise TaskError(error, "as planned")
        return {queue: number} | ({"item": item} if item >= 0 else {})

    async def _notify(self) -> None:
        results: list[dict[str, Any]] = []
        while True:
            try:
                reply = await self._client.exchange(
                    NOTIFY_QUEUE,
                    results,  # type: ignore[arg-type]
                    most=20,
                    wait_seconds=0 if results else 5,
                    lease_seconds=LEASE_SECONDS,
                )
            except DetentError:
                await asyncio.sleep(0.2)  # settling again under the same token and lease is safe
                continue
            for answer in reply["results"]:
                self._operations.add(f="settle", key=answer["token"], type=answer["status"])
            settled = await asyncio.gather(*map(self._settle, reply["tasks"]))
            results = [result for result in settled if result is not None]

    async def _settle(self, task: Any) -> dict[str, Any] | None:
        """The outcome of a notification; None where its notifier dies after the deed, and another has to repeat it."""
        output = await self._perform(
            NOTIFY_QUEUE,
            task["input"],
            task["attempt"],
            token=task["token"],
            key=task["idempotency_key"],
        )
        forgotten = order_of(self._seed, task["input"]["order"]).forgotten
        if forgotten and task["token"] not in self._forgotten:
            self._forgotten.add(task["token"])
            return None
        return {"token": task["token"], "lease": task["lease"], "output": output}
