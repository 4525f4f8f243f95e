"""docs/reference/http.md, made from the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

Document = dict[str, Any]

HEAD = """# HTTP interface

<!-- Made by `python -m api.openapi`; a test fails where it is out of date. -->

The server listens on port 8083 of this machine. `GET /openapi.json` is the same page for machines, `GET /docs` in a
browser.

- **Form.** Bodies are JSON (`Content-Type: application/json`); definitions may be YAML. Unknown fields and query
  parameters are refused, so that a misspelt one is not silently without effect. JSON values given as `input`, `payload`
  or `output` keep the text their sender wrote; NaN, Infinity and numbers beyond a double are refused.
- **Times** are ISO 8601, UTC, with milliseconds: `2026-11-22T10:00:00.000Z`.
- **Errors** are `application/problem+json` (RFC 9457) with a stable `code`; see [errors](errors.md). All fields that are
  wrong are named at once, in `errors`.
- **Credentials.** Where `DETENT_TOKEN` is set, every path but `/healthz`, `/readyz`, `/docs` and `/openapi.json` needs
  `Authorization: Bearer <token>`. Where it is not, the server is reached from its own machine only: requests must name
  `localhost`, `127.0.0.1` or `[::1]` as their host, and `PUT`, `POST` and
  `DELETE` of web pages of another origin are refused.
  `GET` is answered whatever its `Origin`; no answer allows a page of another origin to read it, so browsers keep it.
- **Size.** A body has at most `DETENT_REQUEST_BYTES_MAX` bytes, and 30 s to arrive. Compressed bodies are not read.
- **Waiting.** `wait` and `wait_seconds` hold the answer; closing the connection ends the wait. A process lets 5,000
  requests wait, 1,000 of them on one queue, and refuses more with `quota_exceeded`. A server that stops answers whoever
  waits with what there is.
- **Repeating** is safe for every operation but three: a start without a name, a signal without an id, and a lease, whose
  tasks are handed out again only when they lapse. `Retry-After` tells when repeating may help.
- **`Detent-Incarnation`**, a header of every response, changes when Redis is found to lack what it had acknowledged (after a
  crash with `appendfsync everysec`, a failover): the ms since 1970 at which that was noticed, `0` if it never was. Who
  remembers something of an execution, such as how far its history was read, reads it again from the start then. See
  [what is promised](../how-to/run-in-production.md#when-redis-has-lost-something).
"""


def page(document: Document) -> str:
    """The whole page."""
    groups = [tag["name"] for tag in document["tags"]]
    parts = [HEAD]
    for group in groups:
        parts.append(f"## {group.capitalize()}\n")
        for path, methods in document["paths"].items():
            parts += [
                _operation(path, method, operation, document["components"]["schemas"])
                for method, operation in methods.items()
                if group in operation["tags"]
            ]
    return "\n".join(parts)


def _operation(path: str, method: str, operation: Document, schemas: Document) -> str:
    lines = [
        f"### {operation['summary']}\n",
        f"`{method.upper()} {path}`\n",
        f"{operation['description']}\n",
    ]
    lines += _parameters(operation, schemas)
    lines.append(f"```sh\n{operation['x-curl']}\n```\n")
    for status, answer in operation["responses"].items():
        lines += _answer(status, answer)
    errors = [
        f"[`{code}`](errors.md#{code}) ({status})"
        for status, answer in operation["responses"].items()
        for code in answer.get("x-codes", ())
    ]
    return "\n".join([*lines, f"Errors: {', '.join(errors)}.\n"])


def _parameters(operation: Document, schemas: Document) -> list[str]:
    rows = parameters(operation, schemas)
    if not rows:
        return []
    table = ["| Name | Where | Bounds | Meaning |", "|---|---|---|---|"]
    table += [f"| `{name}` | {where} | {bounds} | {about} |" for name, where, bounds, about in rows]
    return [*table, ""]


def parameters(operation: Document, schemas: Document) -> list[tuple[str, str, str, str]]:
    """What an operation takes: name, where it stands, bounds and meaning; of the path, the query and the body."""
    rows = [
        (item["name"], item["in"], _bounds(item["schema"]), item["description"])
        for item in operation.get("parameters", ())
    ]
    content = operation.get("requestBody", {}).get("content", {})
    body = content.get("application/json", {}).get("schema", {})
    return [*rows, *_fields(body, schemas, "")]


def _fields(schema: Document, schemas: Document, head: str) -> Iterator[tuple[str, str, str, str]]:
    """The fields of an object in a body, and those of the objects in its lists."""
    body = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
    for name, field in body.get("properties", {}).items():
        where = "body, required" if name in body.get("required", ()) else "body"
        yield head + name, where, _bounds(field), _about(field)
        yield from _fields(field.get("items", {}), schemas, f"{head}{name}[].")
        for inner in (field, *field.get("allOf", ()), *field.get("anyOf", ())):
            yield from _fields(inner, schemas, f"{head}{name}.")


def _about(schema: Document) -> str:
    options = [schema, *schema.get("anyOf", ())]
    return next((option["description"] for option in options if "description" in option), "")


def _bounds(schema: Document) -> str:
    options = [schema, *schema.get("anyOf", ())]
    found = []
    for option in options:
        if "minimum" in option:
            found.append(f"{option['minimum']:,} to {option['maximum']:,}")
        if "maxLength" in option:
            found.append(f"at most {option['maxLength']:,} characters")
        if "maxItems" in option:
            found.append(f"at most {option['maxItems']:,} items")
        if "enum" in option:
            found.append(", ".join(f"`{value}`" for value in option["enum"]))
    default = schema.get("default")
    if not isinstance(default, list | dict) and default not in {None, ""}:
        found.append(f"default {default}")
    return "; ".join(found)


def _answer(status: str, answer: Document) -> list[str]:
    content = answer["content"]
    if "application/problem+json" in content:
        return []
    lines = [f"**{status}** {answer['description']}\n"]
    example = next(iter(content.values())).get("example")
    if isinstance(example, str):
        lines.append(f"```text\n{example}```\n")
    elif example is not None:
        shown = msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
        lines.append(f"```json\n{shown}\n```\n")
    return lines
