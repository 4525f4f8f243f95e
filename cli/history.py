"""`history`, and following an execution's history while it grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from cli.http import Server, path
from cli.options import on_execution_id, on_server
from cli.output import emit_json, indented, one_line, padded, status_text, table_lines, wants_json
from cli.strands import Record, Strands, clock, failure, is_cut, summary, type_text
from cli.waiting import Patient, watching

POLL_SECONDS = 20  # one long poll; the server answers as soon as there is a record
PAGE = 1000  # records asked for at once, the most the server gives
STATE_WIDTH = 20
TYPE_WIDTH = 24  # LambdaFunctionScheduled and its like


@click.command()
@on_execution_id
@click.option("--follow", "-f", is_flag=True, help="Stay until the execution has ended.")
@click.option("--full", is_flag=True, help="Show causes as they are, tracebacks and all.")
@on_server
def history(server: Server, execution: str, follow: bool, full: bool) -> None:
    """Show what has happened to the execution ID (DEFINITION:NAME), oldest first; times are UTC.

    With --follow, records are shown as they come, through restarts of the server of up to a minute; with --json too,
    the document is printed at the end. A long cause is cut to one line unless --full is given. Where the definition
    keeps only the newest records, it says on stderr which are not kept any more.
    """
    if wants_json():
        dropped: dict[str, int] = {}
        records = list(
            follow_records(Patient(server), execution, dropped)
            if follow
            else all_records(server, execution, dropped)
        )
        emit_json({"events": records, "dropped": dropped} if dropped else {"events": records})
    elif follow:
        with watching(execution):
            show_progress(Patient(server), execution, full=full)
    else:
        click.echo(history_table(list(all_records(server, execution)), full=full))


def all_records(
    server: Server, execution: str, dropped: dict[str, int] | None = None
) -> Iterator[Record]:
    """Every record there is now, page by page; what is not kept any more is put into `dropped`."""
    after: int | None = None
    while True:
        page = server.get(path("executions", execution, "history"), after=after, limit=PAGE)
        _note_dropped(page, after, dropped)
        yield from page["events"]
        after = page["next"]
        if after is None:
            return


def follow_records(
    server: Patient, execution: str, dropped: dict[str, int] | None = None
) -> Iterator[Record]:
    """Every record once, in order, waiting for more until the execution has ended; `dropped` as for `all_records`."""
    after: int | None = None
    while True:
        page = server.get(
            path("executions", execution, "history"),
            after=after,
            limit=PAGE,
            wait_seconds=POLL_SECONDS,
        )
        _note_dropped(page, after, dropped)
        yield from page["events"]
        if page["events"]:
            after = page["events"][-1]["id"]
        elif page["status"] != "RUNNING":
            return


def _note_dropped(page: dict[str, Any], after: int | None, dropped: dict[str, int] | None) -> None:
    """Say which records a page passes over because they are not kept any more."""
    found = page.get("dropped")
    if found is None:
        return
    if dropped is not None:
        dropped.update(found)
    first = max(found["first"], (after or 0) + 1)
    if first <= found["last"]:
        click.echo(f"records {first:,} to {found['last']:,} are not kept any more", err=True)


def show_progress(server: Patient, execution: str, *, full: bool = False) -> str:
    """Print each record as it comes, until the execution has ended; return its status.

    A failure that a record only passes on is named without its cause: that stands in the lines above.
    """
    strands = Strands()
    cut = False
    said: tuple[str, str] | None = None
    for record in follow_records(server, execution):
        told = failure(record)
        is_repeated = told is not None and told == said
        words = one_line(told[0]) if told and is_repeated else summary(record)
        columns = (
            clock(record),
            padded(strands.place(record), STATE_WIDTH),
            padded(type_text(record), TYPE_WIDTH),
            words,
        )
        click.echo("  ".join(columns).rstrip())
        if not is_repeated and is_cut(record):
            cut = True
            if full and told is not None:
                click.echo(indented(told[1]))
        said = told or said
    status = str(server.get(path("executions", execution))["status"])
    if cut and not full:
        click.echo(f"`detent history {execution} --full` shows the causes in full")
    click.echo(f"{execution} {status_text(status)}")
    return status


def history_table(records: list[Record], *, full: bool = False) -> str:
    """The records as an aligned table; with `full`, each cause that was cut follows its line, whole, once."""
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
    heading, *lines = table_lines(("ID", "TIME", "STATE", "RECORD", ""), rows)
    shown = [heading]
    said: tuple[str, str] | None = None
    for record, line in zip(records, lines, strict=True):
        shown.append(line)
        told = failure(record)
        if full and told is not None and told != said and is_cut(record):
            shown.append(indented(told[1]))
        said = told or said
    return "\n".join(shown)
