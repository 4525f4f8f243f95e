"""`validate` and `publish`: definitions from files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from cli.authoring import problems as rendering
from cli.authoring.migrations import Stranded, encoded, plan_text
from cli.failures import Failed, Refused
from cli.http import Server, path
from cli.options import on_server
from cli.output import emit_json, json_option, table, wants_json

_FORMATS: dict[str, Literal["yaml", "json"]] = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}
_NAME_HINT = "`detent publish --name NAME {file}` publishes it under a name of your choice"
FILE_BYTES_MAX = 64 * 1024 * 1024  # read of a file: as much as a server can be set to take
_files = click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="FILE|FOLDER...",
    type=click.Path(exists=True, readable=True, path_type=Path),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A definition's file: its name is the definition's."""

    file: Path
    text: bytes

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def format(self) -> Literal["yaml", "json"] | None:
        return _FORMATS.get(self.file.suffix.lower())

    def show(self, problems: list[rendering.Problem], *, aws: bool = False) -> None:
        """Print the problems to stderr in a compiler's form; with `aws`, also in AWS's words."""
        text = self.text.decode("utf-8", "replace")
        for problem in problems:
            click.echo(rendering.render(str(self.file), text, problem, aws=aws), err=True)


_type = click.option(
    "--type",
    "kind",
    type=click.Choice(["STANDARD", "EXPRESS"], case_sensitive=False),
    help="How executions run: STANDARD ones are durable; EXPRESS ones run in memory, five minutes at most.",
)


@click.command()
@_files
@_type
@click.option("--aws", is_flag=True, help="Show beside each problem what AWS Step Functions says.")
@json_option
def validate(
    *, paths: tuple[Path, ...], kind: Literal["STANDARD", "EXPRESS"] | None, aws: bool
) -> None:
    """Check definitions without a server.

    A folder stands for the .yaml, .yml and .json files in it. Shows every problem with line, column and a hint;
    exits 1 when one of them is an error. Warnings alone are fine.
    """
    import msgspec

    from engine.language.resources.express import examine_as

    checked = []
    for source in _sources(paths):
        _, told = examine_as(kind or "STANDARD", source.text, source.format)
        checked.append((source, [msgspec.to_builtins(problem) for problem in told]))
    found = [problem for _, problems in checked for problem in problems]
    valid = not any(map(rendering.is_error, found))
    if wants_json():
        emit_json(
            {"valid": valid, "files": [_verdict(source, problems) for source, problems in checked]}
        )
    else:
        for source, problems in checked:
            source.show(problems, aws=aws)
        click.echo(rendering.count(found, len(checked)))
    if not valid:
        raise Failed


@click.command()
@_files
@click.option("--name", help="Publish the one file given under this name instead of its file's.")
@_type
@click.option(
    "--running",
    type=click.Choice(["keep", "migrate"]),
    help="What becomes of executions that run; what the definition says where it is not given.",
)
@click.option(
    "--dry-run", is_flag=True, help="Publish nothing; only show what would become of them."
)
@click.option(
    "--force", is_flag=True, help="Publish and migrate although some would be left behind."
)
@on_server
def publish(
    server: Server,
    paths: tuple[Path, ...],
    name: str | None,
    kind: str | None,
    *,
    running: str | None,
    dry_run: bool,
    force: bool,
) -> None:
    """Publish definitions, each under its file's name and, without --type, with the type it has.

    The same content again makes no new version. A definition with errors, or in a file whose name cannot be a
    definition's, is not published; the others are. Exits 1 when one was refused. Says what a migration would do with the
    executions that run on older versions. With --running migrate or --dry-run it first shows what would become of the running executions, and exits 3 with nothing published where some would be
    left behind on an older version.
    """
    sources = list(_sources(paths))
    if name and len(sources) != 1:
        raise click.UsageError("--name goes with exactly one file")
    if dry_run:
        _refuse_invalid(sources, kind)
    if dry_run or running == "migrate":
        plans = [_plan_one(server, source, name or source.name) for source in sources]
        _show_plans([plan for plan in plans if plan is not None], dry_run=dry_run, force=force)
    if dry_run:
        return
    answers = [
        _publish_one(server, source, name or source.name, {"type": kind, "running": running})
        for source in sources
    ]
    refused = [answer for answer in answers if "version" not in answer]
    if wants_json():
        emit_json({"definitions": answers})
    else:
        rows = [
            (answer["name"], str(answer["version"]), _what(answer))
            for answer in answers
            if "version" in answer
        ]
        if rows:
            click.echo(table(("DEFINITION", "VERSION", ""), rows))
        for answer in answers:
            _show_left(server, answer)
        if any(answer["code"] == "invalid_definition" for answer in refused):
            found = [problem for answer in answers for problem in answer.get("problems", [])]
            click.echo(rendering.count(found, len(sources)), err=True)
    if refused:
        raise Failed


