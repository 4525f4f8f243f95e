"""Map Runs: of an execution, one, and changing what one keeps to."""

from __future__ import annotations

from api.rest.encode import Answer
from api.rest.map_shapes import EXAMPLE, EXAMPLES, MapRun, MapRunBody, MapRunList, shown
from api.rest.operation import Call, Operation, Shown
from api.rest.requests import NoBody, NoQuery, PageQuery
from engine.errors import (
    InvalidName,
    InvalidRequest,
    MapRunClosed,
    MapRunNotFound,
    StoreUnavailable,
)


async def list_map_runs(call: Call[PageQuery, NoBody]) -> Answer:
    page = await call.engine.map_runs.of(
        call.caller, call.path["id"], limit=call.query.limit, cursor=call.query.cursor
    )
    return Answer(value=MapRunList([shown(run) for run in page.map_runs], page.next))


async def read_map_run(call: Call[NoQuery, NoBody]) -> Answer:
    return Answer(
        value=shown(await call.engine.map_runs.describe(call.caller, call.path["map_run"]))
    )


async def change_map_run(call: Call[NoQuery, MapRunBody]) -> Answer:
    body = call.body
    await call.engine.map_runs.update(
        call.caller,
        call.path["map_run"],
        concurrency_max=body.max_concurrency,
        tolerated_count=body.tolerated_failure_count,
        tolerated_percentage=body.tolerated_failure_percentage,
    )
    return Answer(
        value=shown(await call.engine.map_runs.describe(call.caller, call.path["map_run"]))
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/executions/{id}/map-runs",
        name="list_map_runs",
        group="executions",
        summary="List an execution's Map Runs",
        about="One for each time that a distributed Map was run; newest first. An execution that has none, or is not there, "
        "has an empty list.",
        perform=list_map_runs,
        query=PageQuery,
        answers={200: Shown(meaning="A page of them.", type=MapRunList, example=EXAMPLES)},
        errors=(InvalidName, InvalidRequest, StoreUnavailable),
    ),
    Operation(
        method="GET",
        path="/v1/map-runs/{map_run}",
        name="read_map_run",
        group="executions",
        summary="Read a Map Run",
        about="How far it has come, in items and in children.",
        perform=read_map_run,
        answers={200: Shown(meaning="The Map Run.", type=MapRun, example=EXAMPLE)},
        errors=(InvalidName, MapRunNotFound, StoreUnavailable),
    ),
    Operation(
        method="PATCH",
        path="/v1/map-runs/{map_run}",
        name="change_map_run",
        group="executions",
        summary="Change a Map Run",
        about="While it runs. More children are started at once where there is room for more; where there is room for fewer, "
        "those that run go on.",
        perform=change_map_run,
        body=MapRunBody,
        body_example={"max_concurrency": 50},
        answers={200: Shown(meaning="The Map Run.", type=MapRun, example=EXAMPLE)},
        errors=(InvalidName, InvalidRequest, MapRunNotFound, MapRunClosed, StoreUnavailable),
    ),
)
