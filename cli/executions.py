"""`start`, `describe`, `signal` and `stop`: executions on a running server."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import click

from cli.description import describe_text
from cli.failures import Failed
from cli.history import POLL_SECONDS, show_progress
from cli.http import Server, path
from cli.options import json_text, members, on_server, quoted
from cli.output import block, emit_json, status_text, wants_json
from cli.waiting import Patient, watching


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
    """Start an execution of DEFINITION.

    The same name and input again is answered with the execution that runs already. Ctrl-C while waiting ends the
    waiting only.
    """
    number = None if version is None else str(version)
    body = members(name=quoted(name), input=input_, version=number)
    status, started = server.ask("POST", path("definitions", definition, "executions"), body=body)
    existed = status == HTTPStatus.OK
    if existed and version not in {None, started["version"]}:
        click.echo(
            f"warning: {started['id']} runs version {started['version']}, not {version}; it keeps "
            "the version it was started with",
            err=True,
        )
    if existed and (wait or wants_json()):
        click.echo(f"{started['id']} was started before; nothing changed", err=True)
    if wait:
        with watching(started["id"]):
            _finish(_wait_for(Patient(server, answered=True), started["id"]))
    elif wants_json():
        emit_json(started)
    else:
        again = "  (started before; nothing changed)" if existed else ""
        words = (started["id"], f"version {started['version']}", status_text(started["status"]))
        click.echo("  ".join(words) + again)


@click.command()
@click.argument("execution", metavar="ID")
@on_server
def describe(server: Server, execution: str) -> None:
    """Show where the execution ID (DEFINITION:NAME) rests and what it waits for.

    With it: its tasks, timers and signals, its input, the data each strand rests with where that is another by now,
    and, once it has ended, its output or error.
    """
    view = server.get(path("executions", execution))
    if wants_json():
        emit_json(view)
    else:
        click.echo(describe_text(view))


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
@click.option(
    "--graceful", is_flag=True, help="Let a Catch of Detent.Cancelled undo what has been done."
)
@click.option("--reason", help="Why; kept in the history of a graceful stop beside who asked.")
@on_server
def stop(
    server: Server,
    execution: str,
    *,
    error: str | None,
    cause: str | None,
    graceful: bool,
    reason: str | None,
) -> None:
    """Stop the execution ID.

    It ends as ABORTED at once, its tasks and timers are dropped, and nothing is undone. With --graceful the state it is
    in fails as Detent.Cancelled instead, and a Catch of that name leads on.
    """
    said = {"graceful": "true", "reason": quoted(reason)} if graceful else {}
    body = members(error=quoted(error), cause=quoted(cause), **said)
    stopped = server.call("POST", path("executions", execution, "stop"), body=body)
    if wants_json():
        emit_json(stopped)
    else:
        click.echo(f"{stopped['id']} {status_text(stopped['status'])}")


def _wait_for(server: Patient, execution: str) -> dict[str, Any]:
    """The closed execution; its history is shown meanwhile, unless JSON is wanted."""
    if not wants_json():
        show_progress(server, execution)
    while True:
        view: dict[str, Any] = server.get(path("executions", execution), wait_seconds=POLL_SECONDS)
        if view["status"] != "RUNNING":
            return view


def _finish(view: dict[str, Any]) -> None:
    """How it ended, as JSON or by exit code; errors and causes are among the records shown."""
    if wants_json():
        emit_json(view)
    elif "output" in view:
        click.echo(block(view["output"]))
    if view["status"] != "SUCCEEDED":
        raise Failed
