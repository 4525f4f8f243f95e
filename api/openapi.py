"""The OpenAPI document, made from the table of operations: `python -m api.openapi` writes it, `--check` compares.

Published copies are schemas/openapi.json and, for people, docs/reference/http.md. Nothing in them is written by hand:
paths and meanings come from the table, schemas and bounds from the structs that requests are decoded into and answers
are encoded from.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from api import pages, reference
from api.errors import InternalError, UnsupportedMediaType
from api.rest import descriptions
from api.rest.encode import title
from api.rest.operation import Operation
from api.rest.operations import OPERATIONS
from api.rest.requests import NoBody
from engine.documents import Document
from engine.errors import (
    EngineError,
    InvalidDocument,
    InvalidRequest,
    PayloadTooLarge,
    Unauthenticated,
)
from engine.language.problems import Problem

ROOT = Path(__file__).parent.parent
REF = "#/components/schemas/{name}"
Schema = dict[str, Any]

ABOUT = (
    "Durable state machines: Amazon States Language in, one checkpointed transition at a time, REST out. "
    "Errors are problems (RFC 9457) with a stable `code`. Unknown fields and parameters are refused. "
    "Times are ISO 8601, UTC, with milliseconds."
)
DEFINITION_EXAMPLE = "StartAt: Hello\nStates:\n  Hello:\n    Type: Pass\n    End: true\n"


@cache
def build() -> Schema:
    """The whole document, made once; not to be changed. The same for every server: it depends on the code only."""
    components = _components()
    everything = (*OPERATIONS, *pages_of_documentation())
    paths: dict[str, Schema] = {}
    for operation in everything:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    groups = dict.fromkeys(operation.group for operation in everything)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Detent", "version": _version(), "description": ABOUT},
        "servers": [{"url": descriptions.BASE}],
        "tags": [{"name": group} for group in groups],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "DETENT_TOKEN, where the server has one.",
                }
            },
        },
    }


def pages_of_documentation() -> tuple[Operation, ...]:
    """The operations that show this document; their answers do not matter here."""
    empty = {"paths": {}, "tags": [], "info": {"version": "", "description": ""}}
    return pages.operations(empty)


def published() -> dict[Path, bytes]:
    """What is published, and where."""
    document = build()
    text = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    return {
        ROOT / "schemas" / "openapi.json": text,
        ROOT / "docs" / "reference" / "http.md": reference.page(document).encode(),
    }


def errors_of(operation: Operation) -> list[type[EngineError]]:
    """How an operation can fail, what its form implies included."""
    found: list[type[EngineError]] = [InvalidRequest]
    if operation.body is not NoBody:
        found += [InvalidDocument, PayloadTooLarge, UnsupportedMediaType]
    if operation.takes_definition:
        found += [PayloadTooLarge, UnsupportedMediaType]
    if operation.guarded:
        found.append(Unauthenticated)
    return list(dict.fromkeys([*found, *operation.errors, InternalError]))


def _operation(operation: Operation) -> Schema:
    shown: Schema = {
        "operationId": operation.name,
        "tags": [operation.group],
        "summary": operation.summary,
        "description": operation.about,
    }
    parameters = [*_path_parameters(operation), *_query_parameters(operation)]
    if parameters:
        shown["parameters"] = parameters
    if operation.has_body:
        shown["requestBody"] = _request_body(operation)
    shown["responses"] = _responses(operation)
    if not operation.guarded:
        shown["security"] = []
    return shown | {"x-curl": curl(operation)}


def _path_parameters(operation: Operation) -> Iterable[Schema]:
    for name in descriptions.path_names(operation.path):
        about, example = descriptions.PATH_PARAMETERS[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": about,
            "schema": {"type": "string", "minLength": 1},
            "example": example,
        }


def _query_parameters(operation: Operation) -> Iterable[Schema]:
    _, components = _schemas([operation.query])
    properties = components[operation.query.__name__]["properties"]
    for item in structs.fields(operation.query):
        schema = _without_null(properties[item.encode_name])
        about = schema.pop("description", "")
        yield {
            "name": item.encode_name,
            "in": "query",
            "required": item.required,
            "description": about,
            "schema": schema,
        }


def _without_null(schema: Schema) -> Schema:
    """A parameter that may be absent is not one that may be null."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if not options:
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**options[0], **rest}


