"""Aliases of definitions: point a name at versions, read, remove."""

from __future__ import annotations

from api.rest import examples
from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.requests import AliasBody, NoBody, NoQuery
from api.rest.shapes import AliasList
from engine.errors import (
    AliasNotFound,
    DefinitionNotFound,
    InvalidName,
    InvalidRequest,
    QuotaExceeded,
    StoreUnavailable,
)
from engine.views import AliasView

EVERY_START = 100


async def set_alias(call: Call[NoQuery, AliasBody]) -> Answer:
    body = call.body
    if (body.version is None) == (body.routing is None):
        raise InvalidRequest(detail="give either `version` or `routing`")
    routing = [(route.version, route.weight) for route in body.routing or ()]
    if body.version is not None:
        routing = [(body.version, EVERY_START)]
    put = await call.engine.commands.set_alias(
        call.caller, call.path["name"], call.path["alias"], routing
    )
    return Answer(value=put.alias, status=201 if put.created else 200)


async def list_aliases(call: Call[NoQuery, NoBody]) -> Answer:
    found = await call.engine.queries.aliases(call.caller, call.path["name"])
    return Answer(value=AliasList(aliases=found))


async def read_alias(call: Call[NoQuery, NoBody]) -> Answer:
    return Answer(
        value=await call.engine.queries.alias(call.caller, call.path["name"], call.path["alias"])
    )


async def remove_alias(call: Call[NoQuery, NoBody]) -> Answer:
    return Answer(
        value=await call.engine.commands.remove_alias(
            call.caller, call.path["name"], call.path["alias"]
        )
    )


OPERATIONS = (
    Operation(
        method="PUT",
        path="/v1/definitions/{name}/aliases/{alias}",
        name="set_alias",
        group="definitions",
        summary="Point an alias at a version",
        about="Makes the alias or changes it, in one step: a start that comes at the same time goes by the routing before or "
        "after. Running executions keep their version. With `routing`, starts are shared out between two versions by the "
        "execution's name, so that a start that is repeated comes to the same one. A definition has at most 100 aliases; a "
        "name of digits only is refused.",
        perform=set_alias,
        body=AliasBody,
        body_example={"version": 3},
        answers={
            201: Shown(meaning="It was made.", type=AliasView, example=examples.ALIAS),
            200: Shown(
                meaning="It was there, and is changed.", type=AliasView, example=examples.ALIAS
            ),
        },
        errors=(InvalidName, DefinitionNotFound, QuotaExceeded, StoreUnavailable),
    ),
    Operation(
        method="GET",
        path="/v1/definitions/{name}/aliases",
        name="list_aliases",
        group="definitions",
        summary="List a definition's aliases",
        about="In the order of their names.",
        perform=list_aliases,
        answers={200: Shown(meaning="All aliases.", type=AliasList, example=examples.ALIASES)},
        errors=(InvalidName, DefinitionNotFound, StoreUnavailable),
    ),
    Operation(
        method="GET",
        path="/v1/definitions/{name}/aliases/{alias}",
        name="read_alias",
        group="definitions",
        summary="Read an alias",
        about="Where starts on it go now.",
        perform=read_alias,
        answers={200: Shown(meaning="The alias.", type=AliasView, example=examples.ALIAS)},
        errors=(InvalidName, AliasNotFound, StoreUnavailable),
    ),
    Operation(
        method="DELETE",
        path="/v1/definitions/{name}/aliases/{alias}",
        name="remove_alias",
        group="definitions",
        summary="Remove an alias",
        about="Starts on it are refused from then on. What it has started goes on.",
        perform=remove_alias,
        answers={200: Shown(meaning="As it was.", type=AliasView, example=examples.ALIAS)},
        errors=(InvalidName, AliasNotFound, StoreUnavailable),
    ),
)
