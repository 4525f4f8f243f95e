"""`export` and `import`: executions as lines of JSON, out of one server and into another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, BinaryIO

import click

from cli.failures import Failed, Refused
from cli.finding import filtering
from cli.http import Server, path
from cli.options import on_server
from cli.output import emit_json, wants_json

PAGE = 100  # executions asked for at once
BATCH = 100  # and sent at once
BATCH_BYTES = 1024 * 1024  # a request ends with the line that reaches this


@click.command()
@filtering
@on_server
def export(server: Server, /, **filters: Any) -> None:
    """Write executions to stdout, one JSON document a line: `detent export > executions.jsonl`.

    Each line holds all that is shown of an execution, with its history. Those that run are written as they stand.
    Exit 1 if one was too large for a line and left out, which is said on stderr.
    """
    cursor: str | None = None
    written, skipped = 0, 0
    while True:
        *lines, end = server.lines(path("executions:export"), **filters, limit=PAGE, cursor=cursor)
        for line in lines:
            reason = _skipped(line)
            if reason is None:
                click.echo(line)
                written += 1
            else:
                skipped += 1
                click.echo(f"left out: {reason}", err=True)
        cursor = json.loads(end)["next"]
        if cursor is None:
            break
    click.echo(f"{written:,} executions written", err=True)
    if skipped:
        raise Failed


def _skipped(line: bytes) -> str | None:
    """Why a line tells of an execution that it does not hold."""
    if not line.startswith(b'{"id":'):
        return None
    return str(json.loads(line).get("skipped", "")) or None


@click.command("import")
@click.argument("file", type=click.File("rb"))
@on_server
def import_(server: Server, file: BinaryIO) -> None:
    """Take in the executions that an export wrote to FILE, or `-` for stdin; those that have ended.

    An execution that is there already is never changed, so the same file can be given again. Exit 1 if one was
    refused, such as one that was running when it was written.
    """
    counts = {"imported": 0, "exists": 0, "refused": 0}
    refused: list[dict[str, Any]] = []
    for batch in _batches(file):
        for result in _sent(server, batch):
            counts[result["status"]] += 1
            if result["status"] == "refused":
                refused.append(result)
    if wants_json():
        emit_json({**counts, "results": refused})
    else:
        for result in refused:
            name = result["id"] or "a line"
            click.echo(f"refused: {name}: {result['reason']}", err=True)
        click.echo(
            f"{counts['imported']:,} imported, {counts['exists']:,} there already, "
            f"{counts['refused']:,} refused"
        )
    if refused:
        raise Failed


def _sent(server: Server, batch: list[bytes]) -> list[dict[str, Any]]:
    """What became of each of them; one that is too large for a request by itself is refused, and no other with it."""
    body = b'{"executions":[' + b",".join(batch) + b"]}"
    try:
        answer: dict[str, Any] = server.call("POST", path("executions:import"), body=body)
    except Refused as error:
        if error.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise
        if len(batch) > 1:
            return [result for each in batch for result in _sent(server, [each])]
        identifier = json.loads(batch[0]).get("id", "")
        return [{"id": identifier, "status": "refused", "reason": "it is too large"}]
    results: list[dict[str, Any]] = answer["results"]
    return results


def _batches(file: BinaryIO) -> Iterator[list[bytes]]:
    """The file's lines, as many as go into one request."""
    batch: list[bytes] = []
    size = 0
    for number, line in enumerate(file, 1):
        text = line.strip()
        if not text:
            continue
        try:
            json.loads(text)
        except ValueError:
            raise click.UsageError(f"line {number} of the file is not JSON") from None
        if batch and (len(batch) == BATCH or size + len(text) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch
