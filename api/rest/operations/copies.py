"""Executions out of one store and into another."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.operations.executions import wanted
from api.rest.requests import Body, ExecutionsQuery, NoBody, NoQuery
from engine.errors import InvalidName, StoreUnavailable
from engine.store.bounds.copies import COPY_BYTES_MAX
from engine.views import Imported

NDJSON = "application/x-ndjson"
IMPORTED_MAX = 1000
IMPORT_BYTES_MAX = 2 * COPY_BYTES_MAX  # texts inside texts take more than they are long
COPY = {
    "format": 1,
    "id": "order:42",
    "version": 1,
    "status": "SUCCEEDED",
    "started_ms": 1764500000000,
    "stopped_ms": 1764500000020,
    "input": '{"order":42}',
    "output": '{"paid":true}',
    "revision": 2,
    "records": [
        [1, 0, "ExecutionStarted", 1764500000000, {"input": {"json": '{"order":42}'}}],
        [2, 0, "ExecutionSucceeded", 1764500000020, {"output": {"json": '{"paid":true}'}}],
    ],
}
LINES = "\n".join(msgspec.json.encode(each).decode() for each in (COPY, {"next": None})) + "\n"


class ImportBody(Body, frozen=True):
    """Copies, each as a line of an export has it."""

    executions: Annotated[
        list[Raw],
        Meta(max_length=IMPORTED_MAX, description="Copies of executions that have ended."),
    ]


class ImportResult(Struct, frozen=True):
    """What became of each copy, in the order sent."""

    results: list[Imported]


async def export_executions(call: Call[ExecutionsQuery, NoBody]) -> Answer:
    query = call.query
    page = await call.engine.copying.export_executions(
        call.caller, wanted(query), query.limit, query.cursor
    )
    end = msgspec.json.encode({"next": page.next})
    return Answer(value=b"\n".join([*page.lines, end, b""]), content_type=NDJSON.encode())


async def import_executions(call: Call[NoQuery, ImportBody]) -> Answer:
    lines = [bytes(each) for each in call.body.executions]
    return Answer(
        value=ImportResult(await call.engine.copying.import_executions(call.caller, lines))
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/executions:export",
        name="export_executions",
        group="executions",
        summary="Export executions",
        about="One execution a line, with input, output, history, signals left over and, of a running one, its frames "
        'and variables. The last line is `{"next": ...}`: the `cursor` of the next page, null at the end. Every '
        "execution that matches all the while comes once. An execution too large for one line is told as `skipped`.",
        perform=export_executions,
        query=ExecutionsQuery,
        answers={200: Shown(meaning="One page.", content_type=NDJSON, example=LINES)},
        errors=(InvalidName, StoreUnavailable),
    ),
    Operation(
        method="POST",
        path="/v1/executions:import",
        name="import_executions",
        group="executions",
        summary="Import executions",
        about="Stores copies of executions that have ended, with their history; how long they are kept counts from now. "
        "Never over an execution of the same id, so that repeating it is safe. Copies of running executions are refused: "
        "what they wait for is where they came from.",
        perform=import_executions,
        body=ImportBody,
        body_bytes_least=IMPORT_BYTES_MAX,
        body_example={"executions": [COPY]},
        answers={
            200: Shown(
                meaning="What became of each.",
                type=ImportResult,
                example={"results": [{"id": "order:42", "status": "imported"}]},
            )
        },
        errors=(StoreUnavailable,),
    ),
)
