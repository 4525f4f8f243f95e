"""What a worker says to the server: exchange, settle one, extend a lease."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from detent.documents import to_json
from detent.task import Task
from detent.transport import Request, Transport, segment
from detent.work.handlers import Outcome

Finished = tuple[Task, Outcome]


class Door:
    """The task side of one server, for one worker."""

    def __init__(self, transport: Transport, worker: str, lease_seconds: float) -> None:
        self._transport = transport
        self._terms = to_json({"lease_seconds": lease_seconds, "worker": worker})[1:]
        self._lease_seconds = lease_seconds

    async def exchange(
        self, queue: str, finished: Sequence[Finished], most: int, wait_seconds: int
    ) -> Any:
        """Report outcomes and lease up to `most` tasks; sent once."""
        results = b",".join(
            outcome.body(token=task.token, lease=task.lease) for task, outcome in finished
        )
        asked = f'],"max":{most},"wait_seconds":{wait_seconds},'.encode()
        body = b'{"results":[' + results + asked + self._terms
        path = f"/v1/queues/{segment(queue)}/exchange"
        return await self._transport.send(Request("POST", path, body, wait_seconds=wait_seconds))

    async def settle(self, finished: Finished) -> None:
        """Report one outcome; sent once."""
        task, outcome = finished
        deed = "fail" if outcome.output is None else "succeed"
        path = f"/v1/tasks/{segment(task.token)}/{deed}"
        await self._transport.send(Request("POST", path, outcome.body(lease=task.lease)))

    async def extend(self, task: Task, seconds: float | None = None) -> None:
        """Heartbeat and extend the lease by `seconds` from now (the lease's own length by default); sent once."""
        await self._transport.send(self._heartbeat(task, seconds or self._lease_seconds))

    async def heartbeat(self, task: Task) -> None:
        """As `extend`, repeated while the server is out of reach."""
        await self._transport.call(self._heartbeat(task, self._lease_seconds))

    def _heartbeat(self, task: Task, seconds: float) -> Request:
        return Request(
            "POST",
            f"/v1/tasks/{segment(task.token)}/heartbeat",
            to_json({"lease": task.lease, "lease_seconds": seconds}),
            answer_seconds=max(1.0, self._lease_seconds / 3),
            repeatable=True,
        )
