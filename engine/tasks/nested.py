"""Nested executions: starts them, tells their parents, stops them for their parents; and settles tasks by token.

Whatever it does may be done twice, for a task whose engine died is performed again: a start is known by its key, an
outcome is accepted once, and stopping what is stopped changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from engine.arns import Origin, naming, place_of
from engine.core.events import TaskFailed, TaskSubmitted, TaskSucceeded
from engine.core.execution import Started
from engine.core.failures import TASK_FAILED, Failure
from engine.core.states.nested import (
    DEPTH_MAX,
    TOO_DEEP,
    Answers,
    End,
    Start,
    StartRefused,
    is_start,
    is_sync_start,
    key_of,
    refused_send,
    sent_failure,
    sent_output,
    start_of,
    waits_for_child,
)
from engine.documents import EMPTY_OBJECT, Document
from engine.errors import (
    AliasNotFound,
    DefinitionNotFound,
    InvalidDocument,
    InvalidName,
    TaskClosed,
    TaskNotFound,
)
from engine.language.machine import Resource
from engine.language.resources import parse_resource
from engine.names import check_execution, is_express
from engine.store import codec, errands
from engine.store.errands import Errands, Stop, Tell
from engine.store.executions import Executions
from engine.store.keys import ref_of
from engine.store.tasks import Address, Tasks, address_of
from engine.tasks.runner import Done, Failed, PerformedTask, RunResult, Succeeded
from engine.tasks.watched import WatchedTask

UNSUPPORTED = "This operation is not supported by this type of state machine"


class Target(Protocol):
    """What a start goes to; see `engine.commands.state_machines.Target`."""

    @property
    def version(self) -> int | None: ...

    @property
    def role(self) -> str: ...

    @property
    def published(self) -> int: ...

    @property
    def alias(self) -> str: ...

    @property
    def type(self) -> str: ...


class Families(Protocol):
    """What this process knows of definitions to start, and of executions that are not stored.

    `target` and `own_version` take definition, qualifier and execution name, and raise DefinitionNotFound or
    AliasNotFound. `run_express` returns once the execution has ended; `start_express` returns the id and the start, in ms since 1970; None where there is nothing to start.
    """

    async def target(self, definition: str, qualifier: str, name: str, /) -> Target: ...

    async def own_version(self, definition: str, qualifier: str, name: str, /) -> Target: ...

    async def born(self, execution: str, /) -> codec.Static | None: ...

    async def start_express(
        self, start: Start, target: Target, origin: Origin | None, parent: str, depth: int, /
    ) -> tuple[str, int] | None: ...

    async def run_express(
        self, start: Start, target: Target, origin: Origin | None, parent: str, depth: int, /
    ) -> End | None: ...


class NestedRunner:
    """Performs what is in the engine's own queue of nested executions. `offer(ref)` hints that an execution can go on."""

    def __init__(
        self,
        executions: Executions,
        tasks: Tasks,
        errands: Errands,
        families: Families,
        *,
        namespace: str,
        offer: Callable[[str], None],
    ) -> None:
        self._executions = executions
        self._tasks = tasks
        self._errands = errands
        self._families = families
        self._namespace = namespace
        self._offer = offer

    async def perform(
        self,
        task: PerformedTask,
        *,
        callback: bool = False,
        timeout_seconds: float | None = None,  # noqa: ARG002 - nothing here waits
    ) -> RunResult:
        """Do a task or an errand. Raises StoreUnavailable."""
        if task.uri.startswith(errands.URI):
            errand = errands.read(task.uri, task.input)
            if isinstance(errand, Tell):
                await self._tell(errand)
            elif isinstance(errand, Stop):
                await self._stop(errand)
            return Done()
        resource = parse_resource(task.uri)
        key = key_of(task.token, task.idempotency_key, callback=callback)
        is_sync = is_sync_start(resource)
        if not is_sync and not is_start(resource):
            return _result(await self._send(resource.action, task.input.value, key))
        if isinstance(task, WatchedTask):
            parent = codec.Static("", "", "", b"", names=task.names)
        else:
            parent = await self._born(task.execution)
        answers = Answers(naming(parent.names))
        try:
            start = start_of(resource, task.input, key)
            if is_sync:
                return await self._run(task, start, parent)
            return await self._start(task, resource, start, key, parent)
        except StartRefused as refused:
            return _result(answers.refused(resource, refused.code, str(refused), key))

    async def close(self) -> None:
        """It holds nothing of its own."""

    # Starting

    async def _start(
        self, task: PerformedTask, resource: Resource, start: Start, key: str, parent: codec.Static
    ) -> RunResult:
        """Start the child, unless this start has started it already. Raises StartRefused."""
        depth = parent.depth + 1
        if depth > DEPTH_MAX:
            return _result(TOO_DEEP)
        answers = Answers(naming(parent.names))
        target = await self._target(start, parent, answers)
        origin = _origin(parent, target)
        if target.type == "EXPRESS":
            if waits_for_child(resource):
                raise StartRefused("StateMachineTypeNotSupported", UNSUPPORTED)
            began = await self._families.start_express(start, target, origin, task.execution, depth)
            if began is None:
                raise _missing(start, answers)
            return Succeeded(answers.started(resource, *began, key), began[1])
        static = codec.born(
            start.id, origin, parent=task.execution, depth=depth, alias=target.alias
        )
        tell = b""
        if waits_for_child(resource):
            tell = errands.pack(errands.tell(Tell(start.id, task.token, task.uri, key)))
        ref = ref_of(self._namespace, start.id)
        created = await self._executions.create(
            ref, static, start.input, version=target.version, key=key, tell=tell
        )
        match created.verdict:
            case "created" | "exists":
                self._offer(ref)
            case "unknown":
                raise _missing(start, answers)
            case "conflict":
                raise StartRefused("ExecutionAlreadyExists", answers.already_exists(start.id))
            case "quota":
                raise StartRefused(
                    "ExecutionLimitExceeded", "The limit of open executions is reached."
                )
            case "refused":  # the task has ended; nobody hears this
                return Failed(TASK_FAILED, "The task was taken back.", transport=False)
        return Succeeded(
            answers.started(resource, start.id, created.started_ms, key), created.started_ms
        )

    async def _run(self, task: PerformedTask, start: Start, parent: codec.Static) -> RunResult:
        """Run an Express execution and answer with its end. Performed again, it is run again. Raises StartRefused."""
        if parent.depth + 1 > DEPTH_MAX:
            return _result(TOO_DEEP)
        answers = Answers(naming(parent.names))
        target = await self._target(start, parent, answers)
        if target.type != "EXPRESS":
            raise StartRefused("StateMachineTypeNotSupported", UNSUPPORTED)
        end = await self._families.run_express(
            start, target, _origin(parent, target), task.execution, parent.depth + 1
        )
        if end is None:
            raise _missing(start, answers)
        return Succeeded(answers.ran(end))

    async def _target(self, start: Start, parent: codec.Static, answers: Answers) -> Target:
        """The version that a start goes to. Raises StartRefused."""
        # A parent that goes by no ARNs writes the definition's own version; a published one has a number of its own.
        is_own = parent.names is None and start.qualifier.isdecimal()
        try:
            look = self._families.own_version if is_own else self._families.target
            return await look(start.definition, start.qualifier, start.name)
        except (DefinitionNotFound, AliasNotFound):
            raise _missing(start, answers) from None

    async def _born(self, execution: str) -> codec.Static:
        """What the execution of a task was born with; of one that is gone, as good as nothing."""
        if is_express(execution):
            found = await self._families.born(execution)
        else:
            found = await self._errands.born(self._namespace, execution)
        definition, _, name = execution.partition(":")
        return found or codec.Static(execution, definition, name, b"")

    # Errands

    async def _tell(self, told: Tell) -> None:
        """Settle the task that waits for a child; a task that does not wait any more is fine.

        The answer to the start goes first: who would have given it may be gone, or not come to it yet.
        """
        resource = parse_resource(told.uri)
        end = await self._errands.end(self._namespace, told.child)
        address = address_of(self._namespace, told.token)
        frame, revision = address.frame, address.revision
        outcome: Document | Failure = Failure(
            TASK_FAILED, f"Nothing is left of the execution {told.child}."
        )
        parent = await self._born(address.ref.partition(":")[2])
        answers = Answers(naming(parent.names))
        try:
            if end is not None:
                answer = answers.started(resource, end.id, end.started_ms, told.key)
                submitted = TaskSubmitted(frame, revision, answer, Started(end.started_ms))
                await self._tasks.settle(address, submitted, lease="*")
                outcome = answers.ended(resource, end)
            await self._tasks.settle(address, _event(address, outcome), lease="")
        except (TaskClosed, TaskNotFound):
            return
        self._offer(address.ref)

    async def _stop(self, errand: Stop) -> None:
        if await self._errands.stop(self._namespace, errand) == "STOPPED":
            self._offer(ref_of(self._namespace, errand.child))

    # Settling tasks by their tokens

    async def _send(self, action: str, given: Any, request_id: str) -> Document | Failure:
        """sendTaskSuccess, sendTaskFailure, sendTaskHeartbeat of the SDK integration."""
        try:
            address = address_of(self._namespace, given["TaskToken"])
            check_execution(address.ref.partition(":")[2])
        except (TaskNotFound, InvalidName):
            return refused_send("InvalidToken", request_id)
        try:
            await self._settle(action, given, address)
        except TaskNotFound:
            return refused_send("TaskDoesNotExist", request_id)
        except TaskClosed:
            return refused_send("TaskTimedOut", request_id)
        except InvalidDocument:
            return refused_send("InvalidOutput", request_id)
        self._offer(address.ref)
        return EMPTY_OBJECT

    async def _settle(self, action: str, given: dict[str, Any], address: Address) -> None:
        if action == "sendTaskHeartbeat":
            row = await self._tasks.row(address)
            if row is None:
                raise TaskClosed(outcome="CLOSED")
            await self._tasks.heartbeat(
                address, lease="", lease_ms=0, heartbeat_ms=row.heartbeat_ms or 0
            )
        elif action == "sendTaskFailure":
            await self._tasks.settle(address, _event(address, sent_failure(given)), lease="")
        else:
            await self._tasks.settle(address, _event(address, sent_output(given)), lease="")


def _missing(start: Start, answers: Answers) -> StartRefused:
    """Why there is nothing to start."""
    return StartRefused("StateMachineDoesNotExist", answers.does_not_exist(start.target))


def _origin(parent: codec.Static, target: Target) -> Origin | None:
    """A child goes by ARNs where its parent does, of the same place; its role is its own, else the parent's."""
    place = place_of(parent.names)
    if parent.names is None or place is None:
        return None
    return Origin(place, target.role or parent.names.role, target.published, target.alias)


def _event(address: Address, outcome: Document | Failure) -> TaskSucceeded | TaskFailed:
    if isinstance(outcome, Failure):
        return TaskFailed(address.frame, address.revision, outcome.error, outcome.cause)
    return TaskSucceeded(address.frame, address.revision, outcome)


def _result(outcome: Document | Failure) -> RunResult:
    if isinstance(outcome, Failure):
        return Failed(outcome.error or TASK_FAILED, outcome.cause or "", transport=False)
    return Succeeded(outcome)
