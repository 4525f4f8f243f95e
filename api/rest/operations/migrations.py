"""Migrations: plan, apply, take back; and operations on many executions: look, pause, resume, cancel."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from api.rest import examples
from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.requests import Body, Cursor, Limit, NoBody, NoQuery, PageQuery, Query, VersionNumber
from engine.commands.migrations import MigrationWish, written
from engine.core.execution import Status
from engine.errors import (
    DefinitionNotFound,
    EngineError,
    InvalidDefinition,
    InvalidName,
    InvalidRequest,
    OperationAlreadyExists,
    OperationEnded,
    OperationNotFound,
    StoreUnavailable,
)
from engine.runtime.bulk.asked import Wanted
from engine.store.finding.asked import filter_of
from engine.store.finding.filter import text_of
from engine.views import AnswerPage, MigrationPlan, OperationPage, OperationView, VerdictPage

IDS_MAX = 10_000
STATES_MAX = 1_000
Scalar = str | int | float | bool

Reason = Annotated[str, Meta(max_length=1000, description="Why; kept in the history.")]
Percent = Annotated[
    float,
    Meta(
        gt=0,
        le=100,
        description="Only this share of the executions, always the same ones: those of a smaller share are in every larger one.",
    ),
]
Rate = Annotated[float, Meta(gt=0, description="At most so many executions a second.")]
Mode = Annotated[
    Literal["plan", "apply"],
    Meta(description="`plan` says what would happen and writes nothing; `apply` does it."),
]


class Selection(Body, frozen=True):
    """Which running executions; all that is given must hold."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    state: Annotated[str, Meta(description="Where they rest.")] | None = None
    started_after: Annotated[str, Meta(description="At or after this time, RFC 3339.")] | None = (
        None
    )
    started_before: Annotated[str, Meta(description="Before this time, RFC 3339.")] | None = None
    attributes: Annotated[
        dict[str, Scalar], Meta(description="Search attributes and their values.")
    ] = field(default_factory=dict)
    ids: Annotated[
        tuple[str, ...], Meta(max_length=IDS_MAX, description="Their names, or ids.")
    ] = ()


EVERYTHING = Selection()


class PlannedBody(Body, frozen=True):
    """What a migration is to do."""

    version: VersionNumber | None = None
    filter: Selection = EVERYTHING
    mapping: Annotated[
        dict[str, str],
        Meta(
            max_length=STATES_MAX,
            description="Old state to new state. What a named state holds and the other cannot take over is given up.",
            examples=[{"AwaitSignature": "ComplianceCheck"}],
        ),
    ] = field(default_factory=dict)
    propose: Annotated[
        bool,
        Meta(description="Whether states that are gone go where they were probably renamed to."),
    ] = True
    data: (
        Annotated[
            str,
            Meta(
                max_length=65_536,
                description="A JSONata expression that makes the execution's data from `$states.input`.",
            ),
        ]
        | None
    ) = None
    text: (
        Annotated[
            str,
            Meta(
                description="A definition that is not published yet, to be planned for instead of a version."
            ),
        ]
        | None
    ) = None


class MigrationBody(PlannedBody, frozen=True):
    """A migration. Repeating it with the same `id` begins it once."""

    mode: Mode = "plan"
    id: Annotated[str, Meta(description="The operation's id; made up if absent.")] | None = None
    percent: Percent | None = None
    count: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=10**9,
                description="Only so many executions, the oldest of each partition first.",
            ),
        ]
        | None
    ) = None
    rate: Rate | None = None
    reason: Reason | None = None


class VerdictsQuery(Query, frozen=True):
    outcome: (
        Annotated[
            Literal["moves", "moves_by_mapping", "blocked"],
            Meta(description="Only executions with this verdict."),
        ]
        | None
    ) = None
    limit: Limit = 100
    cursor: Cursor | None = None


class RollbackBody(Body, frozen=True):
    """Taking a migration back."""

    mode: Mode = "plan"
    percent: Percent | None = None
    rate: Rate | None = None
    reason: Reason | None = None


