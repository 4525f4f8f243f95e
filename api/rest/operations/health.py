"""Probes: does the process answer, and can it be given work."""

from __future__ import annotations

from msgspec import structs

from api.rest import examples
from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.requests import NoBody, NoQuery
from engine.errors import StoreUnavailable
from engine.views import Health


async def healthz(call: Call[NoQuery, NoBody]) -> Answer:
    return Answer(value=await _health(call))


async def readyz(call: Call[NoQuery, NoBody]) -> Answer:
    health = await _health(call)
    if call.face.waits.stopping.is_set():
        reasons = [*health.reasons, "the server is stopping"]
        health = structs.replace(health, status="down", reasons=reasons)
    return Answer(value=health, status=503 if health.status == "down" else 200)


async def metrics(call: Call[NoQuery, NoBody]) -> Answer:
    text = await call.engine.queries.metrics()
    return Answer(value=text.encode(), content_type=METRICS_TYPE.encode())


async def _health(call: Call[NoQuery, NoBody]) -> Health:
    try:
        return await call.engine.queries.health()
    except StoreUnavailable as error:
        return Health(status="down", promise="none", redis={}, reasons=[error.title])


METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

OPERATIONS = (
    Operation(
        method="GET",
        path="/healthz",
        name="healthz",
        group="health",
        summary="Whether the process answers, and what it can promise",
        about="Always 200 while the process lives; restart it where this is not answered.",
        perform=healthz,
        guarded=False,
        answers={200: Shown(meaning="It answers.", type=Health, example=examples.HEALTH)},
    ),
    Operation(
        method="GET",
        path="/readyz",
        name="readyz",
        group="health",
        summary="Whether the process can be given work",
        about="503 while Redis is down or the process is stopping; send work elsewhere then.",
        perform=readyz,
        guarded=False,
        answers={
            200: Shown(meaning="It can.", type=Health, example=examples.HEALTH),
            503: Shown(
                meaning="It cannot.",
                type=Health,
                example=examples.HEALTH
                | {
                    "status": "down",
                    "promise": "none",
                    "reasons": ["Redis cannot be reached"],
                },
            ),
        },
    ),
    Operation(
        method="GET",
        path="/metrics",
        name="metrics",
        group="health",
        summary="What the process has done, in Prometheus' text format",
        about="Counters of this process alone, from its start; every process of a deployment has its own.",
        perform=metrics,
        answers={200: Shown(meaning="The counters.", content_type=METRICS_TYPE)},
    ),
)
