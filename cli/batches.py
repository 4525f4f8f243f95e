"""`start --batch`: a file of starts, one JSON object a line, sent a thousand at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import click

from cli.failures import Failed
from cli.http import Server, path
from cli.output import emit_json, visible, wants_json

STARTS_MAX = 1_000  # of one request; the server's limit
BYTES_MAX = 1024 * 1024  # of one request; half of what a server takes where nobody says otherwise


def start_batch(server: Server, definition: str, file: TextIO) -> None:
    """Start what the file's lines name, and tell of each that was refused. Raises Failed where any was.

    A line with a name may be sent again; one without starts another execution each time.
    """
    counts = {"started": 0, "existed": 0}
    refused: list[dict[str, Any]] = []
    target = path("definitions", definition, "executions") + ":batch"
    for page in _pages(_lines(file)):
        body = b'{"starts":[' + b",".join(text for _, text in page) + b"]}"
        _, answer = server.ask("POST", target, body=body)
        for (number, _), result in zip(page, answer["results"], strict=True):
            if result["result"] == "refused":
                refused.append({"line": number, **result["problem"]})
            else:
                counts[result["result"]] += 1
    if wants_json():
        emit_json({**counts, "refused": refused})
    else:
        for problem in refused:
            said = problem.get("detail") or problem["title"]
            click.echo(f"line {problem['line']}: {problem['code']}: {visible(said)}", err=True)
        click.echo(
            f"{counts['started']} started, {counts['existed']} existed, {len(refused)} refused"
        )
    if refused:
        raise Failed


def _lines(file: TextIO) -> Iterator[tuple[int, bytes]]:
    """Each line that is not blank, with its number. Wrong usage at the first that is no JSON object."""
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise click.UsageError(f"line {number} is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise click.UsageError(
                f'line {number} is not an object such as {{"name": "42", "input": {{}}}}'
            )
        yield number, line.strip().encode()


def _pages(lines: Iterable[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    page: list[tuple[int, bytes]] = []
    room = BYTES_MAX
    for number, text in lines:
        if page and (len(page) == STARTS_MAX or len(text) > room):
            yield page
            page, room = [], BYTES_MAX
        page.append((number, text))
        room -= len(text) + 1
    if page:
        yield page
