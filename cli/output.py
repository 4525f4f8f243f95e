"""What commands print: aligned tables and short times for people, one JSON document for programs.

Colours are written through click, which drops them where stdout is not a terminal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import click

_JSON_KEY = "detent.json"
# Control characters, and those that turn the direction of the text around.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COLOURS = {
    "RUNNING": "cyan",
    "SUCCEEDED": "green",
    "FAILED": "red",
    "TIMED_OUT": "red",
    "ABORTED": "yellow",
}


def _remember_json(ctx: click.Context, _: click.Parameter, value: Any) -> None:
    ctx.meta[_JSON_KEY] = bool(value)


json_option = click.option(
    "--json",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_remember_json,
    help="Print one JSON document instead of text.",
)


def wants_json() -> bool:
    """Whether the running command was given --json."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_JSON_KEY))


def emit_json(document: Any) -> None:
    """Print `document` to stdout, indented, non-ASCII as it is."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns aligned by what is visible; the last one is not padded."""
    return "\n".join(table_lines(headings, rows))


def table_lines(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """`table`, a line a row; the first holds the headings."""
    lines = [[click.style(heading, dim=True) for heading in headings], *[list(row) for row in rows]]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(headings))]
    return [
        "  ".join(padded(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """A name and a value a line, values aligned."""
    kept = list(rows)
    width = max((len(name) for name, _ in kept), default=0)
    return "\n".join(f"{click.style(name.ljust(width), dim=True)}  {value}" for name, value in kept)


def status_text(status: str) -> str:
    """The status in its colour."""
    return click.style(status, fg=_COLOURS.get(status))


def moment(iso: str | None) -> str:
    """`2026-11-22T10:00:00.000Z` as `2026-11-22 10:00:00`, UTC; a dash for none."""
    return iso[:19].replace("T", " ") if iso else "-"


def visible(text: str) -> str:
    """The text with what would steer a terminal written as escapes; line breaks and tabs stay."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(value: Any, width: int = 100) -> str:
    """A JSON value on one line, cut at `width` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    flat = visible(" ".join(text.split()))
    return flat if len(flat) <= width else flat[: width - 3] + "..."


def first_line(text: str, width: int = 100) -> str:
    """The first line of a text, with dots where that is not all of it."""
    whole = text.strip()
    line = whole.splitlines()[0].rstrip() if whole else ""
    if line == whole:
        return one_line(line, width)
    return one_line(line, width - 4).removesuffix("...").rstrip() + " ..."


def padded(text: str, width: int) -> str:
    """Spaces added up to `width` visible characters."""
    return text + " " * (width - _width(text))


def indented(text: str) -> str:
    """Every line moved right, to stand below the line it belongs to."""
    return "\n".join(f"    {line}".rstrip() for line in visible(text).splitlines())


def block(value: Any) -> str:
    """A JSON value over several lines, indented by two."""
    text = visible(json.dumps(value, ensure_ascii=False, indent=2))
    return "\n".join(f"  {line}" for line in text.splitlines())


def _width(text: str) -> int:
    return len(click.unstyle(text))