def _show_left(server: Server, answer: dict[str, Any]) -> None:
    """What a migration would do with executions that run on, where a new version leaves some on older ones."""
    if answer.get("version", 1) == 1 or not answer["changed"] or answer["type"] == "EXPRESS":
        return
    if "migration" not in answer:
        plan = server.call("POST", path("definitions", answer["name"], "migrations"), body=b"{}")
        if plan["examined"]:
            click.echo(
                f"\nStill on older versions; `detent migrate {answer['name']} --apply` moves them:"
            )
            click.echo(plan_text(plan))


def _refuse_invalid(sources: list[Source], kind: Any) -> None:
    """Show what is wrong with the definitions. Raises Failed where one could not be published."""
    import msgspec

    from engine.language.resources.express import examine_as

    invalid = False
    for source in sources:
        machine, told = examine_as(kind or "STANDARD", source.text, source.format)
        if machine is None:
            invalid = True
            source.show([msgspec.to_builtins(problem) for problem in told])
    if invalid:
        raise Failed


def _what(answer: dict[str, Any]) -> str:
    new = "new" if answer["changed"] else "unchanged"
    return f"{new}; migrating as {answer['migration']}" if "migration" in answer else new


def _plan_one(server: Server, source: Source, name: str) -> dict[str, Any] | None:
    """What would become of the running executions; None where there is no such definition yet, or it would be refused."""
    body = encoded({"text": source.text.decode("utf-8", "replace")})
    try:
        plan: dict[str, Any] = server.call(
            "POST", path("definitions", name, "migrations"), body=body
        )
    except Refused as refusal:
        if refusal.code not in {"definition_not_found", "invalid_definition", "invalid_name"}:
            raise
        return None
    return plan


def _show_plans(plans: list[dict[str, Any]], *, dry_run: bool, force: bool) -> None:
    if wants_json() and dry_run:
        emit_json({"plans": plans})
    elif not wants_json():
        for plan in plans:
            click.echo(plan_text(plan), err=not dry_run)
    if any(plan["blocked"] for plan in plans) and not force:
        raise Stranded


def _publish_one(
    server: Server, source: Source, name: str, query: dict[str, str | None]
) -> dict[str, Any]:
    """The server's answer, or its problem document where the definition or its name is invalid."""
    content_type = f"application/{source.format}" if source.format else "application/octet-stream"
    try:
        answer: dict[str, Any] = server.call(
            "PUT",
            path("definitions", name),
            query=query,
            body=source.text,
            content_type=content_type,
        )
    except Refused as refusal:
        if refusal.code not in {"invalid_definition", "invalid_name"}:
            raise
        answer = {"file": str(source.file), "name": name, **refusal.problem}
        if refusal.code == "invalid_name" and not wants_json():
            refusal.hint = _NAME_HINT.format(file=shlex.quote(str(source.file)))
            refusal.show()
    if not wants_json():
        source.show(answer.get("problems", []))
    return answer


def _sources(paths: tuple[Path, ...]) -> Iterator[Source]:
    for given in paths:
        inside = (
            sorted(file for file in given.iterdir() if file.suffix.lower() in _FORMATS)
            if given.is_dir()
            else None
        )
        if inside is not None and not inside:
            raise click.UsageError(f"{given} holds no .yaml, .yml or .json file")
        for file in inside or [given]:
            with file.open("rb") as opened:
                yield Source(file, opened.read(FILE_BYTES_MAX))


def _verdict(source: Source, problems: list[rendering.Problem]) -> dict[str, Any]:
    valid = not any(map(rendering.is_error, problems))
    return {"file": str(source.file), "valid": valid, "problems": problems}
