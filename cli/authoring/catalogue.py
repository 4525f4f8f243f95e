"""`definitions`: what is published on a server, its versions, and their texts."""

from __future__ import annotations

from typing import Any

import click

from cli.http import Server, path
from cli.options import on_server
from cli.output import emit_json, moment, pairs, table, visible, wants_json

PAGE = 1000  # definitions asked for at once, the most the server gives


@click.command()
@click.argument("name", required=False)
@click.option(
    "--version", type=click.IntRange(min=1), help="Show this version of NAME, with its text."
)
@click.option(
    "--text",
    is_flag=True,
    help="Print nothing but the text of NAME, as it was published; the newest without --version.",
)
@click.option(
    "--delete", is_flag=True, help="Delete NAME: what runs goes on, and nothing starts any more."
)
@on_server
def definitions(
    server: Server, name: str | None, version: int | None, text: bool, delete: bool
) -> None:
    """List the definitions there are, or the versions of the definition NAME, newest first; times are UTC."""
    if delete and (name is None or version is not None or text):
        raise click.UsageError("--delete goes with the NAME of a definition, and with nothing else")
    if name is None:
        if version is not None or text:
            raise click.UsageError("--version and --text go with the NAME of a definition")
        _list(server)
    elif delete:
        _delete(server, name)
    elif version is not None or text:
        _show(server, name, version, only_text=text)
    else:
        _list_versions(server, name)


def _list(server: Server) -> None:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = server.get(path("definitions"), limit=PAGE, cursor=cursor)
        found += page["definitions"]
        cursor = page["next"]
        if cursor is None:
            break
    if wants_json():
        emit_json({"definitions": found, "next": None})
    elif found:
        rows = (
            (each["name"], str(each["version"]), each["type"], moment(each["updated"]))
            for each in found
        )
        click.echo(table(("DEFINITION", "VERSION", "TYPE", "PUBLISHED"), rows))
    else:
        click.echo("No definitions.")


def _list_versions(server: Server, name: str) -> None:
    answer = server.get(path("definitions", name, "versions"))
    if wants_json():
        emit_json(answer)
        return
    rows = (
        (str(each["version"]), moment(each["created"]), each["hash"]) for each in answer["versions"]
    )
    click.echo(table(("VERSION", "PUBLISHED", "HASH"), rows))


def _delete(server: Server, name: str) -> None:
    answer = server.call("DELETE", path("definitions", name))
    if wants_json():
        emit_json(answer)
    else:
        click.echo(f"{name}  deleted; it was at version {answer['version']}")


def _show(server: Server, name: str, version: int | None, *, only_text: bool) -> None:
    found = server.get(path("definitions", name), version=version)
    if wants_json():
        emit_json(found)
        return
    text = found["text"] if only_text else visible(found["text"])
    if not only_text:
        head = [
            ("definition", found["name"]),
            ("version", str(found["version"])),
            ("type", found["type"]),
            ("published", moment(found["created"])),
            ("hash", found["hash"]),
        ]
        click.echo(pairs(head) + "\n")
    click.echo(text, nl=not text.endswith("\n"))
