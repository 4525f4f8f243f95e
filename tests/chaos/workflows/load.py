"""The callers of random workflows: publish, start, signal, stop, read histories while they grow; a tenth is asked twice."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine
from typing import Any

from detent import Client, DetentError, ExecutionAlreadyExists

from tests.chaos.rig.journal import Journal
from tests.chaos.workflows.expected import Sent
from tests.chaos.workflows.grammar import given
from tests.chaos.workflows.performers import PATIENCE_SECONDS
from tests.chaos.workflows.shapes import Run, Shapes

AGAIN = 0.1  # part of the starts that are sent again
READ = 0.03  # part of the executions whose history is read while they run
READ_SECONDS = (0.5, 4.0)


class Callers:
    """An operation ends ok (acknowledged), fail (refused for good) or info (nobody knows)."""

    def __init__(self, url: str, shapes: Shapes, journal: Journal) -> None:
        self._client = Client(url, retry_seconds=PATIENCE_SECONDS)
        self._shapes = shapes
        self._journal = journal
        self._tasks: set[asyncio.Task[None]] = set()

    async def publish(self) -> None:
        for definition in (*self._shapes.children, *self._shapes.tops):
            await self._client.publish(definition.name, definition.machine())

    async def start(self, run: Run) -> None:
        """Start a run; its signals, and whatever else befalls it, follow by themselves."""
        chance = random.Random(f"callers/{self._shapes.seed}/{run.number}")
        if await self._start(run, "start") == "fail":
            return
        if chance.random() < AGAIN:
            self._later(self._again(run))
        if run.expected.signals:
            self._later(self._signals(run))
        if run.stop is not None:
            self._later(self._stop(run, run.stop))
        if chance.random() < READ:
            self._later(self._read(run, chance.uniform(*READ_SECONDS)))

    async def quiet(self) -> None:
        """Return when everything has been sent."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    def _later(self, deed: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(deed)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, run: Run, what: str) -> str:
        started = given(run.expected.id, run.coin)
        deed = self._client.start(run.definition, started, name=run.name)
        return await self._operation(what, run.expected.id, deed)

    async def _again(self, run: Run) -> None:
        """The same start once more: the same execution, or a refusal because it has ended."""
        await self._start(run, "start_again")

    async def _signals(self, run: Run) -> None:
        names = {each.name: [] for each in run.expected.signals}  # type: dict[str, list[Sent]]
        for each in run.expected.signals:
            names[each.name].append(each)
        await asyncio.gather(*(self._send(run, queue) for queue in names.values()))

    async def _send(self, run: Run, queue: list[Sent]) -> None:
        """Signals of one name, each once the last was answered."""
        await asyncio.sleep(queue[0].after)
        for each in queue:
            for what in ("signal", "signal_again")[: 1 + each.twice]:
                deed = self._client.signal(run.expected.id, each.name, {"id": each.id}, id=each.id)
                kind = await self._operation(
                    what, run.expected.id, deed, name=each.name, id=each.id
                )
            if kind == "fail":
                return  # it has ended

    async def _stop(self, run: Run, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._operation("stop", run.expected.id, self._client.stop(run.expected.id))

    async def _read(self, run: Run, seconds: float) -> None:
        """Read the history in the midst; the checker compares it with the final one."""
        await asyncio.sleep(seconds)
        records: list[list[Any]] = []

        async def read() -> None:
            records.extend(
                [
                    [record["id"], record["previousEventId"], record["type"]]
                    async for record in self._client.history(run.expected.id)
                ]
            )

        await self._operation("history", run.expected.id, read(), records=records)

    async def _operation(
        self, what: str, key: str, deed: Coroutine[Any, Any, Any], **more: Any
    ) -> str:
        began = time.monotonic()
        detail = answer = None
        try:
            found = await deed
            kind = "ok"
            answer = found.get("id") if isinstance(found, dict) else None
        except ExecutionAlreadyExists:
            # Each name is used once: an earlier try of this very call was carried out and its answer lost.
            kind, detail = "info", "exists"
        except DetentError as error:
            detail = error.code
            kind = "info" if error.status in (0, 502, 503, 504) else "fail"
        self._journal.add(
            f=what, key=key, type=kind, detail=detail, answer=answer,
            t0=began, t1=time.monotonic(), **more,
        )  # fmt: skip
        return kind
