"""`start`, `describe`, `list`, `signal` and `stop`: executions on a running server."""

from __future__ import annotations

from typing import Any

import click

from cli.description import describe_text
from cli.failures import Failed
from cli.history import POLL_SECONDS, show_progress
from cli.http import Server, path
from cli.options import json_text, members, on_server, quoted
from cli.output import block, emit_json, moment, status_text, table, wants_json

PAGE_MAX = 1000  # executions asked for at once, the most the server gives


@click.command()
@click.argument("definition")
@click.option(
    "--name", help="The execution's name: your own key for it; the same name starts only once."
)
@click.option(
    "--input",
    "input_",
    metavar="JSON|@FILE|-",
    callback=json_text,
    help="The input; {} where none is given.",
)
@click.option(
    "--version", type=click.IntRange(min=1), help="Start this version instead of the newest."
)
@click.option(
    "--wait", is_flag=True, help="Show its history as it happens; exit 1 unless it succeeds."
)
@on_server
def start(
    server: Server,
    definition: str,
    *,
    name: str | None,
    input_: str | None,
    version: int | None,
    wait: bool,
) -> None:
    """Start an execution of DEFINITION."""
    number = None if version is None else str(version)
    body = members(name=quoted(name), input=input_, version=number)
    started = server.call("POST", path("definitions", definition, "executions"), body=body)
    if not wait:
        if wants_json():
            emit_json(started)
        else:
            click.echo(
                f"{started['id']}  version {started['version']}  {status_text(started['status'])}"
            )
        return
    _finish(_wait_for(server, started["id"]))


@click.command()
@click.argument("execution", metavar="ID")
@on_server
def describe(server: Server, execution: str) -> None:
    """Show where the execution ID rests, what it waits for and what it holds."""
    view = server.get(path("executions", execution))
    if wants_json():
        emit_json(view)
    else:
        click.echo(describe_text(view))


@click.command("list")
@click.option("--definition", help="Only executions of this definition.")
@click.option(
    "--status",
    type=click.Choice(
        ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"], case_sensitive=False
    ),
    help="Only executions with this status.",
)
@click.option("--state", help="Only executions that rest in this state.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many."
)
@on_server
def list_executions(
    server: Server, definition: str | None, status: str | None, state: str | None, limit: int
) -> None:
    """List executions, newest first; times are UTC."""
    filters: dict[str, Any] = {
        "definition": definition,
        "status": status.upper() if status else None,
        "state": state,
    }
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(found) < limit:
        page = server.get(
            path("executions"), **filters, limit=min(limit - len(found), PAGE_MAX), cursor=cursor
        )
        found += page["executions"]
        cursor = page["next"]
        if cursor is None:
            break
    if wants_json():
        emit_json({"executions": found, "next": cursor})
    elif found:
        click.echo(
            table(
                ("EXECUTION", "STATUS", "STATE", "VERSION", "STARTED", "STOPPED"), map(_row, found)
            )
        )
    else:
        click.echo("No executions.")


@click.command()
@click.argument("execution", metavar="ID")
@click.argument("name", metavar="NAME")
@click.option(
    "--payload",
    metavar="JSON|@FILE|-",
    callback=json_text,
    help="What the waiting state receives; null where none is given.",
)
@click.option("--id", "signal_id", help="Your own id for the signal: the same id is taken once.")
@on_server
def signal(
    server: Server, execution: str, name: str, payload: str | None, signal_id: str | None
) -> None:
    """Send the signal NAME to the execution ID; it is kept if no state waits for it yet."""
    body = members(payload=payload, id=quoted(signal_id))
    sent = server.call("POST", path("executions", execution, "signals", name), body=body)
    if wants_json():
        emit_json(sent)
    else:
        again = " (sent before; nothing changed)" if sent["duplicate"] else ""
        click.echo(f"{sent['signal']} sent to {sent['execution']}, id {sent['id']}{again}")


@click.command()
@click.argument("execution", metavar="ID")
@click.option("--error", help="The error it ends with.")
@click.option("--cause", help="The cause it ends with.")
@on_server
def stop(server: Server, execution: str, error: str | None, cause: str | None) -> None:
    """End the execution ID as ABORTED. Nothing is undone: its tasks and timers are dropped."""
    body = members(error=quoted(error), cause=quoted(cause))
    stopped = server.call("POST", path("executions", execution, "stop"), body=body)
    if wants_json():
        emit_json(stopped)
    else:
        click.echo(f"{stopped['id']} {status_text(stopped['status'])}")


def _wait_for(server: Server, execution: str) -> dict[str, Any]:
    """The closed execution; its history is shown meanwhile, unless JSON is wanted."""
    if not wants_json():
        show_progress(server, execution)
    while True:
        view: dict[str, Any] = server.get(path("executions", execution), wait_seconds=POLL_SECONDS)
        if view["status"] != "RUNNING":
            return view


def _finish(view: dict[str, Any]) -> None:
    if wants_json():
        emit_json(view)
    elif "output" in view:
        click.echo(block(view["output"]))
    elif view.get("error") or view.get("cause"):
        click.echo(
            f"  {view.get('error') or 'no error name'}: {view.get('cause') or 'no cause given'}"
        )
    if view["status"] != "SUCCEEDED":
        raise Failed


def _row(execution: dict[str, Any]) -> tuple[str, ...]:
    return (
        execution["id"],
        status_text(execution["status"]),
        execution.get("state", "-"),
        str(execution["version"]),
        moment(execution["started"]),
        moment(execution.get("stopped")),
    )
