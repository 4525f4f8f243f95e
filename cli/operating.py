"""`pause`, `resume`, `release`, `terminate`, `retry`, `skip`, `goto`, `set`, `redrive`, `complete` and `fail`: orders to one execution."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import click

from cli.http import Server, path
from cli.options import json_text, members, on_execution_id, on_server, quoted
from cli.output import emit_json, status_text, wants_json


def on_execution(command: Callable[..., None]) -> Callable[..., None]:
    """Add the execution's ID and what every order takes: --reason, --id, and the options of `on_server`."""

    @on_execution_id
    @click.option("--reason", help="Why; kept in the history beside who asked.")
    @click.option(
        "--id", "order_id", help="Your own id for the order: the same id is applied once."
    )
    @on_server
    @functools.wraps(command)
    def call(server: Server, /, **given: Any) -> None:
        command(server, **given)

    return call


def on_strand(command: Callable[..., None]) -> Callable[..., None]:
    """Add --frame, the strand that is meant."""
    return click.option(
        "--frame", default="0", help="The strand; 0, the execution itself, where none is given."
    )(command)


@click.command()
@click.option(
    "--mode",
    type=click.Choice(["hold", "catch_up"]),
    default="hold",
    help="Whether timers stand still meanwhile, or go on and are applied at resume.",
)
@on_execution
def pause(server: Server, *, execution: str, mode: str, **order: Any) -> None:
    """Pause the execution ID: nothing of it is begun until it is resumed.

    What a worker holds goes on, and its outcome is kept. Executions that it has started are not paused.
    """
    _give(server, execution, "pause", "paused", order, mode=quoted(mode))


@click.command()
@on_execution
def resume(server: Server, *, execution: str, **order: Any) -> None:
    """Resume the paused execution ID."""
    _give(server, execution, "resume", "resumed", order)


@click.command()
@on_execution
def release(server: Server, *, execution: str, **order: Any) -> None:
    """Let the execution ID, which is quarantined, go on where it stands."""
    _give(server, execution, "release", "released", order)


@click.command()
@click.option("--error", help="The error it ends with.")
@click.option("--cause", help="The cause it ends with.")
@on_execution
def terminate(
    server: Server, *, execution: str, error: str | None, cause: str | None, **order: Any
) -> None:
    """End the execution ID as ABORTED at once. Nothing is undone: its tasks and timers are dropped."""
    said = {"error": quoted(error), "cause": quoted(cause)}
    _give(server, execution, "terminate", "terminated", order, **said)


@click.command()
@click.option(
    "--frame", help="The strand; all that wait for their next attempt, where none is given."
)
@on_execution
def retry(server: Server, *, execution: str, frame: str | None, **order: Any) -> None:
    """Begin the next attempts of the execution ID now, without waiting any longer."""
    _give(server, execution, "retry", "told to try again", order, frame=quoted(frame))


@click.command()
@click.option(
    "--output",
    metavar="JSON|@FILE|-",
    callback=json_text,
    help="The state's output as it goes to the next one; {} where none is given.",
)
@click.option(
    "--next", "next_state", help="The state to go on to, instead of the state's own Next."
)
@on_strand
@on_execution
def skip(
    server: Server,
    *,
    execution: str,
    output: str | None,
    next_state: str | None,
    frame: str,
    **order: Any,
) -> None:
    """Leave the state that the execution ID rests in, with an output. What the state has out is taken back."""
    said = {"output": output, "next": quoted(next_state), "frame": quoted(frame)}
    _give(server, execution, "skip", "sent on", order, **said)


@click.command()
@click.option(
    "--data",
    metavar="JSON|@FILE|-",
    callback=json_text,
    help="What the state works with; what the strand has, where none is given.",
)
@on_strand
@on_execution
@click.argument("state", metavar="STATE")
def goto(
    server: Server, *, execution: str, state: str, data: str | None, frame: str, **order: Any
) -> None:
    """Send the execution ID to STATE, or with --frame a strand of it to one of its own scope. Variables stay."""
    said = {"state": quoted(state), "data": data, "frame": quoted(frame)}
    _give(server, execution, "goto", f"sent to {state}", order, **said)