def _request_body(operation: Operation) -> Schema:
    if operation.takes_definition:
        yaml = {"schema": {"type": "string"}, "example": DEFINITION_EXAMPLE}
        content: Schema = {
            "application/yaml": yaml,
            "application/json": {"schema": {"type": "object"}},
        }
        return {"required": True, "content": content}
    schema = {"$ref": REF.format(name=operation.body.__name__)}
    required = any(item.required for item in structs.fields(operation.body))
    media = {"schema": schema, "example": operation.body_example}
    return {"required": required, "content": {"application/json": media}}


def _responses(operation: Operation) -> Schema:
    responses: Schema = {}
    for status, shown in operation.answers.items():
        response: Schema = {"description": shown.meaning}
        media: Schema = {}
        if shown.type is not None:
            media["schema"] = {"$ref": REF.format(name=shown.type.__name__)}
            media["example"] = shown.example
        elif shown.example is not None:
            media = {"schema": {"type": "string"}, "example": shown.example}
        response["content"] = {shown.content_type: media}
        responses[str(status)] = response
    by_status: dict[int, list[type[EngineError]]] = {}
    for error in errors_of(operation):
        by_status.setdefault(error.status, []).append(error)
    for status, errors in sorted(by_status.items()):
        responses.setdefault(str(status), _problem(errors))
    return responses


def _problem(errors: list[type[EngineError]]) -> Schema:
    meaning = " ".join(f"`{error.code}`: {title(error)}" for error in errors)
    first = errors[0]
    example = {
        "type": f"urn:detent:error:{first.code}",
        "title": title(first),
        "status": first.status,
        "code": first.code,
    }
    media = {"schema": {"$ref": REF.format(name="ProblemDetails")}, "example": example}
    return {
        "description": meaning,
        "content": {"application/problem+json": media},
        "x-codes": [error.code for error in errors],
    }


def curl(operation: Operation) -> str:
    """The operation as a command to paste."""
    path = operation.path
    for name in descriptions.path_names(path):
        path = path.replace(f"{{{name}}}", descriptions.PATH_PARAMETERS[name][1])
    words = ["curl"] if operation.method == "GET" else ["curl", "-X", operation.method]
    words.append(f"{descriptions.BASE}{path}")
    if operation.guarded:
        words.append('\\\n  -H "Authorization: Bearer $DETENT_TOKEN"')
    if operation.takes_definition:
        words.append("\\\n  -H 'Content-Type: application/yaml' --data-binary @order.yaml")
    elif operation.has_body:
        body = msgspec.json.encode(operation.body_example).decode()
        words.append(f"\\\n  -H 'Content-Type: application/json' -d '{body}'")
    return " ".join(words)


def _components() -> dict[str, Schema]:
    types: list[type[Struct]] = [Problem, descriptions.ProblemDetails]
    for operation in OPERATIONS:
        types += [shown.type for shown in operation.answers.values() if shown.type is not None]
        if operation.body is not NoBody:
            types.append(operation.body)
    _, components = _schemas(dict.fromkeys(types))
    for schema in components.values():
        for name, field in schema.get("properties", {}).items():
            options = [field, *field.get("anyOf", ())]
            is_silent = not any("description" in option for option in options)
            if is_silent and name in descriptions.FIELDS:
                field["description"] = descriptions.FIELDS[name]
    components["ProblemDetails"]["additionalProperties"] = True
    return dict(sorted(components.items()))


def _schemas(types: Iterable[type[Struct]]) -> tuple[tuple[Schema, ...], dict[str, Schema]]:
    return msgspec.json.schema_components(types, schema_hook=_any, ref_template=REF)


def _any(kind: type) -> Schema:
    """The schema of the one type that msgspec does not know."""
    if kind is not Document:
        raise TypeError(f"{kind} has no schema")
    return {"description": "Any JSON value."}


def _version() -> str:
    try:
        return version("detent-server")
    except PackageNotFoundError:
        return "0.0.0"


def main(arguments: list[str] | None = None) -> int:
    """Write what is published, or with `--check` tell whether it is up to date; the exit code says so."""
    parser = argparse.ArgumentParser(prog="python -m api.openapi", description=main.__doc__)
    parser.add_argument("--check", action="store_true")
    is_check = parser.parse_args(arguments).check
    stale = [
        (path, text)
        for path, text in published().items()
        if not path.exists() or path.read_bytes() != text
    ]
    for path, text in stale:
        if is_check:
            sys.stderr.write(f"{path.relative_to(ROOT)} is out of date: python -m api.openapi\n")
        else:
            path.write_bytes(text)
    return 1 if is_check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
