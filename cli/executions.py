"""`start`, `describe`, `signal`, `signals` and `stop`: executions on a running server."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, TextIO

import click

from cli.batches import start_batch
from cli.description import describe_text
from cli.failures import Failed
from cli.finding import pairs_given
from cli.history import POLL_SECONDS, show_progress
from cli.http import Server, path
from cli.options import execution_id, json_text, members, on_execution_id, on_server, quoted
from cli.output import block, emit_json, moment, status_text, table, wants_json
from cli.waiting import Patient, watching

_SECONDS = click.FloatRange(0, 99_999_999, min_open=True)  # a signal's time


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
    "--alias",
    help="Start the version that this alias of the definition leads to; not with --version.",
)
@click.option(
    "--signal",
    "signal_name",
    help="Start it with this signal; where one of the name runs already, only send that the signal.",
)
@click.option(
    "--signal-payload",
    metavar="JSON|@FILE|-",
    callback=json_text,
    help="The signal's payload; null where none is given.",
)
@click.option("--signal-id", help="Your own id for the signal: the same id is taken once.")
@click.option(
    "--signal-ttl",
    type=_SECONDS,
    help="No state takes the signal once so many seconds have passed.",
)
@click.option(
    "--wait", is_flag=True, help="Show its history as it happens; exit 1 unless it succeeds."
)
@click.option(
    "--batch",
    type=click.File(encoding="utf-8"),
    metavar="FILE|-",
    help='Start many: a JSON object a line, such as {"name": "42", "input": {}}, with a version or alias if wanted.',
)
@on_server
def start(
    server: Server,
    /,
    definition: str,
    *,
    batch: TextIO | None,
    name: str | None,
    input_: str | None,
    version: int | None,
    alias: str | None,
    wait: bool,
    **signal_given: Any,
) -> None:
    """Start an execution of DEFINITION.

    The same name and input again is answered with the execution that runs already. Ctrl-C while waiting ends the
    waiting only.
    """
    if batch is not None:
        if wait or any((name, input_, version, alias, *signal_given.values())):
            raise click.UsageError("--batch goes with no other option: each line says what it is")
        start_batch(server, definition, batch)
        return
    if version is not None and alias is not None:
        raise click.UsageError("--version and --alias both choose a version: give one")
    number = None if version is None else str(version)
    with_signal = _with_signal(**signal_given)
    body = members(
        name=quoted(name),
        input=input_,
        version=number,
        alias=quoted(alias),
        signal=with_signal,
    )
    status, started = server.ask("POST", path("definitions", definition, "executions"), body=body)
    existed = status == HTTPStatus.OK
    if existed and version not in {None, started["version"]}:
        click.echo(
            f"warning: {started['id']} runs version {started['version']}, not {version}; it keeps "
            "the version it was started with",
            err=True,
        )
    changed = "nothing changed"
    if existed and with_signal is not None and not started["signal"]["duplicate"]:
        changed = "it was sent the signal"
    if existed and (wait or wants_json()):
        click.echo(f"{started['id']} was started before; {changed}", err=True)
    if wait:
        with watching(started["id"]):
            _finish(_wait_for(Patient(server, answered=True), started["id"]))
    elif wants_json():
        emit_json(started)
    else:
        again = f"  (started before; {changed})" if existed else ""
        words = (started["id"], f"version {started['version']}", status_text(started["status"]))
        click.echo("  ".join(words) + again)


@click.command()
@on_execution_id
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
@click.argument("target", metavar="ID", callback=execution_id)
@click.argument("name", metavar="NAME")
@click.option(
    "--payload",
    metavar="JSON|@FILE|-",
    callback=json_text,
    help="What the waiting state receives; null where none is given.",
)
@click.option("--id", "signal_id", help="Your own id for the signal: the same id is taken once.")
@click.option("--ttl", type=_SECONDS, help="No state takes it once so many seconds have passed.")
@click.option(
    "--wait",
    type=click.IntRange(1, 60),
    help="Wait so many seconds for a state to take it; exit 1 unless one does.",
)
@click.option(
    "--attribute",
    metavar="NAME=VALUE",
    multiple=True,
    callback=pairs_given,
    help="ID is a definition: send it to the running executions with this search attribute; can be given several times.",
)
@click.option("--all", "to_all", is_flag=True, help="ID is a definition: send it to all that run.")
@on_server
def signal(
    server: Server,
    target: str,
    name: str,
    *,
    payload: str | None,
    signal_id: str | None,
    ttl: float | None,
    wait: int | None,
    attribute: tuple[str, ...],
    to_all: bool,
) -> None:
    """Send the signal NAME to the execution ID; it is kept if no state waits for it yet.

    With --attribute or --all it goes to many executions of a definition, whose name then is ID.
    """
    body = {"payload": payload, "id": quoted(signal_id), "ttl_seconds": _number(ttl)}
    if attribute or to_all:
        if wait is not None or (attribute and to_all):
            raise click.UsageError("--attribute, --all and --wait exclude one another")
        wanted = dict(each.split(":", 1) for each in attribute)
        body["attribute"] = json.dumps(wanted) if wanted else None
        _show_broadcast(
            server.call("POST", path("definitions", target, "signals", name), body=members(**body))
        )
        return
    query = {"wait": "consumed", "wait_seconds": wait} if wait is not None else None
    sent = server.call(
        "POST",
        path("executions", target, "signals", name),
        query=query,
        body=members(**body),
        wait_seconds=wait or 0,
    )
    if wants_json():
        emit_json(sent)
    else:
        again = " (sent before; nothing changed)" if sent["duplicate"] else ""
        fate = _fate(sent)
        click.echo(f"{sent['signal']} sent to {sent['execution']}, id {sent['id']}{again}{fate}")
    if wait is not None and sent["status"] != "consumed":
        raise Failed


@click.command()
@on_execution_id
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    help="At most so many; 100 where none is given.",
)
@click.option("--cursor", help="Go on where a listing ended, which has said with which cursor.")
@on_server
def signals(server: Server, execution: str, *, limit: int, cursor: str | None) -> None:
    """List the signals that the execution ID was sent, oldest first, and what has become of each."""
    page = server.get(path("executions", execution, "signals"), limit=limit, cursor=cursor)
    if wants_json():
        emit_json(page)
    elif page["signals"]:
        headings = ("SIGNAL", "ID", "RECEIVED", "STATUS", "STATE", "EXPIRES")
        click.echo(table(headings, map(_signal_row, page["signals"])))
    else:
        click.echo("No signals.")
    if page["next"] is not None:
        click.echo(f"Not all are shown. To go on: --cursor {page['next']}", err=True)


@click.command()
@on_execution_id
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


def _with_signal(
    *,
    signal_name: str | None,
    signal_payload: str | None,
    signal_id: str | None,
    signal_ttl: float | None,
) -> str | None:
    """The signal that goes with a start, as JSON text."""
    if signal_name is None:
        if (signal_payload, signal_id, signal_ttl) != (None, None, None):
            raise click.UsageError("--signal names the signal that the other options are about")
        return None
    return members(
        name=quoted(signal_name),
        payload=signal_payload,
        id=quoted(signal_id),
        ttl_seconds=_number(signal_ttl),
    ).decode()


def _number(seconds: float | None) -> str | None:
    return None if seconds is None else json.dumps(seconds)


def _fate(sent: dict[str, Any]) -> str:
    """What has become of a signal, where that is known."""
    if sent.get("status") == "consumed":
        return f": taken by {sent['state']}"
    return {"expired": ": its time was over", "left_over": ": nobody took it"}.get(
        sent.get("status", ""), ""
    )


def _show_broadcast(sent: dict[str, Any]) -> None:
    if wants_json():
        emit_json(sent)
        return
    counts = [f"{sent['delivered']} of {sent['matched']} executions"]
    if sent["duplicates"]:
        counts.append(f"{sent['duplicates']} had it before")
    counts += [f"{count} refused: {code}" for code, count in sorted(sent["refused"].items())]
    click.echo(f"{sent['signal']} sent to {', '.join(counts)}; id {sent['id']}")


def _signal_row(signal: dict[str, Any]) -> tuple[str, ...]:
    return (
        signal["name"],
        signal["id"],
        moment(signal["received"]),
        signal["status"],
        signal.get("state", "-"),
        moment(signal.get("expires")),
    )
