"""`list` and `count`: executions on a running server, by the same filters."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from cli.http import Server, path
from cli.options import on_server
from cli.output import emit_json, moment, one_line, status_text, table, wants_json

PAGE_MAX = 1000  # executions asked for at once, the most the server gives


def pairs_given(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """`name=value` as the server takes it."""
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"{value}: write NAME=VALUE", ctx, param)
    return tuple(value.replace("=", ":", 1) for value in values)


_FILTERS = (
    click.option("--definition", help="Only executions of this definition."),
    click.option(
        "--status",
        type=click.Choice(
            ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"], case_sensitive=False
        ),
        help="Only executions with this status.",
    ),
    click.option("--state", help="Only executions that rest in this state."),
    click.option("--version", type=click.IntRange(min=1), help="Only executions of this version."),
    click.option("--error", help="Only executions that closed with this error."),
    click.option(
        "--quarantined/--not-quarantined",
        default=None,
        callback=lambda _context, _option, asked: None if asked is None else str(asked).lower(),
        help="Only executions that are set aside because they cannot go on, or only others.",
    ),
    click.option(
        "--attribute",
        metavar="NAME=VALUE",
        multiple=True,
        callback=pairs_given,
        help="Only executions with this search attribute; can be given several times, with --definition.",
    ),
    click.option(
        "--started-after",
        metavar="TIME",
        help="Only executions started at this time or later, such as 2026-11-22T10:00:00Z.",
    ),
    click.option(
        "--started-before", metavar="TIME", help="Only executions started before this time."
    ),
)


def filtering(command: Callable[..., None]) -> Callable[..., None]:
    """Add the filters of executions; the command is called with them as `filters`."""

    @functools.wraps(command)
    def call(*args: Any, attribute: tuple[str, ...], **kwargs: Any) -> None:
        command(*args, attribute=list(attribute) or None, **kwargs)

    for option in reversed(_FILTERS):
        call = option(call)
    return call


@click.command("list")
@filtering
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    help="At most so many; 100 where none is given.",
)
@click.option("--cursor", help="Go on where a listing ended, which has said with which cursor.")
@on_server
def list_executions(server: Server, /, *, limit: int, cursor: str | None, **filters: Any) -> None:
    """List executions, newest first; times are UTC. Where not all are shown, it says how to go on."""
    found: list[dict[str, Any]] = []
    while True:
        room = min(limit - len(found), PAGE_MAX)
        page = server.get(path("executions"), **filters, limit=room, cursor=cursor)
        found += page["executions"]
        cursor = page["next"]
        if cursor is None or len(found) >= limit:
            break
    if wants_json():
        emit_json({"executions": found, "next": cursor})
        return
    if found:
        click.echo(_table(found))
    else:
        click.echo("No executions.")
    if cursor is not None:
        click.echo(f"Not all are shown. To go on:\n  {_command_to_go_on(cursor)}", err=True)


@click.command("count")
@filtering
@on_server
def count_executions(server: Server, /, **filters: Any) -> None:
    """Count executions. Where too many would have to be looked at, it says that there are at least so many."""
    found = server.get("/v1/executions:count", **filters)
    if wants_json():
        emit_json(found)
    else:
        click.echo(found["count"] if found["exact"] else f"at least {found['count']}")


def _command_to_go_on(cursor: str) -> str:
    """This very command with the cursor; without the token, which belongs on no screen."""
    context = click.get_current_context()
    words = ["detent", "list"]
    for parameter in context.command.params:
        name = parameter.name or ""
        is_given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if name not in context.params or name in {"cursor", "token"} or not is_given:
            continue
        value = context.params[name]
        for one in value if isinstance(value, tuple) else (value,):
            shown = one.replace(":", "=", 1) if name == "attribute" else str(one)
            words += [parameter.opts[0], shown]
    return shlex.join([*words, "--cursor", cursor])


def _table(found: list[dict[str, Any]]) -> str:
    """The rows; a column of errors and one of search attributes where there are any."""
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "EXECUTION": lambda each: each["id"],
        "STATUS": lambda each: status_text(each["status"]),
        "STATE": lambda each: each.get("state", "-"),
        "VERSION": lambda each: str(each["version"]),
        "STARTED": lambda each: moment(each["started"]),
        "STOPPED": lambda each: moment(each.get("stopped")),
    }
    if any("error" in each for each in found):
        columns["ERROR"] = lambda each: one_line(each.get("error", "-"), 40)
    if any("attributes" in each for each in found):
        columns["ATTRIBUTES"] = lambda each: attributes_text(each.get("attributes", {}))
    rows = (tuple(cell(each) for cell in columns.values()) for each in found)
    return table(tuple(columns), rows)


def attributes_text(attributes: dict[str, Any]) -> str:
    """`name=value` of each; a dash for none."""
    return " ".join(f"{name}={one_line(value, 40)}" for name, value in attributes.items()) or "-"
