"""`history`, and following an execution's history while it grows."""

from __future__ import annotations

from collections.abc import Iterator

import click

from cli.http import Server, path
from cli.options import on_server
from cli.output import emit_json, status_text, table, wants_json
from cli.strands import Record, Strands, clock, summary, type_text

POLL_SECONDS = 20  # one long poll; the server answers as soon as there is a record
PAGE = 1000  # records asked for at once, the most the server gives


@click.command()
@click.argument("execution", metavar="ID")
@click.option("--follow", "-f", is_flag=True, help="Stay until the execution has ended.")
@on_server
def history(server: Server, execution: str, follow: bool) -> None:
    """Show what has happened to the execution ID, oldest first; times are UTC.

    With --follow, records are shown as they come; with --json too, the document is printed at the end.
    """
    if wants_json():
        records = list(
            follow_records(server, execution) if follow else all_records(server, execution)
        )
        emit_json({"events": records})
    elif follow:
        show_progress(server, execution)
    else:
        click.echo(history_table(list(all_records(server, execution))))


def all_records(server: Server, execution: str) -> Iterator[Record]:
    """Every record there is now, page by page."""
    after: int | None = None
    while True:
        page = server.get(path("executions", execution, "history"), after=after, limit=PAGE)
        yield from page["events"]
        after = page["next"]
        if after is None:
            return


def follow_records(server: Server, execution: str) -> Iterator[Record]:
    """Every record, waiting for more until the execution has ended."""
    after: int | None = None
    while True:
        page = server.get(
            path("executions", execution, "history"),
            after=after,
            limit=PAGE,
            wait_seconds=POLL_SECONDS,
        )
        yield from page["events"]
        if page["events"]:
            after = page["events"][-1]["id"]
        elif page["status"] != "RUNNING":
            return


def show_progress(server: Server, execution: str) -> str:
    """Print each record as it comes, until the execution has ended; return its status."""
    strands = Strands()
    for record in follow_records(server, execution):
        state = strands.place(record)
        click.echo(f"{clock(record)}  {state:<20}  {type_text(record)}  {summary(record)}".rstrip())
    status = str(server.get(path("executions", execution))["status"])
    click.echo(f"{execution} {status_text(status)}")
    return status


def history_table(records: list[Record]) -> str:
    """The records as an aligned table."""
    strands = Strands()
    rows = [
        (
            str(record["id"]),
            clock(record),
            strands.place(record),
            type_text(record),
            summary(record),
        )
        for record in records
    ]
    return table(("ID", "TIME", "STATE", "RECORD", ""), rows)
