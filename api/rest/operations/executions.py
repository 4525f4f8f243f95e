"""Executions: start, list, describe, follow, stop."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import structs

from api.rest import examples
from api.rest.decode import document, ttl_ms
from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.receive import Stopping
from api.rest.requests import (
    ExecutionsQuery,
    FilterQuery,
    HistoryQuery,
    NoBody,
    NoQuery,
    StartBody,
    StopBody,
    WaitQuery,
)
from api.rest.shapes import Stopped
from engine.core.events import SignalReceived
from engine.documents import EMPTY_OBJECT, NULL
from engine.errors import (
    AliasNotFound,
    DefinitionNotFound,
    ExecutionAlreadyExists,
    ExecutionClosed,
    ExecutionNotFound,
    ExpressUnsupported,
    InvalidDocument,
    InvalidName,
    OrderRefused,
    PayloadTooLarge,
    QuotaExceeded,
    SignalInvalid,
    StoreUnavailable,
)
from engine.store.finding.asked import filter_of
from engine.store.finding.filter import Filter
from engine.views import (
    Ask,
    ExecutionCount,
    ExecutionPage,
    ExecutionSummary,
    ExecutionView,
    HistoryPage,
    StartResult,
)

STOP_WAIT_MS = (
    5000  # most executions close within milliseconds; a large one goes on closing after the answer
)


async def start(call: Call[WaitQuery, StartBody]) -> Answer:
    result = await _started(call)
    summary = result.execution
    if call.query.wait and summary.status == "RUNNING":
        # Waiting comes after the acknowledged start: a client that goes away meanwhile ends the wait, not the start.
        closed = await _closed(call, summary)
        summary = structs.replace(closed, signal=summary.signal)
    place = f"/v1/executions/{quote(summary.id, safe=':')}"
    return Answer(
        value=summary,
        status=201 if result.created else 200,
        headers=((b"location", place.encode()),),
    )


async def _started(call: Call[WaitQuery, StartBody]) -> StartResult:
    body, commands = call.body, call.engine.commands
    given = document(body.input, "$.input", EMPTY_OBJECT)
    if body.signal is None:
        return await commands.start(
            call.caller,
            call.path["name"],
            name=body.name,
            input=given,
            version=body.version,
            synchronous=call.query.wait > 0,
            alias=body.alias,
        )
    payload = document(body.signal.payload, "$.signal.payload", NULL)
    return await commands.start_with_signal(
        call.caller,
        call.path["name"],
        name=body.name,
        input=given,
        version=body.version,
        signal=SignalReceived(
            body.signal.name, body.signal.id or "", payload, ttl_ms(body.signal.ttl_seconds)
        ),
        alias=body.alias,
    )


async def list_executions(call: Call[ExecutionsQuery, NoBody]) -> Answer:
    query = call.query
    page = await call.engine.queries.executions(
        call.caller, wanted(query), limit=query.limit, cursor=query.cursor
    )
    return Answer(value=page)


async def count_executions(call: Call[FilterQuery, NoBody]) -> Answer:
    return Answer(value=await call.engine.queries.count(call.caller, wanted(call.query)))


def wanted(query: FilterQuery) -> Filter:
    """The filter that a query asks for."""
    return filter_of(
        definition=query.definition,
        status=query.status,
        state=query.state,
        version=query.version,
        error=query.error,
        quarantined=None if query.quarantined is None else query.quarantined == "true",
        started_after=query.started_after,
        started_before=query.started_before,
        attributes=query.attribute,
    )


async def describe(call: Call[WaitQuery, NoBody]) -> Answer:
    execution, wait_ms = call.path["id"], call.wait_ms(call.query.wait)
    describe = call.engine.queries.describe
    try:
        view = await call.hold(wait_ms, describe(call.caller, execution, wait_ms))
    except Stopping:
        view = await describe(call.caller, execution, 0)
    return Answer(value=view)


async def history(call: Call[HistoryQuery, NoBody]) -> Answer:
    wait_ms = call.wait_ms(call.query.wait)
    try:
        return Answer(value=await call.hold(wait_ms, _history(call, wait_ms)))
    except Stopping:
        return Answer(value=await _history(call, 0))


async def stop(call: Call[NoQuery, StopBody]) -> Answer:
    wait_ms, body = call.wait_ms(STOP_WAIT_MS / 1000), call.body
    commands, execution = call.engine.commands, call.path["id"]
    if body.graceful:
        asked = Ask(body.reason, body.id, wait_ms)
        ordered = await commands.cancel(call.caller, execution, asked, body.error, body.cause)
        summary = ordered.execution
    else:
        summary = await commands.stop(call.caller, execution, body.error, body.cause, wait_ms)
    stopped = Stopped(id=summary.id, status=summary.status)
    return Answer(value=stopped, status=202 if summary.status == "RUNNING" else 200)


async def _history(call: Call[HistoryQuery, NoBody], wait_ms: int) -> HistoryPage:
    return await call.engine.queries.history(
        call.caller,
        call.path["id"],
        after=call.query.after,
        limit=call.query.limit,
        descending=call.query.order == "desc",
        wait_ms=wait_ms,
    )


async def _closed(call: Call[WaitQuery, StartBody], started: ExecutionSummary) -> ExecutionSummary:
    """The execution once it closed, or as it stands when the time is up."""
    wait_ms = call.wait_ms(call.query.wait)
    closed = call.engine.queries.closed
    try:
        return await call.hold(wait_ms, closed(call.caller, started.id, wait_ms))
    except Stopping:
        return await call.engine.commands.finish(call.caller, started.id)


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/definitions/{name}/executions",
        name="start",
        group="executions",
        summary="Start an execution",
        about="Durable once answered. With a name, repeating the request with the same input is answered with the "
        "execution that runs already. With `wait` the answer is held until the execution closes or the time is up. Of an "
        "EXPRESS definition each request starts a new execution in the memory of the process that answers; its id is "
        "`<definition>:<name>:<uuid>`. With a `signal`, the execution starts with it; where one of the name runs already, "
        "whatever its input, it is only sent the signal: both or nothing, and once per id of the signal.",
        perform=start,
        query=WaitQuery,
        body=StartBody,
        body_example={"name": "42", "input": {"order": 42}},
        answers={
            201: Shown(
                meaning="Started. Location names it.",
                type=ExecutionSummary,
                example=examples.EXECUTION,
            ),
            200: Shown(
                meaning="It runs already, with the same name and input; or with the same name, and was sent the signal.",
                type=ExecutionSummary,
                example=examples.EXECUTION,
            ),
        },
        errors=(
            InvalidDocument,
            InvalidName,
            DefinitionNotFound,
            AliasNotFound,
            ExecutionAlreadyExists,
            ExpressUnsupported,
            SignalInvalid,
            PayloadTooLarge,
            QuotaExceeded,
            StoreUnavailable,
        ),
    ),
    Operation(
        method="GET",
        path="/v1/executions",
        name="list_executions",
        group="executions",
        summary="List executions",
        about="Newest first, by any of the filters, also by search attributes that the definition declares. A page may be "
        "short although `next` is given. What was acknowledged before is shown.",
        perform=list_executions,
        query=ExecutionsQuery,
        answers={
            200: Shown(meaning="One page.", type=ExecutionPage, example=examples.EXECUTION_PAGE)
        },
        errors=(InvalidName, ExpressUnsupported, StoreUnavailable),
    ),
    Operation(
        method="GET",
        path="/v1/executions:count",
        name="count_executions",
        group="executions",
        summary="Count executions",
        about="By the same filters. Exact where one index answers it, or few executions have to be looked at; else at "
        "least so many.",
        perform=count_executions,
        query=FilterQuery,
        answers={
            200: Shown(meaning="How many.", type=ExecutionCount, example=examples.EXECUTION_COUNT)
        },
        errors=(InvalidName, ExpressUnsupported, StoreUnavailable),
    ),
    Operation(
        method="GET",
        path="/v1/executions/{id}",
        name="describe",
        group="executions",
        summary="Describe an execution",
        about="Where it rests, what it waits for, and once it closed, how. With `wait` the answer is held until it "
        "closes or the time is up.",
        perform=describe,
        query=WaitQuery,
        answers={
            200: Shown(
                meaning="All there is to know, except the history.",
                type=ExecutionView,
                example=examples.DESCRIPTION,
            )
        },
        errors=(InvalidName, ExecutionNotFound, QuotaExceeded, StoreUnavailable),
    ),
    Operation(
        method="GET",
        path="/v1/executions/{id}/history",
        name="history",
        group="executions",
        summary="Read an execution's history",
        about="Records in the event shape of Step Functions. To follow an execution, pass the last id seen as `after` "
        "and a `wait`. Of an execution whose definition keeps the newest records only, `dropped` tells which are gone.",
        perform=history,
        query=HistoryQuery,
        answers={200: Shown(meaning="One page.", type=HistoryPage, example=examples.HISTORY)},
        errors=(InvalidName, ExecutionNotFound, QuotaExceeded, StoreUnavailable),
    ),
    Operation(
        method="POST",
        path="/v1/executions/{id}/stop",
        name="stop",
        group="executions",
        summary="Stop an execution",
        about=f"It ends as ABORTED at once; nothing catches that. The answer is held up to {STOP_WAIT_MS // 1000} s for "
        "it. With `graceful` the state that its own strand is in fails as `Detent.Cancelled` instead: a Catch of that name "
        "leads on, to what compensates; without one it ends as ABORTED too.",
        perform=stop,
        body=StopBody,
        body_example={"error": "Cancelled", "cause": "the customer withdrew the order"},
        answers={
            200: Shown(meaning="It is closed.", type=Stopped, example=examples.STOPPED),
            202: Shown(
                meaning="It goes on closing, or compensating.",
                type=Stopped,
                example=examples.STOPPED | {"status": "RUNNING"},
            ),
        },
        errors=(
            InvalidName,
            ExecutionNotFound,
            ExecutionClosed,
            OrderRefused,
            ExpressUnsupported,
            QuotaExceeded,
            StoreUnavailable,
        ),
    ),
)
