"""Signals: send one, and see what has become of those that were sent."""

from __future__ import annotations

from msgspec import structs

from api.rest import examples
from api.rest.decode import document, ttl_ms
from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.receive import Stopping
from api.rest.requests import BroadcastBody, NoBody, NoQuery, PageQuery, SignalBody, SignalQuery
from engine.documents import NULL
from engine.errors import (
    DefinitionNotFound,
    ExecutionClosed,
    ExecutionNotFound,
    ExpressUnsupported,
    InvalidDocument,
    InvalidName,
    PayloadTooLarge,
    QuotaExceeded,
    SignalInvalid,
    StoreUnavailable,
)
from engine.store.finding.filter import text_of
from engine.views import BroadcastResult, SignalPage, SignalResult


async def signal(call: Call[SignalQuery, SignalBody]) -> Answer:
    result = await call.engine.commands.signal(
        call.caller,
        call.path["id"],
        call.path["signal"],
        document(call.body.payload, "$.payload", NULL),
        call.body.id,
        ttl_ms(call.body.ttl_seconds),
    )
    if call.query.wait == "consumed" and result.status == "accepted":
        # Waiting comes after the acknowledged signal: a client that goes away meanwhile ends the wait, not the signal.
        result = await _ended(call, result)
    return Answer(value=result, status=202 if result.status == "accepted" else 200)


async def broadcast(call: Call[NoQuery, BroadcastBody]) -> Answer:
    result = await call.engine.commands.broadcast(
        call.caller,
        call.path["name"],
        call.path["signal"],
        document(call.body.payload, "$.payload", NULL),
        signal_id=call.body.id,
        ttl_ms=ttl_ms(call.body.ttl_seconds),
        attributes=[(name, text_of(value)) for name, value in (call.body.attribute or {}).items()],
    )
    return Answer(value=result)


async def list_signals(call: Call[PageQuery, NoBody]) -> Answer:
    page = await call.engine.queries.signals(
        call.caller, call.path["id"], call.query.limit, call.query.cursor
    )
    return Answer(value=page)


async def _ended(call: Call[SignalQuery, SignalBody], sent: SignalResult) -> SignalResult:
    """What has become of the signal once something has, or as it stands when the time is up."""
    wait_ms = call.wait_ms(call.query.wait_seconds)
    ask = call.engine.queries.signal
    try:
        fate = await call.hold(wait_ms, ask(call.caller, sent.execution, sent.id, wait_ms))
    except Stopping:
        return sent
    return structs.replace(sent, status=fate.status, state=fate.state, record=fate.record)


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/executions/{id}/signals/{signal}",
        name="signal",
        group="executions",
        summary="Send a signal",
        about="Durable and in order once answered; kept where no state waits for it yet. Give an `id` to make "
        "repeating safe: the answer to a repeated signal tells what has become of it. With `wait=consumed` the answer is "
        "held until that is known, or the time is up.",
        perform=signal,
        query=SignalQuery,
        body=SignalBody,
        body_example={"payload": {"by": "ann"}, "id": "approval-7", "ttl_seconds": 3600},
        answers={
            202: Shown(meaning="Accepted.", type=SignalResult, example=examples.SIGNAL),
            200: Shown(
                meaning="Accepted, and a state has taken it, or none can any more: `status` tells.",
                type=SignalResult,
                example=examples.SIGNAL_TAKEN,
            ),
        },
        errors=(
            InvalidDocument,
            InvalidName,
            ExecutionNotFound,
            ExecutionClosed,
            ExpressUnsupported,
            PayloadTooLarge,
            SignalInvalid,
            QuotaExceeded,
            StoreUnavailable,
        ),
    ),
    Operation(
        method="POST",
        path="/v1/definitions/{name}/signals/{signal}",
        name="broadcast",
        group="executions",
        summary="Send a signal to many executions",
        about="To all running executions of the definition, or to those that have the search attributes; who that is is "
        "looked up first, and where more than 10,000 match nothing is sent. Each execution accepts it once per `id`, so that "
        "repeating the request with the same `id` brings it to those that do not have it yet.",
        perform=broadcast,
        body=BroadcastBody,
        body_example={
            "payload": {"by": "ann"},
            "id": "approval-7",
            "attribute": {"customer": "c-7"},
        },
        answers={
            200: Shown(
                meaning="What became of it.", type=BroadcastResult, example=examples.BROADCAST
            )
        },
        errors=(
            InvalidDocument,
            InvalidName,
            DefinitionNotFound,
            ExpressUnsupported,
            PayloadTooLarge,
            QuotaExceeded,
            StoreUnavailable,
        ),
    ),
    Operation(
        method="GET",
        path="/v1/executions/{id}/signals",
        name="list_signals",
        group="executions",
        summary="List the signals an execution was sent",
        about="In the order of their acceptance, with what has become of each; those of the last 10,000 ids. Payloads stand "
        "in the history's SignalReceived records.",
        perform=list_signals,
        query=PageQuery,
        answers={200: Shown(meaning="One page.", type=SignalPage, example=examples.SIGNAL_PAGE)},
        errors=(InvalidName, ExecutionNotFound, ExpressUnsupported, StoreUnavailable),
    ),
)
