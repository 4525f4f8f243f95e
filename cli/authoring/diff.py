"""`diff`: two versions of a definition, and what would become of what runs on the old one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.authoring import problems as rendering
from cli.authoring.definitions import FILE_BYTES_MAX, Source
from cli.failures import Failed
from cli.output import emit_json, json_option, one_line, table, wants_json

if TYPE_CHECKING:
    from engine.language.comparing.changes import Changes, FieldChange
    from engine.language.comparing.positions import Position
    from engine.language.machine import Machine

EXIT_STRANDED = 3
VALUE_WIDTH = 60  # characters of a changed value that are shown

_file = click.Path(exists=True, readable=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("old", type=_file)
@click.argument("new", type=_file)
@click.option(
    "--map",
    "given",
    multiple=True,
    metavar="OLD=NEW",
    help="Move what rests in the old state OLD to the new state NEW; wins over what is proposed. Repeatable.",
)
@json_option
@click.pass_context
def diff(ctx: click.Context, old: Path, new: Path, given: tuple[str, ...]) -> None:
    """Show what changed from OLD to NEW, and what would become of executions, without a server.

    States that were renamed are found where their content and their neighbours tell, and proposed as a mapping. For
    every state that an execution can rest in it says whether it goes on there, is entered anew, or is blocked and why.
    Exits 0 when nobody could be stranded, 3 when some position is blocked, 1 when a definition has errors.
    """
    import msgspec

    from engine.language.comparing.changes import compare, document_of
    from engine.language.comparing.positions import positions
    from engine.language.comparing.proposal import propose
    from engine.language.comparing.scopes import whole

    sources = _source(old), _source(new)
    before, after = _machines(*sources)
    proposed = propose(before, after)
    mapping = {**proposed, **_mapping(given, before, after)}
    documents = [document_of(source.text, source.format) for source in sources]
    # Those inside distributed Maps run in executions of their own, which this mapping does not move.
    inner = propose(whole(before), whole(after))
    renamed = {name: target for name, target in proposed.items() if mapping[name] == target}
    renamed |= {name: target for name, target in inner.items() if name not in before.states}
    changes = compare(before, after, documents[0], documents[1], renamed)
    found = positions(before, after, mapping)
    stranded = [each.state for each in found if each.rests and each.verdict == "blocked"]
    endless = _endless(found, after)
    if wants_json():
        told = {
            "valid": True,
            "changes": msgspec.to_builtins(changes),
            "proposed": proposed,
            "mapping": mapping,
            "positions": [msgspec.to_builtins(each) for each in found],
            "stranded": stranded,
            "endless": endless,
        }
        emit_json(told)
    else:
        blocks = (_changes(changes), _mapped(mapping, proposed), _positions(found, endless))
        click.echo("\n\n".join("\n".join(block) for block in map(list, blocks) if block))
    ctx.exit(EXIT_STRANDED if stranded else 0)


def _source(file: Path) -> Source:
    with file.open("rb") as opened:
        return Source(file, opened.read(FILE_BYTES_MAX))


def _machines(*sources: Source) -> list[Machine]:
    """The machines; where a definition has errors, shows the problems of all and ends the command."""
    import msgspec

    from engine.language import examine

    examined = [examine(source.text, source.format) for source in sources]
    machines = [machine for machine, _ in examined if machine is not None]
    if len(machines) == len(sources):
        return machines
    told = [[msgspec.to_builtins(problem) for problem in problems] for _, problems in examined]
    if wants_json():
        verdicts = [
            {"file": str(source.file), "valid": machine is not None, "problems": problems}
            for source, (machine, _), problems in zip(sources, examined, told, strict=True)
        ]
        emit_json({"valid": False, "files": verdicts})
    else:
        for source, problems in zip(sources, told, strict=True):
            source.show(problems)
        click.echo(rendering.count([each for part in told for each in part], len(sources)))
    raise Failed


def _mapping(given: tuple[str, ...], old: Machine, new: Machine) -> dict[str, str]:
    """`--map` as old names and new ones. A name may hold a `=` itself."""
    mapping = {}
    for text in given:
        parts = text.split("=")
        splits = [("=".join(parts[:at]), "=".join(parts[at:])) for at in range(1, len(parts))]
        if not splits:
            raise click.UsageError(f"--map is given as OLD=NEW, not {text!r}")
        known = [pair for pair in splits if pair[0] in old.states] or splits[:1]
        name, target = next((pair for pair in known if pair[1] in new.states), known[0])
        for state, machine, which in ((name, old, "old"), (target, new, "new")):
            if state not in machine.states:
                raise click.UsageError(f"--map: the {which} definition has no state {state!r}")
        mapping[name] = target
    return mapping


def _endless(found: list[Position], new: Machine) -> list[str]:
    """The new states that something would be moved to and that no end can be reached from."""
    from engine.language.comparing.reach import ends_reachable

    targets = dict.fromkeys(each.target for each in found if each.rests)
    return [name for name in targets if name is not None and not ends_reachable(new, name)]


def _changes(changes: Changes) -> Iterator[str]:
    for name in changes.added:
        yield click.style(f"+ {one_line(name)}", fg="green")
    for name in changes.removed:
        yield click.style(f"- {one_line(name)}", fg="red")
    touched = {each.was: each for each in changes.changed}
    for was, name in changes.renamed.items():
        if was not in touched:
            yield click.style(f"~ {_named(was, name)}", fg="yellow")
    if changes.top:
        yield click.style("~ the definition itself", fg="yellow")
        yield from map(_field, changes.top)
    for each in changes.changed:
        moved = " lies elsewhere" if each.moved else ""
        yield click.style(f"~ {_named(each.was, each.name)}{moved}", fg="yellow")
        yield from map(_field, each.fields)
    yield _summary(changes)


def _named(was: str, name: str) -> str:
    return one_line(name) if was == name else f"{one_line(was)} -> {one_line(name)}"


def _field(change: FieldChange) -> str:
    from msgspec import UNSET

    before, after = (
        None if value is UNSET else one_line(_quoted(value), VALUE_WIDTH)
        for value in (change.before, change.after)
    )
    if before is None:
        told = f"added: {after}"
    elif after is None:
        told = f"removed, was {before}"
    else:
        told = f"{before} -> {after}"
    return f"    {one_line(change.pointer or '/')}  {told}"


def _quoted(value: Any) -> str:
    """The value as JSON, so that text is told from what looks like it."""
    import json

    return json.dumps(value, ensure_ascii=False)


def _summary(changes: Changes) -> str:
    counts = {
        "added": len(changes.added),
        "removed": len(changes.removed),
        "renamed": len(changes.renamed),
        "changed": sum(each.was == each.name for each in changes.changed),
        "unchanged": changes.unchanged,
    }
    return "states: " + ", ".join(f"{number} {what}" for what, number in counts.items() if number)


def _mapped(mapping: Mapping[str, str], proposed: Mapping[str, str]) -> Iterator[str]:
    if mapping:
        rows = [
            (one_line(name), one_line(target), _by(name, target, proposed))
            for name, target in mapping.items()
        ]
        yield table(("MAPPED", "TO", ""), rows)


def _by(name: str, target: str, proposed: Mapping[str, str]) -> str:
    return "proposed" if proposed.get(name) == target else "given"


def _positions(found: list[Position], endless: list[str]) -> Iterator[str]:
    rows = [(one_line(each.state), each.type, _becomes(each)) for each in found if each.rests]
    yield table(("RESTING IN", "TYPE", ""), rows) if rows else "No state is rested in."
    for name in endless:
        label = click.style("warning", fg="yellow", bold=True)
        yield f"{label}: from {one_line(name)} no end can be reached"


def _becomes(position: Position) -> str:
    if position.verdict == "blocked":
        label = click.style(f"blocked[{position.reason}]", fg="red", bold=True)
        return f"{label}: {one_line(position.detail, 200)}"
    target = one_line(position.target or "")
    if position.renewed:
        return click.style(f"entered anew in {target}", fg="yellow")
    return "goes on" if position.target == position.state else f"goes on in {target}"
