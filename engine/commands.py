"""What a caller can do. Each command checks its arguments, then does one atomic deed in the store.

A command that returns has been made durable in the mode's sense; one that raises has changed nothing, except
OutcomeUnknown, which says so: all of them may be repeated safely.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import uuid
from collections.abc import Callable, Sequence

from engine.clock import iso
from engine.core.events import TaskFailed, TaskSubmitted, TaskSucceeded
from engine.core.tokens import task_token
from engine.documents import Document
from engine.errors import (
    DefinitionNotFound,
    ExecutionAlreadyExists,
    ExpressUnsupported,
    InvalidDefinition,
    InvalidName,
    InvalidRequest,
    LeaseLost,
    OutcomeUnknown,
    PayloadTooLarge,
    QuotaExceeded,
    TaskClosed,
    TaskNotFound,
)
from engine.examining import examined
from engine.express.express import Express, StartRequest
from engine.language.resources.express import DefinitionType
from engine.names import check_execution, check_name, check_queue, is_express
from engine.queries import Queries
from engine.runtime.dispatcher import Dispatcher
from engine.runtime.machines import Machines
from engine.settings import Settings
from engine.store.catalog import Catalog, Format
from engine.store.codec import Static
from engine.store.executions import Executions
from engine.store.keys import ref_of
from engine.store.signals import Signals
from engine.store.tasks import Address, Lease, Tasks, address_of
from engine.telemetry import Counters
from engine.views import (
    Caller,
    ExecutionSummary,
    Heartbeat,
    LeasedTask,
    Outcome,
    Published,
    Settled,
    SignalResult,
    StartResult,
)

CALLBACK_MARK = "~"  # ends the lease of a callback task: its holder's answer only submits
ERROR_CHARACTERS_MAX = 256  # as AWS Step Functions
CAUSE_CHARACTERS_MAX = 32_768
_WORKER_REFUSED = re.compile(r"[\x00-\x1f\x7f|]")


class Commands:
    """`offer(ref)` hints this process's advancer, if it has one, that an execution has something to do."""

    def __init__(
        self,
        executions: Executions,
        tasks: Tasks,
        signals: Signals,
        catalog: Catalog,
        machines: Machines,
        dispatcher: Dispatcher,
        queries: Queries,
        settings: Settings,
        counters: Counters,
        offer: Callable[[str], None],
        express: Express,
    ) -> None:
        self._executions = executions
        self._tasks = tasks
        self._signals = signals
        self._catalog = catalog
        self._machines = machines
        self._dispatcher = dispatcher
        self._queries = queries
        self._settings = settings
        self._counters = counters
        self._offer = offer
        self._express = express

    async def publish(
        self,
        caller: Caller,
        name: str,
        text: bytes,
        form: Format | None,
        kind: DefinitionType | None = None,
    ) -> Published:
        """Add a version, unless the content equals the newest one's.

        `kind` is the definition's type: without one, the type it has, or STANDARD. Raises InvalidDefinition with every
        problem and DefinitionTypeConflict; then nothing was published.
        """
        check_name(name, "definition")
        if len(text) > self._settings.definition_bytes_max:
            raise PayloadTooLarge(f"{len(text)} bytes of definition")
        if kind is None:
            known = await self._catalog.current(caller.namespace, name)
            kind = "STANDARD" if known is None else known[1]
        machine, problems = await examined(text, form, kind)
        if machine is None:
            raise InvalidDefinition(problems)
        stored_as: Format = form or ("json" if text.lstrip()[:1] == b"{" else "yaml")
        version, changed = await self._catalog.publish(
            caller.namespace, name, machine.content_hash, text, stored_as, kind
        )
        self._machines.keep(caller.namespace, name, version.version, machine)
        return Published(
            name, version.version, version.hash, iso(version.created_ms), changed, problems, kind
        )

    async def start(
        self,
        caller: Caller,
        definition: str,
        *,
        name: str | None,
        input: Document,  # noqa: A002 - ASL's word
        version: int | None,
        wait_ms: int = 0,
        synchronous: bool = False,
    ) -> StartResult:
        """Start an execution, once per name: the same name and input while it runs returns the running one.

        Of an Express definition each start is a new execution, in this process; `synchronous` says that the caller
        waits for its end. Raises DefinitionNotFound, ExecutionAlreadyExists, PayloadTooLarge, QuotaExceeded, InvalidName.
        """
        check_name(definition, "definition")
        name = str(uuid.uuid4()) if name is None else check_name(name, "execution")
        self._check_size(input)
        request = StartRequest(caller.namespace, definition, version, name, input, synchronous)
        # Where a version is named, the partition does not look it up, and would not find that it is Express.
        if version is not None or self._express.knows(caller.namespace, definition):
            started = await self.start_express(caller, request)
            if started is not None:
                return started
        if version is not None:
            await self._machines.get(caller.namespace, definition, version)
        identifier = f"{definition}:{name}"
        ref = ref_of(caller.namespace, identifier)
        static = Static(identifier, definition, name, secrets.token_bytes(16))
        created = await self._executions.create(
            ref, static, input, version=version, watch_ms=wait_ms
        )
        match created.verdict:
            case "unknown":
                started = await self.start_express(caller, request)
                if started is None:
                    raise DefinitionNotFound(definition)
                return started
            case "conflict":
                raise ExecutionAlreadyExists(execution=identifier, execution_status=created.status)
            case "quota":
                raise QuotaExceeded("too many running executions")
            case _:
                pass
        if created.verdict == "created":
            self._counters.add("detent_executions_started_total")
            self._offer(ref)
        summary = ExecutionSummary(
            identifier, definition, name, created.version, "RUNNING", iso(created.started_ms)
        )
        if wait_ms:
            summary = await self._queries.closed(caller, identifier, wait_ms)
        return StartResult(summary, created.verdict == "created")

    async def start_express(self, caller: Caller, request: StartRequest) -> StartResult | None:
        """Start an Express execution in this process; None where there is no Express definition of that name.

        The names and the input have been checked. Raises DefinitionNotFound, QuotaExceeded.
        """
        run = await self._express.start(request)
        if run is None:
            return None
        return StartResult(await self._queries.closed(caller, run.execution.id, 0), created=True)

    async def finish(self, caller: Caller, execution: str) -> ExecutionSummary:
        """How an execution stands that a caller waits for while this process stops.

        A stored one goes on elsewhere and is shown as it is. An Express one ends within the drain time, or is stopped.
        """
        if is_express(execution):
            await self._express.finish(ref_of(caller.namespace, execution))
        return await self._queries.closed(caller, execution, 0)

    async def signal(
        self, caller: Caller, execution: str, name: str, payload: Document, signal_id: str | None
    ) -> SignalResult:
        """Accept a signal, once per id. It is kept until a state waits for it, however long that takes.

        Raises ExecutionNotFound, ExecutionClosed, QuotaExceeded, PayloadTooLarge, InvalidName.
        """
        if is_express(execution):
            raise ExpressUnsupported("no state of an Express execution waits for a signal")
        check_execution(execution)
        check_name(name, "signal")
        self._check_size(payload)
        identifier = uuid.uuid4().hex if signal_id is None else signal_id
        if not 1 <= len(identifier) <= 128 or not identifier.isprintable():
            raise InvalidRequest("a signal's id is 1 to 128 printable characters")
        ref = ref_of(caller.namespace, execution)
        accepted = await self._signals.deliver(ref, name, identifier, payload)
        if accepted:
            self._offer(ref)
        return SignalResult(execution, name, identifier, not accepted)

    async def stop(
        self, caller: Caller, execution: str, error: str | None, cause: str | None, wait_ms: int
    ) -> ExecutionSummary:
        """End a running execution as ABORTED; waits up to `wait_ms` for the end. A second stop changes nothing.

        Raises ExecutionNotFound, ExecutionClosed.
        """
        _check_failure(error, cause)
        ref = ref_of(caller.namespace, execution)
        if is_express(execution):
            await self._express.stop(ref, error, cause)
            return await self._queries.closed(caller, execution, wait_ms)
        check_execution(execution)
        await self._signals.stop(ref, error, cause, watch_ms=max(wait_ms, 1))
        self._offer(ref)
        return await self._queries.closed(caller, execution, wait_ms)

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

    def _check_size(self, document: Document) -> None:
        if len(document.text) > self._settings.payload_bytes_max:
            raise PayloadTooLarge(
                f"{len(document.text)} bytes, at most {self._settings.payload_bytes_max} are allowed"
            )


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
        _check_failure(outcome.error, outcome.cause)
        return TaskFailed(frame, revision, outcome.error, outcome.cause), lease.removesuffix(
            CALLBACK_MARK
        )
    if lease.endswith(CALLBACK_MARK):
        return TaskSubmitted(frame, revision, outcome.output), lease.removesuffix(CALLBACK_MARK)
    return TaskSucceeded(frame, revision, outcome.output), lease


def _check_failure(error: str | None, cause: str | None) -> None:
    if error is not None and len(error) > ERROR_CHARACTERS_MAX:
        raise InvalidRequest(f"error has more than {ERROR_CHARACTERS_MAX} characters")
    if cause is not None and len(cause) > CAUSE_CHARACTERS_MAX:
        raise InvalidRequest(f"cause has more than {CAUSE_CHARACTERS_MAX} characters")
