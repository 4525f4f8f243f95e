"""What the documentation shows, read from its Markdown: examples to play, expressions to evaluate, programs to run.

An example is one or more `yaml` blocks, a definition or states each, and the list that follows:

    - Input: `{"total": 120}`
    - `Charge`: fails with `Busy`, gives `{"id": "ch-1"}` after 2 s
    - Signal `Paid` after 3 s: `{"amount": 120}`
    - `Charge` gets: `{"amount": 120}`
    - Output: `{"id": "ch-1"}`

or, instead of Output, Error and Cause, or Status; Waits (seconds) and Exits with (variables) may be told too.

An expression stands in a table whose columns begin with Path, Call or Expression and end with Result. The `json` block
before it is its input. A result is JSON, or `fails:` and a part of the cause, or `refused:` and a part of the problem's
message, or `like` and something of the same shape. A `jsonata` block is an expression with a list of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LANGUAGE = ROOT / "docs" / "reference" / "language"
FIVE_MINUTES = ROOT / "docs" / "how-to" / "jsonata-in-five-minutes.md"
PAGES = [*sorted(LANGUAGE.glob("*.md")), FIVE_MINUTES]
EXPRESSIONS = {"Path": "JSONPath", "Call": "JSONPath", "Expression": "JSONata"}

_LIST_ITEM = re.compile(r"^- (.*(?:\n  .*)*)", re.MULTILINE)
_CELL = re.compile(r"(?<!\\)\|")


@dataclass
class Block:
    """A fenced block: its language, its text, the line it begins in, the input that stands before it."""

    kind: str
    text: str
    line: int
    input: Any
    told: list[str] = field(default_factory=list)  # the list that follows
    after: str = ""  # the text block that follows, as of a program


@dataclass
class Table:
    """A table: its columns, its rows as Markdown, the heading it stands under, the input that stands before it."""

    columns: list[str]
    rows: list[list[str]]
    heading: str
    line: int
    input: Any


def name(page: Path, line: int) -> str:
    return f"{page.stem}:{line}"


def code(cell: str) -> str:
    """The text of the code in a cell."""
    found = re.search(r"`` ?(.*?) ?``|`(.*?)`", cell)
    assert found, cell
    return (found[1] or found[2] or "").replace("\\|", "|")


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def contents(page: Path) -> tuple[list[Block], list[Table]]:
    """The blocks and the tables of a page."""
    blocks: list[Block] = []
    tables: list[Table] = []
    lines = page.read_text(encoding="utf-8").split("\n")
    at, heading, given = 0, "", None
    while at < len(lines):
        line = lines[at]
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("```"):
            end = lines.index("```", at + 1)
            block = Block(line[3:], "\n".join(lines[at + 1 : end]), at + 1, given)
            if block.kind == "json":
                given = json.loads(block.text)
            elif block.kind == "text" and blocks and not blocks[-1].told:
                blocks[-1].after = block.text
            else:
                blocks.append(block)
            at = end
            block.told = _list(lines, end + 1)
        elif line.startswith("|") and lines[at + 1].startswith("|--"):
            end = next(
                (n for n in range(at, len(lines)) if not lines[n].startswith("|")), len(lines)
            )
            columns, _, *rows = (_cells(row) for row in lines[at:end])
            tables.append(Table(columns, rows, heading, at + 1, given))
            at = end
        at += 1
    return blocks, tables


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in _CELL.split(row)[1:-1]]


def _list(lines: list[str], at: int) -> list[str]:
    """The items of a list that begins after at most one empty line."""
    while at < len(lines) and not lines[at]:
        at += 1
    if at == len(lines) or not lines[at].startswith("- "):
        return []
    end = next((n for n in range(at, len(lines)) if not lines[n]), len(lines))
    return [" ".join(item.split()) for item in _LIST_ITEM.findall("\n".join(lines[at:end]))]


def examples(page: Path) -> Iterator[tuple[str, Block]]:
    """Each `yaml` and `jsonata` block with its list; blocks in a row share the list that follows the last."""
    blocks = contents(page)[0]
    for at, block in enumerate(blocks):
        if block.kind not in {"yaml", "jsonata"}:
            continue
        following = at
        while not block.told and following + 1 < len(blocks):
            following += 1
            if blocks[following].kind != block.kind:
                break
            block.told = blocks[following].told
        yield name(page, block.line), block


def expressions(page: Path) -> Iterator[tuple[str, Table, list[str]]]:
    """Each row of the tables of expressions."""
    for table in contents(page)[1]:
        if table.columns[0] in EXPRESSIONS and table.columns[-1] == "Result":
            for at, row in enumerate(table.rows):
                assert len(row) == len(table.columns), f"{page}:{table.line} row {at + 1}"
                yield name(page, table.line + 2 + at), table, row