def wanted_of(
    definition: str,
    selection: Selection,
    *,
    status: Status = "RUNNING",
    error: str | None = None,
) -> Wanted:
    """Which executions a selection means. Raises InvalidRequest for times and attributes that cannot be read."""
    filter_ = filter_of(
        definition=definition,
        state=selection.state,
        version=selection.version,
        started_after=selection.started_after,
        started_before=selection.started_before,
        attributes=[f"{name}:{text_of(value)}" for name, value in selection.attributes.items()],
    )
    return Wanted(
        definition=definition,
        status=status,
        error=error,
        version=filter_.version,
        state=filter_.state,
        started_from_ms=filter_.started_from_ms,
        started_until_ms=filter_.started_until_ms,
        attributes=dict(filter_.attributes),
        ids=selection.ids,
    )


async def _wish(call: Call[Any, Any], body: PlannedBody, **more: Any) -> MigrationWish:
    return MigrationWish(
        wanted=wanted_of(call.path["name"], body.filter),
        version=body.version,
        mapping=body.mapping,
        propose=body.propose,
        data=body.data,
        machine=None if body.text is None else await written(body.text),
        **more,
    )


async def migrate(call: Call[NoQuery, MigrationBody]) -> Answer:
    body = call.body
    wish = await _wish(
        call, body, percent=body.percent, count=body.count, rate=body.rate, reason=body.reason
    )
    if body.mode == "plan":
        return Answer(value=await call.engine.operations.plan_migration(call.caller, wish))
    if body.text is not None:
        raise InvalidRequest("publish the definition first: only a version can be applied")
    return begun(await call.engine.operations.migrate(call.caller, wish, body.id))


async def verdicts(call: Call[VerdictsQuery, PlannedBody]) -> Answer:
    query = call.query
    wish = await _wish(call, call.body)
    page = await call.engine.operations.migration_verdicts(
        call.caller, wish, outcome=query.outcome, limit=query.limit, cursor=query.cursor
    )
    return Answer(value=page)


async def list_operations(call: Call[PageQuery, NoBody]) -> Answer:
    query = call.query
    return Answer(
        value=await call.engine.operations.operations(call.caller, query.limit, query.cursor)
    )


async def read_operation(call: Call[NoQuery, NoBody]) -> Answer:
    return Answer(value=await call.engine.operations.operation(call.caller, call.path["operation"]))


async def operation_executions(call: Call[PageQuery, NoBody]) -> Answer:
    query = call.query
    page = await call.engine.operations.operation_answers(
        call.caller, call.path["operation"], query.limit, query.cursor
    )
    return Answer(value=page)


async def pause(call: Call[NoQuery, NoBody]) -> Answer:
    return Answer(
        value=await call.engine.operations.steer(call.caller, call.path["operation"], "PAUSED")
    )


async def resume(call: Call[NoQuery, NoBody]) -> Answer:
    return Answer(
        value=await call.engine.operations.steer(call.caller, call.path["operation"], "RUNNING")
    )


async def cancel(call: Call[NoQuery, NoBody]) -> Answer:
    return Answer(
        value=await call.engine.operations.steer(call.caller, call.path["operation"], "CANCELLED")
    )


async def roll_back(call: Call[NoQuery, RollbackBody]) -> Answer:
    body, migration = call.body, call.path["operation"]
    if body.mode == "plan":
        return Answer(value=await call.engine.operations.plan_roll_back(call.caller, migration))
    return begun(
        await call.engine.operations.roll_back(
            call.caller, migration, reason=body.reason, rate=body.rate, percent=body.percent
        )
    )


def begun(operation: OperationView) -> Answer:
    """The answer to a request that begins an operation."""
    place = f"/v1/operations/{operation.id}"
    return Answer(value=operation, status=202, headers=((b"location", place.encode()),))


