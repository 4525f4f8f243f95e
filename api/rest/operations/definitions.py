"""Definitions: publish, check, read."""

from __future__ import annotations

from api.engine import Format
from api.errors import UnsupportedMediaType
from api.rest import examples
from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.requests import (
    DefinitionQuery,
    NoBody,
    NoQuery,
    PageQuery,
    PublishQuery,
    ValidateQuery,
)
from api.rest.shapes import Validated, Versions
from engine.errors import (
    DefinitionNotFound,
    DefinitionTypeConflict,
    InvalidDefinition,
    InvalidName,
    PayloadTooLarge,
    StoreUnavailable,
)
from engine.examining import examined
from engine.views import DefinitionPage, DefinitionSummary, DefinitionText, Published

DEFINITION_TYPES: dict[str, Format] = {
    "application/json": "json",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
    "text/x-yaml": "yaml",
}


async def publish(call: Call[PublishQuery, NoBody]) -> Answer:
    text_format = definition_format(call.media_type)
    published = await call.engine.commands.publish(
        call.caller, call.path["name"], call.text, text_format, call.query.type
    )
    published = await call.engine.operations.after_publish(
        call.caller, published, call.query.running
    )
    return Answer(value=published, status=201 if published.changed else 200)


async def validate(call: Call[ValidateQuery, NoBody]) -> Answer:
    _, problems = await examined(call.text, definition_format(call.media_type), call.query.type)
    valid = all(problem.severity != "error" for problem in problems)
    return Answer(value=Validated(valid=valid, problems=tuple(problems)))


async def list_definitions(call: Call[PageQuery, NoBody]) -> Answer:
    return Answer(
        value=await call.engine.queries.definitions(
            call.caller, call.query.limit, call.query.cursor
        )
    )


async def read_definition(call: Call[DefinitionQuery, NoBody]) -> Answer:
    return Answer(
        value=await call.engine.queries.definition(
            call.caller, call.path["name"], call.query.version
        )
    )


async def delete_definition(call: Call[NoQuery, NoBody]) -> Answer:
    return Answer(
        value=await call.engine.commands.delete_definition(call.caller, call.path["name"])
    )


async def list_versions(call: Call[NoQuery, NoBody]) -> Answer:
    versions = await call.engine.queries.versions(call.caller, call.path["name"])
    return Answer(value=Versions(versions=versions))


def definition_format(media_type: str | None) -> Format | None:
    """The format a content type names; None where it names none and the text has to tell."""
    if media_type is not None and media_type.startswith("multipart/"):
        raise UnsupportedMediaType(
            detail="send the definition's text as the body", allowed=list(DEFINITION_TYPES)
        )
    return DEFINITION_TYPES.get(media_type or "")


OPERATIONS = (
    Operation(
        method="PUT",
        path="/v1/definitions/{name}",
        name="publish",
        group="definitions",
        summary="Publish a version of a definition",
        about="The body is the definition's text, YAML or JSON, told by Content-Type or else by the text. Text that "
        "equals the current version makes no new one. Running executions keep the version they have, unless `running` or the definition says otherwise. "
        "Executions of an EXPRESS definition run in memory, for five minutes at most, and are not stored.",
        perform=publish,
        query=PublishQuery,
        takes_definition=True,
        answers={
            201: Shown(
                meaning="A new version was made.", type=Published, example=examples.PUBLISHED
            ),
            200: Shown(
                meaning="The text equals the current version.",
                type=Published,
                example=examples.PUBLISHED | {"changed": False},
            ),
        },
        errors=(
            InvalidName,
            InvalidDefinition,
            DefinitionTypeConflict,
            PayloadTooLarge,
            StoreUnavailable,
        ),
    ),
    Operation(
        method="GET",
        path="/v1/definitions",
        name="list_definitions",
        group="definitions",
        summary="List definitions",
        about="In the order of their names.",
        perform=list_definitions,
        query=PageQuery,
        answers={
            200: Shown(meaning="One page.", type=DefinitionPage, example=examples.DEFINITION_PAGE)
        },
        errors=(StoreUnavailable,),
    ),
    Operation(
        method="POST",
        path="/v1/definitions:validate",
        name="validate",
        group="definitions",
        summary="Check a definition without publishing it",
        about="All problems at once, each with line, column and JSON pointer; warnings do not make it invalid.",
        perform=validate,
        query=ValidateQuery,
        takes_definition=True,
        answers={200: Shown(meaning="What was found.", type=Validated, example=examples.VALIDATED)},
        errors=(PayloadTooLarge,),
    ),
    Operation(
        method="GET",
        path="/v1/definitions/{name}",
        name="read_definition",
        group="definitions",
        summary="Read a definition",
        about="As its author wrote it.",
        perform=read_definition,
        query=DefinitionQuery,
        answers={
            200: Shown(
                meaning="The version asked for.",
                type=DefinitionText,
                example=examples.DEFINITION_TEXT,
            )
        },
        errors=(InvalidName, DefinitionNotFound, StoreUnavailable),
    ),
    Operation(
        method="DELETE",
        path="/v1/definitions/{name}",
        name="delete_definition",
        group="definitions",
        summary="Delete a definition",
        about="Nothing starts of it any more, in no partition, once this is answered; its aliases, published versions and tags "
        "are gone. What runs goes on to its end, and the texts of its versions can still be read by number. A definition of "
        "the name that is published later begins anew, with the next version number.",
        perform=delete_definition,
        answers={
            200: Shown(meaning="As it was.", type=DefinitionSummary, example=examples.DEFINITION)
        },
        errors=(InvalidName, DefinitionNotFound, StoreUnavailable),
    ),
    Operation(
        method="GET",
        path="/v1/definitions/{name}/versions",
        name="list_versions",
        group="definitions",
        summary="List a definition's versions",
        about="Newest first.",
        perform=list_versions,
        answers={200: Shown(meaning="All versions.", type=Versions, example=examples.VERSIONS)},
        errors=(InvalidName, DefinitionNotFound, StoreUnavailable),
    ),
)
