"""Starting many executions in one request."""

from __future__ import annotations

from api.rest import examples
from api.rest.batch_bodies import BatchBody, Batched, BatchedAnswer
from api.rest.decode import document
from api.rest.encode import Answer, problem_members
from api.rest.operation import Call, Operation, Shown
from api.rest.requests import NewExecution, NoQuery
from engine.commands.batches import STARTS_MAX
from engine.documents import EMPTY_OBJECT
from engine.errors import EngineError, InvalidName, PayloadTooLarge, StoreUnavailable
from engine.views import StartResult
from engine.views.starting import Start


async def start_many(call: Call[NoQuery, BatchBody]) -> Answer:
    read = [
        _read(start, f"$.starts[{number}].input") for number, start in enumerate(call.body.starts)
    ]
    starts = [start for start in read if isinstance(start, Start)]
    made = iter(await call.engine.commands.start_many(call.caller, call.path["name"], starts))
    answers = [next(made) if isinstance(start, Start) else start for start in read]
    return Answer(value=Batched(results=[_answered(answer) for answer in answers]))


def _read(start: NewExecution, path: str) -> Start | EngineError:
    """One start, or why its input is no document; the others are none the worse for it."""
    try:
        given = document(start.input, path, EMPTY_OBJECT)
    except EngineError as error:
        return error
    return Start(name=start.name, input=given, version=start.version, alias=start.alias)


def _answered(answer: StartResult | EngineError) -> BatchedAnswer:
    if isinstance(answer, EngineError):
        return BatchedAnswer(result="refused", problem=problem_members(answer))
    return BatchedAnswer(
        result="started" if answer.created else "existed", execution=answer.execution
    )


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/definitions/{name}/executions:batch",
        name="start_many",
        group="executions",
        summary="Start many executions",
        about=f"Up to {STARTS_MAX:,} starts of one definition in one request, all made at once. Each is a start by itself: "
        "answered in the order sent, as it would be alone, durable once answered, refused without regard to the others, "
        "and safe to repeat under its name. Signals and waiting are for single starts.",
        perform=start_many,
        body=BatchBody,
        body_example={"starts": [{"name": "42", "input": {"order": 42}}, {"name": "n 1"}]},
        answers={
            200: Shown(
                meaning="Each start has its answer. What was refused may be some of them, or all.",
                type=Batched,
                example=examples.BATCHED,
            )
        },
        errors=(PayloadTooLarge, InvalidName, StoreUnavailable),
    ),
)
