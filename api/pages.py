"""The pages beside the operations: the OpenAPI document, and the same for people.

The page is made once, from the document, without scripts and without anything from elsewhere: it works offline, and
its policy forbids the browser everything but its one style sheet, which is named by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from typing import Any

import msgspec

from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.requests import NoBody, NoQuery

Document = dict[str, Any]


def operations(document: Document) -> tuple[Operation, ...]:
    """`GET /openapi.json` and `GET /docs`."""
    text = msgspec.json.encode(document)
    html, style = page(document)
    policy = (
        f"default-src 'none'; style-src 'sha256-{_sha256(style)}'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'none'"
    )

    async def openapi(_call: Call[NoQuery, NoBody]) -> Answer:
        return Answer(value=text)

    async def docs(_call: Call[NoQuery, NoBody]) -> Answer:
        return Answer(
            value=html.encode(),
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
            about="OpenAPI 3.1.",
            perform=openapi,
            answers={200: Shown(meaning="The document.")},
        ),
        Operation(
            method="GET",
            path="/docs",
            name="docs",
            group="documentation",
            summary="This interface as a page",
            about="For people.",
            perform=docs,
            answers={200: Shown(meaning="The page.", content_type="text/html")},
        ),
    )


def page(document: Document) -> tuple[str, str]:
    """The page, and the style sheet inside it."""
    folder = files("api")
    style = (folder / "docs.css").read_text(encoding="utf-8")
    template = (folder / "docs.html").read_text(encoding="utf-8")
    entries = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    groups = [tag["name"] for tag in document["tags"]]
    parts = {
        "STYLE": style,
        "VERSION": escape(document["info"]["version"]),
        "ABOUT": escape(document["info"]["description"]),
        "CONTENTS": "".join(_contents(group, entries) for group in groups),
        "OPERATIONS": "".join(_group(group, entries) for group in groups),
    }
    for name, text in parts.items():
        template = template.replace(f"<!--{name}-->", text)
    return template, style


Entry = tuple[str, str, Document]


def _contents(group: str, entries: list[Entry]) -> str:
    links = "".join(
        f'<li><a href="#{escape(operation["operationId"])}">{escape(operation["summary"])}</a></li>'
        for _, _, operation in entries
        if group in operation["tags"]
    )
    return f"<h2>{escape(group)}</h2><ul>{links}</ul>"


def _group(group: str, entries: list[Entry]) -> str:
    sections = "".join(_section(*entry) for entry in entries if group in entry[2]["tags"])
    return f"<h2>{escape(group)}</h2>{sections}"


def _section(path: str, method: str, operation: Document) -> str:
    answers = "".join(_answer(status, answer) for status, answer in operation["responses"].items())
    return (
        f'<section id="{escape(operation["operationId"])}"><h3>{escape(operation["summary"])}</h3>'
        f"<p><code><b>{method.upper()}</b> {escape(path)}</code></p>"
        f"<p>{escape(operation['description'])}</p>{_parameters(operation)}"
        f"<pre>{escape(operation['x-curl'])}</pre><dl>{answers}</dl></section>"
    )


def _parameters(operation: Document) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(item['name'])}</code></td><td>{escape(item['in'])}</td>"
        f"<td>{escape(item.get('description', ''))}</td></tr>"
        for item in operation.get("parameters", ())
    )
    return f"<table>{rows}</table>" if rows else ""


def _answer(status: str, answer: Document) -> str:
    examples = [
        content["example"] for content in answer.get("content", {}).values() if "example" in content
    ]
    shown = "".join(
        f"<pre>{escape(msgspec.json.format(msgspec.json.encode(example), indent=2).decode())}</pre>"
        for example in examples
        if int(status) < 400
    )
    return f"<dt><code>{status}</code></dt><dd>{escape(answer['description'])}{shown}</dd>"


def _sha256(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
