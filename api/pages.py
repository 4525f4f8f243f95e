"""The pages beside the operations: the OpenAPI document, and the same for people.

The page is made once, from the document, without scripts and without anything from elsewhere: it works offline, and
its policy forbids the browser everything but its one style sheet, which is named by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

from api import reference
from api.rest.descriptions import BASE
from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.receive import Headers
from api.rest.requests import NoBody, NoQuery

Document = dict[str, Any]


def operations(document: Document) -> tuple[Operation, ...]:
    """`GET /openapi.json` and `GET /docs`. Both are open to everyone: they hold nothing but this interface."""
    text = msgspec.json.encode(document)
    html, style = page(document)
    policy = (
        f"default-src 'none'; style-src 'sha256-{_sha256(style)}'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'none'"
    )

    async def openapi(call: Call[NoQuery, NoBody]) -> Answer:
        return Answer(value=text.replace(BASE.encode(), base_of(call.headers).encode()))

    async def docs(call: Call[NoQuery, NoBody]) -> Answer:
        return Answer(
            value=html.replace(BASE, base_of(call.headers)).encode(),
            content_type=b"text/html; charset=utf-8",
            headers=((b"content-security-policy", policy.encode()),),
        )

    return (
        Operation(
            method="GET",
            path="/openapi.json",
            name="openapi",
            group="documentation",
            summary="This interface as an OpenAPI document",
            about="OpenAPI 3.1, with the address that the request was sent to. No token is needed.",
            perform=openapi,
            answers={200: Shown(meaning="The document.")},
            guarded=False,
        ),
        Operation(
            method="GET",
            path="/docs",
            name="docs",
            group="documentation",
            summary="This interface as a page",
            about="For people, with the address that the request was sent to. No token is needed.",
            perform=docs,
            answers={200: Shown(meaning="The page.", content_type="text/html")},
            guarded=False,
        ),
    )


def base_of(headers: Headers) -> str:
    """Where the sender of a request found the server, for examples to paste; BASE where it does not say plainly.

    A host is whatever a client claims, so only characters of names, addresses and ports pass. A proxy that speaks TLS
    tells so in X-Forwarded-Proto.
    """
    given = dict(headers)
    host = given.get(b"host", b"")
    if _HOST.fullmatch(host) is None:
        return BASE
    scheme = "https" if given.get(b"x-forwarded-proto") == b"https" else "http"
    return f"{scheme}://{host.decode()}"


_HOST = re.compile(rb"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


def page(document: Document) -> tuple[str, str]:
    """The page, and the style sheet inside it."""
    folder = files("api")
    style = (folder / "docs.css").read_text(encoding="utf-8")
    template = (folder / "docs.html").read_text(encoding="utf-8")
    schemas = document.get("components", {}).get("schemas", {})
    entries = [
        Entry(path, method, operation, schemas)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    groups = [tag["name"] for tag in document["tags"]]
    parts = {
        "STYLE": style,
        "VERSION": escape(document["info"]["version"]),
        "BASE": escape(BASE),
        "ABOUT": _prose(document["info"]["description"]),
        "CONTENTS": "".join(_contents(group, entries) for group in groups),
        "OPERATIONS": "".join(_group(group, entries) for group in groups),
    }
    for name, text in parts.items():
        template = template.replace(f"<!--{name}-->", text)
    return template, style


class Entry(NamedTuple):
    """One operation of the document, and the schemas it refers to."""

    path: str
    method: str
    operation: Document
    schemas: Document


def _contents(group: str, entries: list[Entry]) -> str:
    links = "".join(
        f'<li><a href="#{escape(entry.operation["operationId"])}">{escape(entry.operation["summary"])}</a></li>'
        for entry in entries
        if group in entry.operation["tags"]
    )
    return f"<h2>{escape(group)}</h2><ul>{links}</ul>"


def _group(group: str, entries: list[Entry]) -> str:
    sections = "".join(_section(entry) for entry in entries if group in entry.operation["tags"])
    return f"<h2>{escape(group)}</h2>{sections}"


def _section(entry: Entry) -> str:
    operation = entry.operation
    name = escape(operation["operationId"])
    answers = operation["responses"].items()
    good = "".join(_answer(status, answer) for status, answer in answers if int(status) < 400)
    bad = "".join(_error(status, answer) for status, answer in answers if int(status) >= 400)
    return (
        f'<section id="{name}"><h3><a href="#{name}">{escape(operation["summary"])}</a></h3>'
        f'<p class="path"><b class="{entry.method}">{entry.method.upper()}</b> <code>{escape(entry.path)}</code></p>'
        f"<p>{_prose(operation['description'])}</p>{_parameters(entry)}"
        f"<h4>Request</h4><pre>{escape(operation['x-curl'])}</pre>"
        f"<h4>Answers</h4>{good}"
        f"<details><summary>Errors</summary><dl>{bad}</dl></details></section>"
    )


def _parameters(entry: Entry) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(where)}</td>"
        f"<td>{_prose(about)}{_bounds(bounds)}</td></tr>"
        for name, where, bounds, about in reference.parameters(entry.operation, entry.schemas)
    )
    if not rows:
        return ""
    head = "<tr><th>Name</th><th>Where</th><th>Meaning</th></tr>"
    return f"<h4>Parameters</h4><table>{head}{rows}</table>"


def _bounds(bounds: str) -> str:
    return f" <small>{_prose(bounds)}</small>" if bounds else ""


def _answer(status: str, answer: Document) -> str:
    examples = [
        content["example"] for content in answer.get("content", {}).values() if "example" in content
    ]
    shown = "".join(
        f"<pre>{escape(example if isinstance(example, str) else _indented(example))}</pre>"
        for example in examples
    )
    return f'<p><b class="status">{status}</b> {_prose(answer["description"])}</p>{shown}'


def _indented(example: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(example), indent=2).decode()


def _error(status: str, answer: Document) -> str:
    return f"<dt>{status}</dt><dd>{_prose(answer['description'])}</dd>"


def _prose(text: str) -> str:
    """Text in which code stands between backticks."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


# One sentence has a backtick as such, in the middle of a word.
_CODE = re.compile(r"(?<![^\s(])`([^`]+)`")


def _sha256(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
