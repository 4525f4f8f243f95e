"""One order to many executions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, UnsetType, field

from api.rest import examples
from api.rest.decode import document
from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.operations.migrations import Percent, Rate, Reason, Selection, begun, wanted_of
from api.rest.requests import Body, Cause, Error, NoQuery
from engine.core.orders import PauseMode
from engine.documents import EMPTY_OBJECT, NULL
from engine.errors import (
    DefinitionNotFound,
    InvalidDocument,
    InvalidName,
    InvalidRequest,
    OperationAlreadyExists,
    StoreUnavailable,
)
from engine.runtime.bulk.asked import REDRIVE, Asked
from engine.views import OperationView

BulkVerb = Literal[
    "pause",
    "resume",
    "cancel",
    "terminate",
    "retry",
    "skip",
    "goto",
    "data",
    "variables",
    "redrive",
]


class BulkSelection(Selection, frozen=True):
    """Which executions; all that is given must hold. Running ones, but for `redrive`."""

    status: (
        Annotated[
            Literal["FAILED", "TIMED_OUT", "ABORTED"],
            Meta(description="Of `redrive`: with which status they have closed; FAILED if absent."),
        ]
        | None
    ) = None
    error: Annotated[str, Meta(description="Of `redrive`: the error they ended with.")] | None = (
        None
    )


class BulkBody(Body, frozen=True):
    """An order as it is given to one execution, and who is to get it. Repeating it with the same `id` gives it once."""

    verb: Annotated[
        BulkVerb, Meta(description="What is asked; see the operation on one execution.")
    ]
    filter: BulkSelection = field(default_factory=BulkSelection)
    id: Annotated[str, Meta(description="The operation's id; made up if absent.")] | None = None
    percent: Percent | None = None
    count: Annotated[int, Meta(ge=1, le=10**9, description="Only so many.")] | None = None
    rate: Rate | None = None
    reason: Reason | None = None
    mode: Annotated[PauseMode, Meta(description="Of `pause`.")] | None = None
    error: Error | None = None
    cause: Cause | None = None
    state: Annotated[str, Meta(description="Of `goto`.")] | None = None
    next: Annotated[str, Meta(description="Of `skip`: instead of the state's Next.")] | None = None
    version: (
        Annotated[
            int, Meta(ge=1, le=2**31 - 1, description="Of `redrive`: the version to go on with.")
        ]
        | None
    ) = None
    output: Annotated[Raw | UnsetType, Meta(description="Of `skip`.", examples=[{}])] = UNSET
    data: Annotated[Raw | UnsetType, Meta(description="Of `goto` and `data`.", examples=[{}])] = (
        UNSET
    )
    variables: Annotated[Raw | UnsetType, Meta(description="Of `variables`.", examples=[{}])] = (
        UNSET
    )
    input: Annotated[Raw | UnsetType, Meta(description="Of `redrive`.", examples=[{}])] = UNSET


# What each verb takes; the first of a pair has to be there.
_TAKES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "pause": ((), ("mode",)),
    "resume": ((), ()),
    "cancel": ((), ("error", "cause")),
    "terminate": ((), ("error", "cause")),
    "retry": ((), ()),
    "skip": (("output",), ("next",)),
    "goto": (("state",), ("data",)),
    "data": (("data",), ()),
    "variables": (("variables",), ()),
    "redrive": ((), ("version", "input")),
}
_ALL = sorted({name for pair in _TAKES.values() for names in pair for name in names})


async def give_order(call: Call[NoQuery, BulkBody]) -> Answer:
    body = call.body
    wanted = wanted_of(
        call.path["name"],
        body.filter,
        status=(body.filter.status or "FAILED") if body.verb == REDRIVE else "RUNNING",
        error=body.filter.error,
    )
    asked = Asked(
        kind=body.verb,
        wanted=wanted,
        by=call.caller.name,
        reason=body.reason,
        percent=body.percent,
        count=body.count,
        rate=body.rate,
        given=_given(body),
    )
    return begun(await call.engine.operations.begin(call.caller, asked, body.id))


def _given(body: BulkBody) -> dict[str, Any]:
    """The verb's own parameters; documents as their text. Raises InvalidRequest naming all that do not belong."""
    needed, allowed = _TAKES[body.verb]
    given = {name: getattr(body, name) for name in _ALL}
    given = {
        name: value for name, value in given.items() if value is not None and value is not UNSET
    }
    problems = [f"{body.verb} needs {name}" for name in needed if name not in given]
    strangers = [name for name in given if name not in {*needed, *allowed}]
    problems += [f"{body.verb} does not take {name}" for name in strangers]
    if body.verb != REDRIVE and (body.filter.status or body.filter.error):
        problems.append(
            f"{body.verb} is for running executions: filter takes no status and no error"
        )
    if problems:
        raise InvalidRequest("; ".join(problems), problems=problems)
    for name, value in given.items():
        if isinstance(value, Raw):
            given[name] = document(value, f"$.{name}", NULL).text.decode()
    if body.verb == "variables" and not isinstance(
        document(body.variables, "", EMPTY_OBJECT).value, dict
    ):
        raise InvalidRequest("variables is an object")
    return given


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/definitions/{name}/operations",
        name="give_order",
        group="operations",
        summary="Give one order to many executions",
        about="Pause, resume, stop, retry, skip, send on, change or redrive all executions that the filter wants: each is "
        "told once, by one event of its own, and answers. Read the operation to see how far it has come.",
        perform=give_order,
        body=BulkBody,
        body_example={"verb": "pause", "filter": {"state": "PayOut"}, "reason": "the bank is down"},
        answers={
            202: Shown(
                meaning="It has begun; Location names it.",
                type=OperationView,
                example=examples.OPERATION,
            )
        },
        errors=(
            InvalidName,
            InvalidDocument,
            DefinitionNotFound,
            OperationAlreadyExists,
            StoreUnavailable,
        ),
    ),
)
