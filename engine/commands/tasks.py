"""Commands about tasks: what workers and callers with a token ask for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from engine import failpoints
from engine.clock import iso
from engine.commands.parts import Parts, check_failure
from engine.core.events import TaskFailed, TaskSubmitted, TaskSucceeded
from engine.core.tokens import task_token
from engine.errors import (
    InvalidName,
    InvalidRequest,
    LeaseLost,
    OutcomeUnknown,
    TaskClosed,
    TaskNotFound,
)
from engine.names import check_execution, check_queue, is_express
from engine.store.tasks import Address, Lease, address_of
from engine.views import (
    Caller,
    Heartbeat,
    LeasedTask,
    Outcome,
    Settled,
)

CALLBACK_MARK = "~"  # ends the lease of a callback task: its holder's answer only submits
_WORKER_REFUSED = re.compile(r"[\x00-\x1f\x7f|]")


class TaskCommands(Parts):
    """Lease, settle, heartbeat."""

    async def lease(
        self, caller: Caller, queue: str, *, most: int, wait_ms: int, lease_ms: int, worker: str
    ) -> list[LeasedTask]:
        """Take tasks of a queue, waiting for the first up to `wait_ms`. Each is handed out again when its lease lapses."""
        check_queue(queue)
        if len(worker) > 80 or _WORKER_REFUSED.search(worker):
            raise InvalidRequest(
                "a worker's name is at most 80 characters, none of them control characters or |"
            )
        leases = await self._dispatcher.lease(
            caller.namespace,
            queue,
            most=most,
            wait_seconds=wait_ms / 1000,
            lease_ms=lease_ms,
            worker=worker,
        )
        if failpoints.ARMED and leases:
            failpoints.hit("before_hand_out")
        self._counters.add("detent_tasks_leased_total", len(leases))
        return [leased_task(lease) for lease in leases]

    async def settle(self, caller: Caller, outcome: Outcome) -> None:
        """Accept a task's outcome, once; the same one again is accepted again.

        Raises TaskClosed (it ended otherwise), TaskNotFound, LeaseLost.
        """
        address = _address_of(caller, outcome.token)
        event, lease = _event_of(address, outcome)
        if is_express(address.ref.partition(":")[2]):
            self._express.settle(address, event, lease)
            self._counters.add("detent_tasks_settled_total")
            return
        try:
            await self._tasks.settle(address, event, lease=lease)
        except OutcomeUnknown:
            # Settling is idempotent by the outcome's digest, so asking again is how the unknown is resolved.
            await self._tasks.settle(address, event, lease=lease)
        if failpoints.ARMED:
            failpoints.hit("before_ack_complete")
        self._counters.add("detent_tasks_settled_total")
        self._offer(address.ref)

    async def settle_many(self, caller: Caller, outcomes: Sequence[Outcome]) -> list[Settled]:
        """Settle each outcome by itself; raises StoreUnavailable only when none could be tried."""
        results = await asyncio.gather(
            *(self.settle(caller, outcome) for outcome in outcomes), return_exceptions=True
        )
        settled = []
        for outcome, result in zip(outcomes, results, strict=True):
            match result:
                case None:
                    settled.append(Settled(outcome.token, "accepted"))
                case TaskClosed() | LeaseLost():
                    detail = str(result.facts.get("outcome", result.code))
                    settled.append(Settled(outcome.token, "closed", detail))
                case TaskNotFound():
                    settled.append(Settled(outcome.token, "unknown"))
                case BaseException():
                    raise result
        return settled

    async def heartbeat(
        self, caller: Caller, token: str, lease: str | None, lease_ms: int | None
    ) -> Heartbeat:
        """Put off a task's heartbeat time-out; with its lease, extend that.

        Raises TaskClosed, TaskNotFound, LeaseLost.
        """
        address = _address_of(caller, token)
        if is_express(address.ref.partition(":")[2]):
            end_ms = self._express.heartbeat(address, lease or "", lease_ms or 0)
            return Heartbeat(token) if end_ms is None else Heartbeat(token, iso(end_ms))
        row = await self._tasks.row(address)
        if row is None:
            raise TaskClosed(outcome="CLOSED")
        until_ms = await self._tasks.heartbeat(
            address,
            lease=(lease or "").removesuffix(CALLBACK_MARK),
            lease_ms=lease_ms or 0,
            heartbeat_ms=row.heartbeat_ms or 0,
        )
        return Heartbeat(token) if until_ms is None else Heartbeat(token, iso(until_ms))


def leased_task(lease: Lease) -> LeasedTask:
    """A lease as its holder sees it."""
    row = lease.row
    extra: dict[str, object] = {}
    if row.timeout_ms is not None:
        extra["timeout"] = iso(row.timeout_ms)
    if row.heartbeat_ms is not None:
        extra["heartbeat_seconds"] = row.heartbeat_ms / 1000
    return LeasedTask(
        token=task_token(row.execution, row.frame, row.revision, lease.secret),
        lease=lease.lease + (CALLBACK_MARK if row.callback else ""),
        queue=row.queue,
        execution=row.execution,
        definition=row.definition,
        state=row.state,
        attempt=row.attempt,
        input=row.input,
        idempotency_key=row.idempotency_key,
        lease_until=iso(lease.until_ms),
        uri=row.uri,
        **extra,  # type: ignore[arg-type]
    )


def _address_of(caller: Caller, token: str) -> Address:
    """Where a token points. Raises TaskNotFound for a text that is none.

    What it calls an execution becomes part of keys, so it has to be the name of one.
    """
    address = address_of(caller.namespace, token)
    identifier = address.ref.partition(":")[2]
    if is_express(identifier):
        return address  # looked up in memory; no key is made of it
    try:
        check_execution(identifier)
    except InvalidName:
        raise TaskNotFound from None
    return address


def _event_of(
    address: Address, outcome: Outcome
) -> tuple[TaskSucceeded | TaskSubmitted | TaskFailed, str]:
    """The event an outcome becomes, and the lease it is settled under ("" for by token alone)."""
    lease = outcome.lease or ""
    frame, revision = address.frame, address.revision
    if outcome.output is None:
        check_failure(outcome.error, outcome.cause)
        return TaskFailed(frame, revision, outcome.error, outcome.cause), lease.removesuffix(
            CALLBACK_MARK
        )
    if lease.endswith(CALLBACK_MARK):
        return TaskSubmitted(frame, revision, outcome.output), lease.removesuffix(CALLBACK_MARK)
    return TaskSucceeded(frame, revision, outcome.output), lease
