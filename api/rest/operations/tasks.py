"""Tasks: what workers do. Lease, exchange, succeed, fail, heartbeat."""

from __future__ import annotations

from msgspec import UNSET

from api.rest import examples
from api.rest.decode import document
from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.receive import Stopping
from api.rest.requests import NoQuery
from api.rest.shapes import Accepted, Exchanged, Leased
from api.rest.task_bodies import (
    ExchangeBody,
    FailBody,
    HeartbeatBody,
    LeaseBody,
    ResultBody,
    SucceedBody,
)
from engine.documents import NULL
from engine.errors import (
    EngineError,
    InvalidDocument,
    InvalidName,
    InvalidRequest,
    LeaseLost,
    PayloadTooLarge,
    QuotaExceeded,
    StoreUnavailable,
    TaskClosed,
    TaskNotFound,
)
from engine.views import Heartbeat, LeasedTask, Outcome


async def lease(call: Call[NoQuery, LeaseBody]) -> Answer:
    return Answer(value=Leased(tasks=await _lease(call)))


async def exchange(call: Call[NoQuery, ExchangeBody]) -> Answer:
    outcomes = _outcomes(call.body.results)
    results = await call.engine.commands.settle_many(call.caller, outcomes) if outcomes else []
    tasks = await _lease(call) if call.body.max else []
    return Answer(value=Exchanged(results=results, tasks=tasks))


async def succeed(call: Call[NoQuery, SucceedBody]) -> Answer:
    output = document(call.body.output, "$.output", NULL)
    return await _settle(
        call, Outcome(token=call.path["token"], output=output, lease=call.body.lease)
    )


async def fail(call: Call[NoQuery, FailBody]) -> Answer:
    body = call.body
    return await _settle(
        call,
        Outcome(token=call.path["token"], error=body.error, cause=body.cause, lease=body.lease),
    )


async def heartbeat(call: Call[NoQuery, HeartbeatBody]) -> Answer:
    seconds = call.body.lease_seconds
    lease_ms = None if seconds is None else round(seconds * 1000)
    beat = await call.engine.commands.heartbeat(
        call.caller, call.path["token"], call.body.lease, lease_ms
    )
    return Answer(value=beat)


async def _settle(
    call: Call[NoQuery, SucceedBody] | Call[NoQuery, FailBody], outcome: Outcome
) -> Answer:
    await call.engine.commands.settle(call.caller, outcome)
    return Answer(value=Accepted(token=outcome.token))


async def _lease(
    call: Call[NoQuery, LeaseBody] | Call[NoQuery, ExchangeBody],
) -> list[LeasedTask]:
    """Tasks for a worker that is there. One that went away gets none; what it had just won lapses by itself."""
    body, queue = call.body, call.path["queue"]
    seconds = body.lease_seconds or call.face.settings.task_lease_seconds
    wait_ms = call.wait_ms(body.wait_seconds)
    work = call.engine.commands.lease(
        call.caller,
        queue,
        most=body.max,
        wait_ms=wait_ms,
        lease_ms=round(seconds * 1000),
        worker=body.worker,
    )
    try:
        return await call.hold(wait_ms, work, queue)
    except Stopping:
        return []


def _outcomes(results: list[ResultBody]) -> list[Outcome]:
    """All outcomes, or a refusal that names every result that is wrong; then none is settled."""
    outcomes: list[Outcome] = []
    errors: list[dict[str, str]] = []
    for number, result in enumerate(results):
        path = f"$.results[{number}]"
        try:
            outcomes.append(_outcome(result, path))
        except EngineError as error:
            errors.append({"path": path, "message": error.detail or error.title})
    if errors:
        detail = "; ".join(f"{item['path']}: {item['message']}" for item in errors)
        raise InvalidRequest(detail=detail, errors=errors)
    return outcomes


def _outcome(result: ResultBody, path: str) -> Outcome:
    failed = result.error is not None or result.cause is not None
    if (result.output is UNSET) is not failed:
        raise InvalidRequest(detail="give either `output`, or `error` with an optional `cause`")
    if failed:
        return Outcome(
            token=result.token, error=result.error, cause=result.cause, lease=result.lease
        )
    output = document(result.output, f"{path}.output", NULL)
    return Outcome(token=result.token, output=output, lease=result.lease)


_SETTLING = "Repeating the same outcome is answered alike; another outcome is refused and told what happened instead."

OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/queues/{queue}/lease",
        name="lease",
        group="tasks",
        summary="Lease tasks of a queue",
        about="A leased task is the worker's until `lease_until`; then it is handed out again. Where none is queued, "
        "the answer is held up to `wait_seconds`. Closing the connection ends the wait.",
        perform=lease,
        body=LeaseBody,
        body_example={"max": 10, "wait_seconds": 20, "worker": "billing-1"},
        answers={200: Shown(meaning="Tasks, or none.", type=Leased, example=examples.LEASED)},
        errors=(InvalidName, QuotaExceeded, StoreUnavailable),
    ),
    Operation(
        method="POST",
        path="/v1/queues/{queue}/exchange",
        name="exchange",
        group="tasks",
        summary="Settle tasks and lease new ones in one round trip",
        about="The results are made durable first, each for itself; then it goes on like a lease.",
        perform=exchange,
        body=ExchangeBody,
        body_example={
            "results": [{"token": examples.TOKEN, "output": {"paid": True}}],
            "max": 10,
            "wait_seconds": 20,
            "worker": "billing-1",
        },
        answers={
            200: Shown(
                meaning="What became of each result, in their order, and new tasks.",
                type=Exchanged,
                example=examples.EXCHANGED,
            )
        },
        errors=(InvalidName, PayloadTooLarge, QuotaExceeded, StoreUnavailable),
    ),
    Operation(
        method="POST",
        path="/v1/tasks/{token}/succeed",
        name="succeed",
        group="tasks",
        summary="Report a task's result",
        about=_SETTLING,
        perform=succeed,
        body=SucceedBody,
        body_example={"output": {"paid": True}},
        answers={200: Shown(meaning="It counts.", type=Accepted, example=examples.ACCEPTED)},
        errors=(
            InvalidDocument,
            TaskNotFound,
            TaskClosed,
            LeaseLost,
            PayloadTooLarge,
            StoreUnavailable,
        ),
    ),
    Operation(
        method="POST",
        path="/v1/tasks/{token}/fail",
        name="fail",
        group="tasks",
        summary="Report a task's failure",
        about=_SETTLING,
        perform=fail,
        body=FailBody,
        body_example={"error": "Card.Declined", "cause": "insufficient funds"},
        answers={200: Shown(meaning="It counts.", type=Accepted, example=examples.ACCEPTED)},
        errors=(TaskNotFound, TaskClosed, LeaseLost, StoreUnavailable),
    ),
    Operation(
        method="POST",
        path="/v1/tasks/{token}/heartbeat",
        name="heartbeat",
        group="tasks",
        summary="Show that a task is being worked on",
        about="Restarts the task's HeartbeatSeconds. With `lease`, extends the lease as well.",
        perform=heartbeat,
        body=HeartbeatBody,
        body_example={"lease": examples.LEASE, "lease_seconds": 30},
        answers={200: Shown(meaning="Noted.", type=Heartbeat, example=examples.HEARTBEAT)},
        errors=(TaskNotFound, TaskClosed, LeaseLost, StoreUnavailable),
    ),
)