@click.command("set")
@click.option(
    "--data",
    metavar="JSON|@FILE|-",
    callback=json_text,
    help="What the strand works with from now on: the raw input of its state.",
)
@click.option(
    "--variable",
    "variables",
    metavar="NAME=JSON",
    multiple=True,
    help="A variable of the strand's own scope; may be given several times.",
)
@on_strand
@on_execution
def set_(
    server: Server,
    *,
    execution: str,
    data: str | None,
    variables: tuple[str, ...],
    frame: str,
    **order: Any,
) -> None:
    """Set the data, or variables, that the execution ID works with."""
    if (data is None) is not bool(variables):
        raise click.UsageError("give either --data or --variable")
    strand = quoted(frame)
    if data is not None:
        _give(server, execution, "data", "changed", order, data=data, frame=strand)
    else:
        named = members(**dict(map(_variable, variables))).decode()
        _give(server, execution, "variables", "changed", order, variables=named, frame=strand)


@click.command()
@click.option("--version", type=click.IntRange(min=1), help="Go on with this version.")
@click.option(
    "--data",
    metavar="JSON|@FILE|-",
    callback=json_text,
    help="What the state that failed works with; what it had, where none is given.",
)
@on_execution
def redrive(
    server: Server, *, execution: str, version: int | None, data: str | None, **order: Any
) -> None:
    """Go on with the execution ID, which FAILED, TIMED_OUT or was ABORTED, from the state it was in."""
    number = None if version is None else str(version)
    _give(server, execution, "redrive", "redriven", order, version=number, data=data)


@click.command()
@click.option(
    "--output",
    metavar="JSON|@FILE|-",
    callback=json_text,
    help="The task's result; null where none is given.",
)
@on_strand
@on_execution
def complete(
    server: Server, *, execution: str, output: str | None, frame: str, **order: Any
) -> None:
    """Complete the task that the execution ID waits for, in its worker's place."""
    said = {"output": output, "frame": quoted(frame)}
    _give(server, execution, "tasks/succeed", "task completed", order, **said)


@click.command()
@click.option("--error", help="The error's name, which Retry and Catch match.")
@click.option("--cause", help="What happened, for people.")
@on_strand
@on_execution
def fail(
    server: Server,
    *,
    execution: str,
    error: str | None,
    cause: str | None,
    frame: str,
    **order: Any,
) -> None:
    """Fail the task that the execution ID waits for, in its worker's place. Retry and Catch decide what follows."""
    said = {"error": quoted(error), "cause": quoted(cause), "frame": quoted(frame)}
    _give(server, execution, "tasks/fail", "task failed", order, **said)


def _give(
    server: Server,
    execution: str,
    verb: str,
    done: str,
    order: dict[str, Any],
    **said: str | None,
) -> None:
    """Send an order and show how the execution stands after it."""
    body = members(**said, reason=quoted(order["reason"]), id=quoted(order["order_id"]))
    place = path("executions", execution, *verb.split("/"))
    status, stands = server.ask("POST", place, body=body)
    if wants_json():
        emit_json(stands)
        return
    told = (
        done if status == HTTPStatus.OK else f"{done} soon: the order is kept, and not applied yet"
    )
    click.echo(f"{stands['id']} {status_text(stands['status'])}  {told}")


def _variable(text: str) -> tuple[str, str]:
    """NAME=JSON taken apart; text that is no JSON is wrong usage."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--variable {text}: write NAME=JSON")
    try:
        json.loads(value)
    except ValueError:
        raise click.UsageError(
            f"--variable {name}: not JSON; a text needs quotes of its own"
        ) from None
    return name, value
