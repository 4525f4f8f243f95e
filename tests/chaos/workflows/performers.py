"""What performers write down before they answer anybody, and the worker: a process that is killed like the others.

    python -m tests.chaos.workflows.performers SEED FOLDER URL

performs the queues of random workflows through the API at URL, and adds what it does to effects.jsonl in FOLDER.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from detent import Client, DetentError

from tests.chaos.rig.journal import Journal
from tests.chaos.workflows import acts
from tests.chaos.workflows.acts import Act

LEASE_SECONDS = 3  # what a dead worker held is handed out again after this
PATIENCE_SECONDS = 60.0
AT_ONCE = 20


async def note(journal: Journal, given: dict[str, Any], *, execution: str, done: bool, key: str, token: str, attempt: int) -> None:  # fmt: skip
    """One line of effects.jsonl, on the disk when this returns: a task that was handed to a performer, and whether it did it."""
    await journal.settled(
        execution=execution, state=given["state"], item=given["item"], kind=given["kind"],
        done=done, key=key, token=token, attempt=attempt, t=time.time(),
    )  # fmt: skip


class Performer:
    """Leases tasks and does as their acts say. Outcomes are reported each by itself, and each answer is written down."""

    def __init__(self, url: str, seed: int, folder: Path) -> None:
        self._seed = seed
        self._client = Client(url, retry_seconds=PATIENCE_SECONDS)
        self._effects = Journal(folder / "effects.jsonl")
        self._operations = Journal(folder / "ops.jsonl")
        self._forgotten: set[str] = set()
        self._working: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Never returns."""
        await asyncio.gather(*(self._poll(queue) for queue in acts.QUEUES.values()))

    async def _poll(self, queue: str) -> None:
        while True:
            try:
                tasks = await self._client.lease(
                    queue, most=AT_ONCE, wait_seconds=5, lease_seconds=LEASE_SECONDS
                )
            except DetentError:
                await asyncio.sleep(0.2)
                continue
            for task in tasks:
                working = asyncio.create_task(self._perform(task))
                self._working.add(working)
                working.add_done_callback(self._working.discard)

    async def _perform(self, task: Any) -> None:
        given, token, lease = task["input"], task["token"], task["lease"]
        place = task["execution"], given["state"], given["item"]
        act = acts.act_of(self._seed, *place, given["kind"])
        is_busy = task["attempt"] <= act.busy and act.manner != "silent"
        done = not is_busy and act.error is None and act.manner != "silent"
        await note(
            self._effects, given, execution=task["execution"], done=done,
            key=task["idempotency_key"], token=token, attempt=task["attempt"],
        )  # fmt: skip
        if act.manner == "silent":
            return
        if act.manner == "forget" and token not in self._forgotten:
            self._forgotten.add(token)
            return
        if act.manner == "slow":
            await asyncio.sleep(act.delay)
        if is_busy or act.error is not None:
            error = "Busy" if is_busy else act.error
            await self._settle(token, "settle", self._client.fail(token, error, lease=lease))
            return
        await self._succeed(token, lease, acts.result_of(given), act)

    async def _succeed(self, token: str, lease: str, output: Any, act: Act) -> None:
        deed = self._client.succeed(token, output, lease=lease)
        accepted = await self._settle(token, "settle", deed)
        if act.manner == "twice" and accepted:
            await self._settle(token, "again", self._client.succeed(token, output, lease=lease))
            other = self._client.succeed(token, {"other": True}, lease=lease)
            await self._settle(token, "otherwise", other)

    async def _settle(self, token: str, what: str, deed: Coroutine[Any, Any, Any]) -> bool:
        return await settle(self._operations, token, what, deed)


async def settle(journal: Journal, token: str, what: str, deed: Coroutine[Any, Any, Any]) -> bool:
    """Report an outcome and write the answer down; whether it was accepted.

    settle: the outcome; again: the same once more; otherwise: another one, after one was accepted.
    """
    began = time.monotonic()
    detail = None
    try:
        await deed
        kind = "ok"
    except DetentError as error:
        detail = error.code
        kind = "info" if error.status in (0, 502, 503, 504) else "fail"
    journal.add(f=what, key=token, type=kind, detail=detail, t0=began, t1=time.monotonic())
    return kind == "ok"


def main() -> None:
    seed, folder, url = sys.argv[1:]
    performer = Performer(url, int(seed), Path(folder))
    print(json.dumps({"event": "worker.started", "holder": ""}), flush=True)
    asyncio.run(performer.run())


if __name__ == "__main__":
    main()
