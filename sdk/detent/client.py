"""The client: start executions, signal and stop them, look at them, and publish what they run.

Every method is one HTTP request (`Client` says which are repeated) and returns the server's JSON as `shapes` has it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Self

from detent.aliases import AliasCalls
from detent.batching import Batching
from detent.errors import ExecutionAlreadyExists
from detent.following import follow
from detent.operating import Operating
from detent.pages import Pages
from detent.requests import get, given, history, listing, post, with_definition
from detent.shapes import (
    CLOSED,
    Attribute,
    DefinitionSummary,
    DefinitionText,
    DefinitionType,
    Exchange,
    Execution,
    ExecutionSummary,
    Failure,
    Health,
    Heartbeat,
    LeasedTask,
    Published,
    Settled,
    StartSignal,
    Stopped,
    Success,
    Validation,
    VersionSummary,
)
from detent.signalling import ABSENT, Signalling
from detent.transport import RETRY_SECONDS, WAIT_SECONDS_MAX, Request, Transport, segment

_SUMMARY = ExecutionSummary.__annotations__.keys()


class Client(AliasCalls, Batching, Operating, Signalling):
    """Speaks to one Detent server. Use as `async with Client() as client`, or call `close()` at the end.

    `url` defaults to DETENT_URL, then http://127.0.0.1:8083; `token` to DETENT_TOKEN. Methods raise `DetentError`.
    After a broken connection or 502 to 504, every call is repeated within `retry_seconds` except `stop`, `lease` and
    `exchange`, which are repeated only if no connection came about. A start gets a name and a signal an id if the
    caller gives none, so that the server sees a repetition as one.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._transport = Transport(url, token, retry_seconds=retry_seconds)
        self._retry_seconds = retry_seconds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. The client may be used again; it opens new ones."""
        await self._transport.close()

    # Definitions

    async def publish(
        self,
        name: str,
        definition: str | bytes | Mapping[str, Any],
        *,
        format: str | None = None,
        type: DefinitionType | None = None,
    ) -> Published:
        """Store the text (or a mapping, as JSON) as the current version of `name`.

        `format` is "yaml" or "json"; without it the server looks. `type` is "STANDARD" or "EXPRESS"; without it, the
        type that the definition has, STANDARD for a new one. Raises InvalidDefinition with every problem.
        """
        path = f"/v1/definitions/{segment(name)}"
        request = with_definition("PUT", path, definition, format, type)
        published: Published = await self._call(request)
        return published

    async def validate(
        self,
        definition: str | bytes | Mapping[str, Any],
        *,
        format: str | None = None,
        type: DefinitionType | None = None,
    ) -> Validation:
        """What `publish` would say of it; nothing is stored."""
        request = with_definition("POST", "/v1/definitions:validate", definition, format, type)
        validation: Validation = await self._call(request)
        return validation

    def definitions(self, *, page_size: int = 100) -> Pages[DefinitionSummary]:
        """All definitions, with the current version of each."""
        query = {"limit": page_size}
        return Pages(lambda: listing(self._transport, "/v1/definitions", "definitions", query))

    async def definition(self, name: str, version: int | None = None) -> DefinitionText:
        """A version (the current one, if none is named) as its author wrote it."""
        found: DefinitionText = await self._call(
            get(f"/v1/definitions/{segment(name)}", version=version)
        )
        return found

    async def versions(self, name: str) -> list[VersionSummary]:
        """All versions, newest first."""
        answer = await self._call(get(f"/v1/definitions/{segment(name)}/versions"))
        versions: list[VersionSummary] = answer["versions"]
        return versions

    # Executions

    async def start(
        self,
        definition: str,
        input: Any = ABSENT,
        *,
        name: str | None = None,
        version: int | None = None,
        alias: str | None = None,
        wait_seconds: float = 0,
        signal: StartSignal | None = None,
    ) -> ExecutionSummary:
        """Start an execution, or find the running one of this name and input; `input` defaults to {}.

        Without a `version` or an `alias` that leads to one, it is of the newest version.

        With `wait_seconds` (any number) return once it has closed, with its output or error, or as it is by then.
        Raises ExecutionAlreadyExists where the name was used with another input or has ended. After a broken
        connection that may be this very call's execution, if it ended meanwhile; a start without a name is told apart.

        With a `signal` the execution starts with it; one of this name that runs, whatever its input, is only sent the
        signal. `signal` of the answer tells whether it was sent before.

        Of an Express definition every request starts an execution, so that a call repeated after a broken connection
        may start two: give `retry_seconds=0` to the client where that must not be.
        """
        chosen = name if name is not None else str(uuid.uuid4())
        body = given(name=chosen, version=version, alias=alias)
        if input is not ABSENT:
            body["input"] = input
        if signal is not None:
            body["signal"] = {"id": str(uuid.uuid4()), **signal}
        deadline = monotonic() + wait_seconds
        path = f"/v1/definitions/{segment(definition)}/executions"
        request = post(path, body, wait_seconds=min(wait_seconds, WAIT_SECONDS_MAX))
        try:
            started: ExecutionSummary = await self._call(request)
        except ExecutionAlreadyExists:
            if name is not None:
                raise
            # Nobody else can have this name: an earlier attempt of this call started it and its answer was lost.
            return _summary(await self.describe(f"{definition}:{chosen}"))
        left = deadline - monotonic()
        if started["status"] in CLOSED or left <= 0:
            return started
        return _summary(await self.describe(started["id"], wait_seconds=left))

    async def describe(self, execution: str, *, wait_seconds: float = 0) -> Execution:
        """The execution now; with `wait_seconds` (any number) once it has closed, or as it is by then."""
        deadline = monotonic() + wait_seconds
        path = f"/v1/executions/{segment(execution)}"
        while True:
            left = max(0.0, deadline - monotonic())
            found: Execution = await self._call(get(path, wait_seconds=min(left, WAIT_SECONDS_MAX)))
            if found["status"] in CLOSED or monotonic() >= deadline:
                return found

    def executions(
        self,
        *,
        definition: str | None = None,
        status: str | None = None,
        state: str | None = None,
        version: int | None = None,
        error: str | None = None,
        quarantined: bool | None = None,
        started_after: str | None = None,
        started_before: str | None = None,
        attributes: Mapping[str, Attribute] | None = None,
        page_size: int = 100,
    ) -> Pages[ExecutionSummary]:
        """The executions that fit every filter given, newest first. Times are RFC 3339; attributes need a definition."""
        query = given(
            definition=definition,
            status=status,
            state=state,
            version=version,
            error=error,
            quarantined=None if quarantined is None else str(quarantined).lower(),
            started_after=started_after,
            started_before=started_before,
            attribute=[_pair(*each) for each in (attributes or {}).items()] or None,
            limit=page_size,
        )
        return Pages(lambda: listing(self._transport, "/v1/executions", "executions", query))

    def history(
        self,
        execution: str,
        *,
        after: int | None = None,
        descending: bool = False,
        follow: bool = False,
        page_size: int = 1000,
    ) -> Pages[dict[str, Any]]:
        """The records of an execution in Step Functions' event shape, those after id `after` only.

        `follow` goes on, as records are written, until the execution has closed.
        """
        if follow and descending:
            raise ValueError("history cannot be followed backwards")
        query = given(limit=page_size, order="desc" if descending else "asc")
        path = f"/v1/executions/{segment(execution)}/history"
        return Pages(lambda: history(self._transport, path, query, after, follow=follow))

    def follow(self, execution: str, *, after: int | None = None) -> Pages[dict[str, Any]]:
        """The records of an execution as they are written, those after id `after` only, until it has closed.

        The server sends them over one connection, and tells them at once. A connection that breaks is taken up where it
        broke, within `retry_seconds`: each record comes once. Ids leave a gap where records are kept no longer.
        """
        path = f"/v1/executions/{segment(execution)}/events"
        return Pages(lambda: follow(self._transport, path, after, self._retry_seconds))

    async def stop(
        self, execution: str, *, error: str | None = None, cause: str | None = None
    ) -> Stopped:
        """Abort the execution. The status is still RUNNING where it did not close within 5 seconds."""
        path = f"/v1/executions/{segment(execution)}/stop"
        request = post(path, given(error=error, cause=cause), repeatable=False)
        stopped: Stopped = await self._call(request)
        return stopped

    # Tasks

    async def lease(
        self,
        queue: str,
        *,
        most: int = 1,
        wait_seconds: float = 0,
        lease_seconds: float = 30,
        worker: str | None = None,
    ) -> list[LeasedTask]:
        """Take up to `most` (1 to 100) tasks, waiting up to `wait_seconds` (0 to 60) for the first."""
        body = given(
            max=most, wait_seconds=wait_seconds, lease_seconds=lease_seconds, worker=worker
        )
        answer = await self._call(
            post(
                f"/v1/queues/{segment(queue)}/lease",
                body,
                held_seconds=wait_seconds,
                repeatable=False,
            )
        )
        tasks: list[LeasedTask] = answer["tasks"]
        return tasks

    async def exchange(
        self,
        queue: str,
        results: Sequence[Success | Failure] = (),
        *,
        most: int = 0,
        wait_seconds: float = 0,
        lease_seconds: float = 30,
        worker: str | None = None,
    ) -> Exchange:
        """Report up to 100 results and take up to `most` tasks in one round trip; each result is answered for itself."""
        body = given(
            results=list(results),
            max=most,
            wait_seconds=wait_seconds,
            lease_seconds=lease_seconds,
            worker=worker,
        )
        exchanged: Exchange = await self._call(
            post(
                f"/v1/queues/{segment(queue)}/exchange",
                body,
                held_seconds=wait_seconds,
                repeatable=False,
            )
        )
        return exchanged

    async def succeed(self, token: str, output: Any = None, *, lease: str | None = None) -> Settled:
        """Complete a task. Repeating it with the same output is accepted; raises TaskClosed where it ended otherwise."""
        body = {"output": output, **given(lease=lease)}
        settled: Settled = await self._call(_task(token, "succeed", body))
        return settled

    async def fail(
        self,
        token: str,
        error: str | None = None,
        cause: str | None = None,
        *,
        lease: str | None = None,
    ) -> Settled:
        """Fail a task with an error name for `Retry` and `Catch` to match. Raises TaskClosed as `succeed`."""
        body = given(error=error, cause=cause, lease=lease)
        settled: Settled = await self._call(_task(token, "fail", body))
        return settled

    async def heartbeat(
        self, token: str, *, lease: str | None = None, lease_seconds: float | None = None
    ) -> Heartbeat:
        """Record a heartbeat; with `lease`, extend it. Raises LeaseLost, TaskClosed."""
        body = given(lease=lease, lease_seconds=lease_seconds)
        beat: Heartbeat = await self._call(_task(token, "heartbeat", body))
        return beat

    async def health(self) -> Health:
        """What the server can promise now. Raises Unavailable where it cannot serve."""
        health: Health = await self._call(get("/healthz"))
        return health

    async def _call(self, request: Request) -> Any:
        return await self._transport.call(request)


def _pair(name: str, value: Attribute) -> str:
    """A search attribute as the server takes it."""
    return f"{name}:{str(value).lower() if isinstance(value, bool) else value}"


def _task(token: str, deed: str, body: dict[str, Any]) -> Request:
    return post(f"/v1/tasks/{segment(token)}/{deed}", body)


def _summary(found: Execution) -> ExecutionSummary:
    """What a start would have answered of an execution that was described."""
    fields: Any = {name: value for name, value in found.items() if name in _SUMMARY}
    summary: ExecutionSummary = fields
    return summary
