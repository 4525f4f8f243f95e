"""Commands about executions."""

from __future__ import annotations

import uuid

from msgspec import structs

from engine import failpoints
from engine.arns import Origin
from engine.clock import iso
from engine.commands.aliases import AliasCommands
from engine.commands.parts import check_failure
from engine.documents import Document
from engine.errors import (
    DefinitionNotFound,
    ExecutionAlreadyExists,
    ExecutionClosed,
    QuotaExceeded,
)
from engine.express.express import StartRequest
from engine.names import check_execution, check_name, is_express
from engine.store.codec import born
from engine.store.commits.answers import Creation
from engine.store.keys import ref_of
from engine.views import (
    Caller,
    ExecutionSummary,
    StartResult,
)


class ExecutionCommands(AliasCommands):
    """Start and stop."""

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
        alias: str | None = None,
        origin: Origin | None = None,
    ) -> StartResult:
        """Start an execution, once per name: the same name and input while it runs returns the running one.

        Of an Express definition each start is a new execution, in this process; `synchronous` says that the caller
        waits for its end. An `alias` chooses the version: the one it leads to before or after a change that comes at the
        same time. An `origin` says that the execution goes by ARNs, and by what it was started; its alias is only
        remembered, for its starter has chosen the version. Raises DefinitionNotFound, AliasNotFound, ExecutionAlreadyExists,
        PayloadTooLarge, QuotaExceeded, StoreRefused, InvalidName, InvalidRequest for a version and an alias.
        """
        check_name(definition, "definition")
        name = str(uuid.uuid4()) if name is None else check_name(name, "execution")
        self._admit(input)
        if alias is not None:
            version = await self.aliased_version(caller, definition, name, version, alias)
        known_as = alias or (origin.alias if origin is not None else "")
        request = StartRequest(
            caller.namespace, definition, version, name, input, synchronous, known_as, origin
        )
        # Where a version is named, the partition does not look it up, and would not find that it is Express.
        if version is not None or self._express.knows(caller.namespace, definition):
            started = await self.start_express(caller, request)
            if started is not None:
                return started
        if version is not None:
            await self._machines.get(caller.namespace, definition, version)
        identifier = f"{definition}:{name}"
        ref = ref_of(caller.namespace, identifier)
        static = born(identifier, origin, alias=known_as)
        created = await self._executions.create(
            ref, static, input, version=version, watch_ms=wait_ms
        )
        if created.verdict == "unknown":
            started = await self.start_express(caller, request)
            if started is None:
                raise DefinitionNotFound(definition)
            return started
        _check(identifier, created)
        if created.verdict == "created":
            self._counters.add("detent_executions_started_total")
            self._offer(ref)
        summary = ExecutionSummary(
            identifier, definition, name, created.version, "RUNNING", iso(created.started_ms)
        )
        if known_as and created.verdict == "created":
            summary = structs.replace(summary, alias=known_as)
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

    async def stop(
        self, caller: Caller, execution: str, error: str | None, cause: str | None, wait_ms: int
    ) -> ExecutionSummary:
        """End a running execution as ABORTED; waits up to `wait_ms` for the end. A second stop changes nothing.

        Raises ExecutionNotFound, ExecutionClosed (also where it has come to another end of its own before the stop).
        """
        check_failure(error, cause)
        ref = ref_of(caller.namespace, execution)
        if is_express(execution):
            await self._express.stop(ref, error, cause)
            return await self._queries.closed(caller, execution, wait_ms)
        check_execution(execution)
        await self._signals.stop(ref, error, cause, watch_ms=max(wait_ms, 1))
        self._offer(ref)
        summary = await self._queries.closed(caller, execution, wait_ms)
        if summary.status not in ("RUNNING", "ABORTED"):
            raise ExecutionClosed(execution_status=summary.status)
        return summary


def _check(execution: str, created: Creation) -> None:
    """Raise what a start that was refused is answered with."""
    if created.verdict == "conflict":
        raise ExecutionAlreadyExists(execution=execution, execution_status=created.status)
    if created.verdict == "quota":
        raise QuotaExceeded("too many running executions")
    if failpoints.ARMED:
        failpoints.hit("before_ack_start")
