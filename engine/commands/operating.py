"""Commands of operators: pause, resume, stop gracefully or at once, retry, skip, go to, set, redrive, settle by hand.

Each becomes an order in the execution's control list, and returns once the transition that applied it is committed:
what it answered comes back with it. So an answer is never a guess, and one that took longer than `wait_ms` is still to
come. An order is applied once per `Ask.id`, however often it is sent; without an id each request is an order of its own.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from engine.commands.parts import CAUSE_CHARACTERS_MAX, Parts, check_failure
from engine.core import orders
from engine.core.control import DONE, MEANINGS
from engine.core.control.redriving import hindrance
from engine.core.events import Hand, TaskFailed, TaskSucceeded
from engine.documents import Document
from engine.errors import (
    ExecutionClosed,
    ExpressUnsupported,
    InvalidRequest,
    OrderRefused,
    OutcomeUnknown,
    TaskNotFound,
)
from engine.names import check_execution, is_express
from engine.store.keys import ORDER, ref_of
from engine.views import Ask, Caller, ExecutionSummary, Ordered

ID_CHARACTERS_MAX = 128
REDRIVABLE = ("FAILED", "TIMED_OUT", "ABORTED")


class OperatingCommands(Parts):
    """Orders to one execution. All raise ExecutionNotFound, ExecutionClosed, OrderRefused, ExpressUnsupported, QuotaExceeded."""

    async def pause(
        self, caller: Caller, execution: str, ask: Ask, mode: orders.PauseMode
    ) -> Ordered:
        """Begin nothing until resumed."""
        return await self._ask(caller, execution, ask, orders.PauseRequested(*_who(caller), mode))

    async def resume(self, caller: Caller, execution: str, ask: Ask) -> Ordered:
        """Go on after a pause."""
        return await self._ask(caller, execution, ask, orders.ResumeRequested(*_who(caller)))

    async def release(self, caller: Caller, execution: str, ask: Ask) -> Ordered:
        """Let an execution that was quarantined go on where it stands; what it fails by again quarantines it again."""
        _check(ask)
        ref, operation = _ref_of(caller, execution), operation_of(ask)
        # A repetition finds it let out already.
        if not await self._orders.is_known(ref, operation):
            stood = await self._queries.closed(caller, execution, 0)
            if stood.status == "RUNNING" and not await self._orders.is_quarantined(ref):
                raise OrderRefused("The execution is not quarantined.", reason="not_quarantined")
        return await self._ask(
            caller, execution, ask, orders.ReleaseRequested(*_who(caller)), operation
        )

    async def cancel(
        self, caller: Caller, execution: str, ask: Ask, error: str | None, cause: str | None
    ) -> Ordered:
        """Stop gracefully: a Catch of Detent.Cancelled may compensate."""
        check_failure(error, cause)
        order = orders.CancelRequested(*_who(caller), error, cause)
        return await self._ask(caller, execution, ask, order)

    async def terminate(
        self, caller: Caller, execution: str, ask: Ask, error: str | None, cause: str | None
    ) -> Ordered:
        """End it as ABORTED at once; waits for the end."""
        check_failure(error, cause)
        order = orders.TerminateRequested(*_who(caller), error, cause)
        ordered = await self._ask(caller, execution, ask, order)
        summary = await self._queries.closed(caller, execution, ask.wait_ms)
        return Ordered(summary, ordered.applied and summary.status != "RUNNING")

    async def retry(self, caller: Caller, execution: str, ask: Ask, frame: str | None) -> Ordered:
        """Begin the next attempt of a strand, or of all, without waiting any longer."""
        return await self._ask(caller, execution, ask, orders.RetryRequested(*_who(caller), frame))

    async def skip(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        *,
        frame: str,
        output: Document,
        next_state: str | None,
    ) -> Ordered:
        """Leave the state that a strand rests in with an output."""
        self._check_size(output)
        order = orders.SkipRequested(*_who(caller), frame, output, next_state)
        return await self._ask(caller, execution, ask, order)

    async def goto(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        *,
        frame: str,
        state: str,
        data: Document | None,
    ) -> Ordered:
        """Send a strand to another state of its scope."""
        if data is not None:
            self._check_size(data)
        order = orders.GotoRequested(*_who(caller), frame, state, data)
        return await self._ask(caller, execution, ask, order)

    async def set_data(
        self, caller: Caller, execution: str, ask: Ask, frame: str, data: Document
    ) -> Ordered:
        """Replace the data that a strand rests with."""
        self._check_size(data)
        return await self._ask(caller, execution, ask, orders.DataSet(*_who(caller), frame, data))

    async def set_variables(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        frame: str,
        variables: Mapping[str, Document],
    ) -> Ordered:
        """Set variables of a strand's scope."""
        order = orders.VariablesSet(*_who(caller), frame, dict(variables))
        return await self._ask(caller, execution, ask, order)

    async def redrive(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        *,
        version: int | None,
        data: Document | None,
    ) -> Ordered:
        """Go on with a closed execution from where it failed, on `version` where one is given. Raises DefinitionNotFound."""
        _check(ask)
        ref = _ref_of(caller, execution)
        if data is not None:
            self._check_size(data)
        operation = operation_of(ask)
        order = orders.RedriveRequested(caller.name, ask.reason, operation, data)
        # A repetition may find it running again, or closed again.
        if not await self._orders.is_known(ref, operation):
            stood = await self._queries.closed(caller, execution, 0)
            if stood.status not in REDRIVABLE:
                raise OrderRefused(f"It is {stood.status}.", reason="not_closed")
            await self._check_place(caller, stood, ref, version)
            await self._orders.redrive(
                ref, order, status=stood.status, version=version, watch_ms=max(ask.wait_ms, 1)
            )
            self._offer(ref)
        return await self._answered(caller, execution, operation, ask.wait_ms)

    async def complete_task(
        self, caller: Caller, execution: str, ask: Ask, frame: str, output: Document
    ) -> ExecutionSummary:
        """Give the result of the task that a strand waits for, in its worker's place. The first outcome counts.

        Raises TaskNotFound, TaskClosed.
        """
        self._check_size(output)
        return await self._settle_by_hand(
            caller, execution, ask, frame, TaskSucceeded("", 0, output)
        )

    async def fail_task(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        frame: str,
        error: str | None,
        cause: str | None,
    ) -> ExecutionSummary:
        """Report the task that a strand waits for as failed. Raises TaskNotFound, TaskClosed."""
        check_failure(error, cause)
        failed = TaskFailed("", 0, error, cause)
        return await self._settle_by_hand(caller, execution, ask, frame, failed)

    async def _settle_by_hand(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        frame: str,
        event: TaskSucceeded | TaskFailed,
    ) -> ExecutionSummary:
        _check(ask)
        ref = _ref_of(caller, execution)
        summary = await self._queries.closed(caller, execution, 0)
        if summary.status != "RUNNING":
            raise ExecutionClosed(execution_status=summary.status)
        found = await self._orders.task_of(ref, frame)
        if found is None:
            raise TaskNotFound(f"strand {frame} waits for no task", frame=frame)
        address, row = found
        hand = Hand(caller.name, ask.reason)
        event = structs.replace(event, frame=frame, revision=address.revision, hand=hand)
        try:
            await self._tasks.settle(address, event, lease="*", row=row)
        except OutcomeUnknown:
            await self._tasks.settle(address, event, lease="*", row=row)
        self._counters.add("detent_tasks_settled_total")
        self._offer(ref)
        await self._queries.until(ref, lambda: self._orders.is_past(address), ask.wait_ms)
        return await self._queries.closed(caller, execution, 0)

    async def _check_place(
        self, caller: Caller, stood: ExecutionSummary, ref: str, version: int | None
    ) -> None:
        """Refuse a redrive that would find no state to go on from, or no room in the history."""
        root, records = await self._orders.root(ref)
        namespace = caller.namespace
        machine = await self._machines.get(namespace, stood.definition, version or stood.version)
        found = hindrance(machine, root, records, self._settings.history_records_max)
        if found is not None:
            reason, detail = found
            raise OrderRefused(detail, reason=reason)

    async def _ask(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        order: orders.Order,
        operation: str | None = None,
    ) -> Ordered:
        """Deliver an order and wait for its answer."""
        _check(ask)
        ref = _ref_of(caller, execution)
        operation = operation or operation_of(ask)
        event: Any = structs.replace(order, reason=ask.reason, operation=operation)
        watch_ms = max(ask.wait_ms, 1)
        await self._signals.control(ref, event, operation=operation, watch_ms=watch_ms)
        self._offer(ref)
        return await self._answered(caller, execution, operation, ask.wait_ms)

    async def _answered(
        self, caller: Caller, execution: str, operation: str, wait_ms: int
    ) -> Ordered:
        ref = ref_of(caller.namespace, execution)
        answer = await self._queries.until(
            ref, lambda: self._orders.answer(ref, operation), wait_ms
        )
        summary = await self._queries.closed(caller, execution, 0)
        if answer is None:
            if summary.status != "RUNNING":
                raise ExecutionClosed(execution_status=summary.status)
            return Ordered(summary, applied=False)
        if answer.outcome != DONE:
            reason = answer.reason or answer.outcome
            raise OrderRefused(MEANINGS.get(reason), reason=reason)
        return Ordered(summary, applied=True)


def _who(caller: Caller) -> tuple[str, None, str]:
    """What opens every order; the rest of it is filled in when it is sent."""
    return caller.name, None, ""


def _check(ask: Ask) -> None:
    if ask.reason is not None and len(ask.reason) > CAUSE_CHARACTERS_MAX:
        raise InvalidRequest(f"reason has more than {CAUSE_CHARACTERS_MAX} characters")
    if ask.id is not None and not 1 <= len(ask.id) <= ID_CHARACTERS_MAX:
        raise InvalidRequest(f"an order's id has 1 to {ID_CHARACTERS_MAX} characters")


def operation_of(ask: Ask) -> str:
    """What the execution knows the order by; a digest, for it becomes a part of keys."""
    if ask.id is None:
        return ORDER + uuid.uuid4().hex
    return ORDER + hashlib.sha256(ask.id.encode()).hexdigest()[:32]


def _ref_of(caller: Caller, execution: str) -> str:
    if is_express(execution):
        raise ExpressUnsupported("nobody operates an Express execution; it can be stopped")
    check_execution(execution)
    return ref_of(caller.namespace, execution)
