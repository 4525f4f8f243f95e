"""A document that has been read, and the places of its parts in the text. Shared by the two notations."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.language.limits import DEPTH_MAX, VALUES_MAX

Format = Literal["yaml", "json"]
Path = tuple[str | int, ...]  # keys and indexes from the root
Places = dict[
    tuple[int, str | int], tuple[int, int]
]  # (id of container, key or index) -> offsets of key and value

_LINE_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with the text itself. `offset` counts characters from the start."""

    code: str
    offset: int
    message: str
    hint: str = ""
    path: Path = ()
    expected: str = ""  # of JSON: what should stand there


class Unreadable(Exception):
    """Reading ends here; carries the reason."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.message)


class Lines:
    """Offsets to lines and columns, both counted from 1."""

    __slots__ = ("_starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(found.end() for found in _LINE_BREAK.finditer(text))]

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


@dataclass(slots=True)
class Draft:
    """A document while it is being read: where its parts stand, what is wrong with them, how large it has become."""

    lines: Lines
    findings: list[Finding] = field(default_factory=list)
    places: Places = field(default_factory=dict)
    values: int = 0

    def note(self, code: str, offset: int, message: str, hint: str = "", path: Path = ()) -> None:
        self.findings.append(Finding(code, offset, message, hint, path))

    def count(self, offset: int, more: int = 1) -> None:
        """Raises Unreadable when the document outgrows VALUES_MAX."""
        self.values += more
        if self.values > VALUES_MAX:
            message = f"The document holds more than {VALUES_MAX:,} keys and values."
            raise Unreadable(Finding("too_many_values", offset, message, "Split the definition."))

    def deepen(self, depth: int, offset: int, path: Path) -> None:
        """Raises Unreadable when `depth` containers inside one another are too many."""
        if depth > DEPTH_MAX:
            message = f"Objects and lists lie more than {DEPTH_MAX} levels inside one another."
            raise Unreadable(Finding("too_deep", offset, message, "Flatten the definition.", path))

    def put(self, target: dict[str, Any], key: str, key_offset: int, path: Path) -> None:
        """Note a key of `target` that is about to get a value; a second one of the same name is a finding."""
        place = self.places.get((id(target), key)) if key in target else None
        if place is not None:
            line, _ = self.lines.place(place[0])
            message = (
                f"The key {shown(key)} stands here a second time; the first is in line {line}."
            )
            self.note(
                "duplicate_key", key_offset, message, "Rename or remove one of the two.", path
            )


@dataclass(frozen=True, slots=True)
class Source:
    """What was read: the document, and where each of its parts stands. A part reached by an alias stands at its anchor."""

    value: Any
    format: Format
    lines: Lines
    findings: tuple[Finding, ...] = ()
    places: Places = field(default_factory=dict)
    start: int = 0  # offset of the outermost value
    readable: bool = True  # False: `value` is None, and the last finding says why

    def place(self, path: Path, *, key: bool = False, at: int | None = None) -> tuple[int, int]:
        """Line and column of the value at `path`, or of its key; of the nearest part that exists where it does not.

        `at` is a character of the text at `path`, from 0; what is written over several lines or with escapes is shown
        at its start.
        """
        here: Any = self.value
        offset = self.start
        for step in path:
            found = self.places.get((id(here), step))
            if found is None:
                break
            offset = found[0] if key else found[1]
            here = here[step]
        else:
            if at is not None and isinstance(here, str):
                offset += self._written(offset, here, at)
        return self.lines.place(offset)

    def _written(self, offset: int, value: str, at: int) -> int:
        """How far behind `offset` the character `at` of the value stands in the text; 0 where that is not plain."""
        text = self.lines.text
        if _LINE_BREAK.search(value) is None:
            if text.startswith(value, offset):
                return at
            quote = text[offset : offset + 1]
            if quote in {"'", '"'} and text.startswith(value + quote, offset + 1):
                return at + 1
        return 0


def shown(text: str, length_max: int = 60) -> str:
    """A text of the author's inside a message: quoted, on one line, cut when long."""
    cut = text if len(text) <= length_max else text[: length_max - 1] + "…"
    return "'" + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut) + "'"


def pointer_of(path: Path) -> str:
    """RFC 6901; the root is the empty string."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def path_of(pointer: str, value: Any) -> Path:
    """The path that `pointer` means in `value`; stops where the value does."""
    path: list[str | int] = []
    for step in pointer.split("/")[1:]:
        plain = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and plain.isdecimal() and int(plain) < len(value):
            path.append(int(plain))
            value = value[int(plain)]
        elif isinstance(value, dict) and plain in value:
            path.append(plain)
            value = value[plain]
        else:
            break
    return tuple(path)