_PLAN = Shown(meaning="What would happen.", type=MigrationPlan, example=examples.PLAN)
_BEGUN = Shown(
    meaning="It has begun; Location names it.", type=OperationView, example=examples.OPERATION
)
_OPERATION = Shown(meaning="How far it has come.", type=OperationView, example=examples.OPERATION)
_REFUSED: tuple[type[EngineError], ...] = (
    InvalidName,
    InvalidDefinition,
    DefinitionNotFound,
    StoreUnavailable,
)
_STEERING: tuple[type[EngineError], ...] = (
    InvalidName,
    OperationNotFound,
    OperationEnded,
    StoreUnavailable,
)


def _steering(verb: str, perform: Any, summary: str, about: str) -> Operation:
    return Operation(
        method="POST",
        path=f"/v1/operations/{{operation}}/{verb}",
        name=f"{verb}_operation",
        group="operations",
        summary=summary,
        about=about,
        perform=perform,
        answers={200: _OPERATION},
        errors=_STEERING,
    )


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/definitions/{name}/migrations",
        name="migrate",
        group="definitions",
        summary="Migrate running executions to a version",
        about="With `mode` `plan`, the default, the answer says what would become of every running execution that the "
        "filter wants, counted by position; nothing is written. With `apply` a migration begins that goes on by "
        "itself: each execution is moved by one event of its own, and one that cannot be moved stays as it is and "
        "is listed with the reason.",
        perform=migrate,
        body=MigrationBody,
        body_example={"mode": "apply", "mapping": {"Sign": "AwaitSignature"}, "percent": 5},
        answers={200: _PLAN, 202: _BEGUN},
        errors=(*_REFUSED, OperationAlreadyExists),
    ),
    Operation(
        method="POST",
        path="/v1/definitions/{name}/migrations:verdicts",
        name="verdicts",
        group="definitions",
        summary="List a plan's verdicts",
        about="What would become of each execution, one by one. A page may be short although `next` is given.",
        perform=verdicts,
        query=VerdictsQuery,
        body=PlannedBody,
        body_example={"mapping": {"Sign": "AwaitSignature"}},
        answers={200: Shown(meaning="One page.", type=VerdictPage, example=examples.VERDICTS)},
        errors=_REFUSED,
    ),
    Operation(
        method="GET",
        path="/v1/operations",
        name="list_operations",
        group="operations",
        summary="List operations on many executions",
        about="Newest first.",
        perform=list_operations,
        query=PageQuery,
        answers={
            200: Shown(meaning="One page.", type=OperationPage, example=examples.OPERATION_PAGE)
        },
        errors=(StoreUnavailable,),
    ),
    Operation(
        method="GET",
        path="/v1/operations/{operation}",
        name="read_operation",
        group="operations",
        summary="Read how far an operation has come",
        about="`answers` counts the executions by what has become of them; `waiting` have not come to it yet.",
        perform=read_operation,
        answers={200: _OPERATION},
        errors=(InvalidName, OperationNotFound, StoreUnavailable),
    ),
    Operation(
        method="GET",
        path="/v1/operations/{operation}/executions",
        name="operation_executions",
        group="operations",
        summary="List the executions that have not done what was asked",
        about="Each with the reason: those that a migration could not move, say. A page may have some more than asked for.",
        perform=operation_executions,
        query=PageQuery,
        answers={200: Shown(meaning="One page.", type=AnswerPage, example=examples.ANSWERS)},
        errors=(InvalidName, OperationNotFound, StoreUnavailable),
    ),
    _steering("pause", pause, "Pause an operation", "It stops after the page at hand."),
    _steering("resume", resume, "Resume an operation", "It goes on where it stopped."),
    _steering(
        "cancel",
        cancel,
        "Cancel an operation",
        "No more executions are asked. What was done stays; a migration can be rolled back.",
    ),
    Operation(
        method="POST",
        path="/v1/operations/{operation}/rollback",
        name="roll_back",
        group="operations",
        summary="Take a migration back",
        about="Executions that the migration has moved go back to the version, the states and the data that they had. One "
        "that has gone on since goes back where its state allows it; else it stays, with the reason.",
        perform=roll_back,
        body=RollbackBody,
        body_example={"mode": "apply", "reason": "the check is too slow"},
        answers={200: _PLAN, 202: _BEGUN},
        errors=(InvalidName, OperationNotFound, StoreUnavailable),
    ),
)
