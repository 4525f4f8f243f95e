"""`alias`: names for versions of a definition, which starts can go by."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import click

from cli.http import Server, path
from cli.options import on_server
from cli.output import emit_json, moment, table, wants_json


@click.group()
def alias() -> None:
    """Name versions of a definition, for `detent start --alias` to go by."""


@alias.command("set")
@click.argument("definition")
@click.argument("name", metavar="ALIAS")
@click.argument("version", type=click.IntRange(min=1))
@click.option(
    "--canary",
    type=(click.IntRange(min=1), click.IntRange(0, 100)),
    metavar="VERSION PERCENT",
    help="Send so many of a hundred starts to this version, the others to VERSION.",
)
@on_server
def set_alias(
    server: Server, definition: str, name: str, version: int, canary: tuple[int, int] | None
) -> None:
    """Point ALIAS at a VERSION of DEFINITION, whether it is new or there already.

    Executions that run keep the version they have. With --canary, the execution's name decides which version it
    starts on, so that a start that is repeated comes to the same one.
    """
    body: dict[str, Any] = {"version": version}
    if canary is not None:
        other, percent = canary
        shares = ((version, 100 - percent), (other, percent))
        body = {"routing": [{"version": number, "weight": share} for number, share in shares]}
    target = path("definitions", definition, "aliases", name)
    status, answer = server.ask("PUT", target, body=json.dumps(body).encode())
    if wants_json():
        emit_json(answer)
    else:
        what = "new" if status == HTTPStatus.CREATED else "changed"
        click.echo(f"{definition}  {name}  {_routing(answer)}  {what}")


@alias.command("list")
@click.argument("definition")
@on_server
def list_aliases(server: Server, definition: str) -> None:
    """List the aliases of DEFINITION; times are UTC."""
    answer = server.get(path("definitions", definition, "aliases"))
    if wants_json():
        emit_json(answer)
    elif answer["aliases"]:
        rows = (
            (each["alias"], _routing(each), moment(each["updated"])) for each in answer["aliases"]
        )
        click.echo(table(("ALIAS", "VERSION", "CHANGED"), rows))
    else:
        click.echo("No aliases.")


@alias.command("remove")
@click.argument("definition")
@click.argument("name", metavar="ALIAS")
@on_server
def remove_alias(server: Server, definition: str, name: str) -> None:
    """Remove ALIAS from DEFINITION. What was started by it goes on."""
    answer = server.call("DELETE", path("definitions", definition, "aliases", name))
    if wants_json():
        emit_json(answer)
    else:
        click.echo(f"{definition}  {name}  removed; it led to {_routing(answer)}")


def _routing(alias: dict[str, Any]) -> str:
    """Where it leads: `version 3`, or `version 3 (90 %), version 4 (10 %)`."""
    routes = alias["routing"]
    if len(routes) == 1:
        return f"version {routes[0]['version']}"
    return ", ".join(f"version {route['version']} ({route['weight']} %)" for route in routes)
