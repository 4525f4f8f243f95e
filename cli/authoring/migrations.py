"""`migrate` and `operations`: moving running executions to a version, and what goes on on many executions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cli.http import Server, path
from cli.options import on_server
from cli.output import emit_json, moment, pairs, table, wants_json

EXIT_STRANDED = 3
LOOK_SECONDS = 0.3
_OUTCOMES = {"moves": "moves", "moves_by_mapping": "moves by the mapping", "blocked": "blocked"}


class Stranded(click.exceptions.Exit):
    """Executions could not be moved, or would not be."""

    def __init__(self) -> None:
        super().__init__(EXIT_STRANDED)


def _mapping(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in given:
        old, equals, new = text.partition("=")
        if not equals or not old or not new:
            raise click.BadParameter(f"{text!r} is not of the form OLD=NEW")
        found[old] = new
    return found


def _expression(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    if given is None or not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{given}: {error.strerror}") from None


map_option = click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="OLD=NEW",
    callback=_mapping,
    help="Executions in OLD go on in NEW; what they hold and NEW cannot take over is given up.",
)


@click.command()
@click.argument("definition")
@click.option(
    "--to", type=click.IntRange(min=1), help="The version; the newest where none is given."
)
@map_option
@click.option(
    "--data",
    metavar="JSONATA|@FILE",
    callback=_expression,
    help="An expression that makes the executions' data from $states.input.",
)
@click.option("--version", type=click.IntRange(min=1), help="Only executions of this version.")
@click.option("--state", help="Only executions that rest in this state.")
@click.option("--started-before", metavar="TIME", help="Only executions started before this time.")
@click.option(
    "--started-after", metavar="TIME", help="Only executions started at or after this time."
)
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_mapping,
    help="Only executions with this search attribute.",
)
@click.option("--id", "ids", multiple=True, help="Only this execution; may be repeated.")
@click.option("--apply", is_flag=True, help="Do it; without, only what would happen is shown.")
@click.option("--percent", type=click.FloatRange(0, 100, min_open=True), help="Only this share.")
@click.option("--count", type=click.IntRange(min=1), help="Only so many.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="At most so many a second.")
@click.option("--reason", help="Why; kept in the history of each execution.")
@click.option("--no-wait", is_flag=True, help="With --apply: do not wait until it is done.")
@on_server
def migrate(
    server: Server, /, definition: str, *, apply: bool, no_wait: bool, **given: Any
) -> None:
    """Move running executions of DEFINITION to another version.

    Shows what would become of every one of them, counted by the state they are in; with --apply it is done. Exits 3
    where some would be, or were, left behind. Ctrl-C ends the waiting only.
    """
    body = _body(given)
    if not apply:
        plan = server.call(
            "POST", path("definitions", definition, "migrations"), body=encoded(body)
        )
        show_plan(plan)
        return
    paced = {name: given[name] for name in ("percent", "count", "rate", "reason")}
    body |= {"mode": "apply", **{name: value for name, value in paced.items() if value is not None}}
    begun = server.call("POST", path("definitions", definition, "migrations"), body=encoded(body))
    _wait(server, begun, wait=not no_wait)


def _body(given: dict[str, Any]) -> dict[str, Any]:
    chosen = {
        "version": given["version"],
        "state": given["state"],
        "started_before": given["started_before"],
        "started_after": given["started_after"],
        "attributes": given["attributes"],
        "ids": list(given["ids"]),
    }
    body = {
        "version": given["to"],
        "mapping": given["mapping"],
        "data": given["data"],
        "filter": {name: value for name, value in chosen.items() if value},
    }
    return {name: value for name, value in body.items() if value}


def encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def show_plan(plan: dict[str, Any], *, strict: bool = True) -> None:
    """Print a plan. Raises Stranded where it leaves executions behind, unless not `strict`."""
    if wants_json():
        emit_json(plan)
    else:
        click.echo(plan_text(plan))
    if plan["blocked"] and strict:
        raise Stranded


def plan_text(plan: dict[str, Any]) -> str:
    """A plan for people: a line a position, then what blocks and what may go wrong."""
    number = plan["examined"]
    run = "execution runs" if number == 1 else "executions run"
    head = f"{plan['definition']} to version {plan['version']}: {number:,} {run}"
    head += "" if plan["complete"] else ", only the first of which were looked at"
    if not plan["positions"]:
        return f"{head} on other versions."
    rows = [
        (
            str(each["version"]),
            each["state"],
            f"{each['count']:,}",
            _verdict(each),
            each["example"],
        )
        for each in plan["positions"]
    ]
    lines = [head, table(("VERSION", "STATE", "EXECUTIONS", "", "EXAMPLE"), rows)]
    for each in plan["positions"]:
        if each["detail"]:
            lines.append(f"{each['state']}: {each['detail']}")
        lines += [
            f"warning: {each['warned']:,} in {each['state']}: {warning}"
            for warning in each["warnings"]
        ]
    return "\n".join(lines)


def _verdict(position: dict[str, Any]) -> str:
    if position["outcome"] == "blocked":
        return click.style(f"blocked: {position['reason']}", fg="red")
    if position["to"] not in {"", position["state"]}:
        return f"moves to {position['to']}"
    return _OUTCOMES[position["outcome"]]


@click.command()
@click.argument("operation", metavar="[ID]", required=False)
@click.option("--pause", "verb", flag_value="pause", help="It stops after the page at hand.")
@click.option("--resume", "verb", flag_value="resume", help="It goes on where it stopped.")
@click.option("--cancel", "verb", flag_value="cancel", help="No more executions are asked.")
@click.option(
    "--rollback",
    "verb",
    flag_value="rollback",
    help="Take a migration back: shows what would happen, and does it with --apply.",
)
@click.option("--apply", is_flag=True, help="With --rollback: do it.")
@click.option("--refused", is_flag=True, help="List the executions that have not done it, and why.")
@click.option("--wait", is_flag=True, help="Wait until it is done.")
@on_server
def operations(
    server: Server,
    operation: str | None,
    *,
    verb: str | None,
    apply: bool,
    refused: bool,
    wait: bool,
) -> None:
    """List operations on many executions, show the one of this ID, or steer it.

    With --wait and with --rollback it exits 3 where executions were, or would be, left behind.
    """
    if operation is None:
        if verb or refused or wait:
            raise click.UsageError("name the operation")
        _list(server)
    elif verb == "rollback":
        _roll_back(server, operation, apply=apply)
    elif refused:
        _list_refused(server, operation)
    elif verb:
        _show(server.call("POST", path("operations", operation, verb)))
    else:
        _wait(server, server.get(path("operations", operation)), wait=wait)


def _roll_back(server: Server, operation: str, *, apply: bool) -> None:
    body = encoded({"mode": "apply" if apply else "plan"})
    answer = server.call("POST", path("operations", operation, "rollback"), body=body)
    if apply:
        _wait(server, answer, wait=True)
    else:
        show_plan(answer)


def _wait(server: Server, shown: dict[str, Any], *, wait: bool) -> None:
    """Show how far an operation has come, or wait for its end and show that."""
    told = ""
    try:
        while wait and shown["status"] == "RUNNING":
            now = _progress(shown)
            if now != told and not wants_json():
                told = now
                click.echo(now, err=True)
            time.sleep(LOOK_SECONDS)
            shown = server.get(path("operations", shown["id"]))
    except KeyboardInterrupt:
        click.echo(f"\nit goes on; `detent operations {shown['id']}` shows it again", err=True)
        raise SystemExit(130) from None
    _show(shown)
    if wait and any(shown["answers"].get(each) for each in ("blocked", "refused")):
        raise Stranded


def _progress(shown: dict[str, Any]) -> str:
    counts = ", ".join(
        f"{count:,} {outcome}" for outcome, count in sorted(shown["answers"].items())
    )
    return f"{shown['told']:,} asked, {shown['waiting']:,} have not answered" + (
        f"; {counts}" if counts else ""
    )


def _show(shown: dict[str, Any]) -> None:
    if wants_json():
        emit_json(shown)
        return
    rows = [
        ("operation", shown["id"]),
        ("kind", shown["kind"]),
        ("definition", shown["definition"]),
        *([("version", str(shown["version"]))] if "version" in shown else []),
        ("status", shown["status"]),
        ("created", moment(shown["created"])),
        ("by", shown["by"]),
        ("executions", _progress(shown)),
    ]
    click.echo(pairs(rows))


def _list(server: Server) -> None:
    found = _all(lambda cursor: server.get(path("operations"), cursor=cursor), "operations")
    if wants_json():
        emit_json({"operations": found, "next": None})
        return
    rows = (
        (each["id"], each["kind"], each["definition"], each["status"], moment(each["created"]))
        for each in found
    )
    click.echo(
        table(("OPERATION", "KIND", "DEFINITION", "STATUS", "CREATED"), rows)
        if found
        else "No operations."
    )


def _list_refused(server: Server, operation: str) -> None:
    place = path("operations", operation, "executions")
    found = _all(lambda cursor: server.get(place, cursor=cursor), "executions")
    if wants_json():
        emit_json({"executions": found, "next": None})
        return
    rows = ((each["execution"], each["reason"], each["detail"]) for each in found)
    click.echo(table(("EXECUTION", "REASON", ""), rows) if found else "None.")


def _all(page: Callable[[str | None], Any], field: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = page(cursor)
        found += answer[field]
        cursor = answer["next"]
        if cursor is None:
            return found
