"""Strict JSON (RFC 8259) to a document with places: one pass over tokens, no recursion."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from engine.language.text.source import Draft, Finding, Path, Unreadable, shown

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(
    r'"([^"\\\x00-\x1f]*)((?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*)"'
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?(?![0-9.a-zA-Z_])")
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*|-?[0-9][0-9a-zA-Z_.+-]*|-[A-Za-z]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LITERALS: dict[str, Any] = {"true": True, "false": False, "null": None}
_NUMERALS_MAX = 400  # digits of an integer: more than any double has, less than Python refuses
_ELSEWHERE = {
    "True": "Write true.",
    "False": "Write false.",
    "None": "Write null.",
    "NULL": "Write null.",
    "undefined": "Write null.",
}
_NOT_NUMBERS = {"NaN", "Infinity", "-Infinity"}


class _Reader:
    """The state of one reading: `at` is the next character, `open` the containers around it."""

    def __init__(self, text: str, draft: Draft) -> None:
        self.text = text
        self.draft = draft
        self.at = 0
        self.open: list[tuple[dict[str, Any] | list[Any], str | int]] = []

    def path(self, *more: str | int) -> Path:
        return (*(step for _, step in self.open), *more)

    def skip(self) -> str:
        """Pass white space; the next character, or "" at the end."""
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.text[self.at : self.at + 1]

    def wrong(self, expected: str, hint: str = "") -> Unreadable:
        here = self.text[self.at : self.at + 1]
        found = _WORD.match(self.text, self.at)
        what = shown(found[0] if found else here) if here else "the end of the text"
        if here in _COMMENT_STARTS:
            hint = "JSON has no comments; use a Comment field, or write the definition in YAML."
        elif not hint:
            hint = _ELSEWHERE.get(found[0], "") if found else _HINTS.get(here, "")
        message = f"The text is not JSON: expected {expected}, found {what}."
        return Unreadable(Finding("invalid_json", self.at, message, hint, self.path(), expected))

    def string(self, expected: str) -> str:
        """Read a string; raises Unreadable where there is none."""
        found = _STRING.match(self.text, self.at)
        if found is None:
            raise (
                self.broken_string() if self.text.startswith('"', self.at) else self.wrong(expected)
            )
        text: str = json.loads(found[0]) if found[2] else found[1]
        if found[2] and _SURROGATE.search(text):
            message = "The string holds half of a surrogate pair, which is no character."
            self.draft.note(
                "control_character", self.at, message, "Write both halves.", self.path()
            )
            text = _SURROGATE.sub("�", text)
        self.at = found.end()
        return text

    def broken_string(self) -> Unreadable:
        """Why the string that begins here does not end."""
        good = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*').match(
            self.text, self.at
        )
        assert good is not None
        self.at = good.end()
        if self.text.startswith("\\", self.at):
            return self.wrong(
                "a valid escape",
                'After a backslash stands one of " \\ / b f n r t, or u and 4 digits.',
            )
        if self.text[self.at : self.at + 1] in {"\n", "\r", "\t"}:
            return self.wrong(
                "the end of the string",
                "Write line breaks and tabs inside a string as \\n and \\t.",
            )
        return self.wrong("the end of the string")

    def scalar(self) -> Any:
        """Read a string, number or literal."""
        if self.text.startswith('"', self.at):
            return self.string("a value")
        number = _NUMBER.match(self.text, self.at)
        if number is not None:
            value = self.number(number)
            self.at = number.end()
            return value
        word = _WORD.match(self.text, self.at)
        if word is not None and word[0] in _LITERALS:
            self.at = word.end()
            return _LITERALS[word[0]]
        if word is not None and word[0] in _NOT_NUMBERS:
            message = f"{word[0]} has no JSON form."
            self.draft.note(
                "not_json_value", self.at, message, "Use a number, a string or null.", self.path()
            )
            self.at = word.end()
            return None
        raise self.wrong("a value")

    def number(self, found: re.Match[str]) -> int | float | None:
        integral = found[1] is None and found[2] is None
        if not integral or len(found[0]) > _NUMERALS_MAX:
            value = float(found[0])
        else:
            value = int(found[0])
            if abs(value) < _DOUBLE_END:
                return value
            value = math.inf
        if math.isinf(value):
            message = "The number is beyond the range of a double."
            self.draft.note(
                "not_json_value", self.at, message, "Write it as a string.", self.path()
            )
            return None
        return value


_DOUBLE_END = 2**1024
_COMMENT_STARTS = {"/", "#"}
_HINTS = {
    "'": "JSON strings stand in double quotes.",
    "}": "Remove the comma before it.",
    "]": "Remove the comma before it.",
}


def read_json(text: str, draft: Draft) -> tuple[Any, int]:
    """The document, and the offset it starts at. Raises Unreadable at the first syntax error."""
    reader = _Reader(text, draft)
    reader.skip()
    start = reader.at
    root = _values(reader)
    if reader.skip():
        raise reader.wrong("the end of the text", "Only one value may stand in the text.")
    return root, start


def _values(reader: _Reader) -> Any:
    """Read one value and all inside it."""
    while True:
        value = _next_value(reader)
        if isinstance(value, _Opened):
            continue
        while True:  # close what ends here
            if not reader.open:
                return value
            container, _ = reader.open[-1]
            closer = "}" if isinstance(container, dict) else "]"
            mark = reader.skip()
            if mark == ",":
                reader.at += 1
                _begin_entry(reader, first=False)
                break
            if mark != closer:
                raise reader.wrong(f"',' or '{closer}'", "A comma may be missing before it.")
            reader.at += 1
            reader.open.pop()
            value = container


class _Opened:
    """Marks that a container was opened and its first entry begun."""


def _next_value(reader: _Reader) -> Any:
    """Read a scalar or an empty container, or open a container; file it in the container around it."""
    mark = reader.skip()
    offset = reader.at
    reader.draft.count(offset)
    if mark not in {"{", "["}:
        value = reader.scalar()
        _file(reader, value, offset)
        return value
    container: dict[str, Any] | list[Any] = {} if mark == "{" else []
    reader.draft.deepen(len(reader.open) + 1, offset, reader.path())
    _file(reader, container, offset)
    reader.at += 1
    if reader.skip() == ("}" if mark == "{" else "]"):
        reader.at += 1
        return container
    reader.open.append((container, 0))
    _begin_entry(reader, first=True)
    return _Opened()


def _begin_entry(reader: _Reader, *, first: bool) -> None:
    """Read the key and colon of the next entry, or count the next index; the value follows."""
    container, step = reader.open[-1]
    if isinstance(container, list):
        index = 0 if first else int(step) + 1
        reader.open[-1] = (container, index)
        if not first and reader.skip() == "]":
            raise reader.wrong("a value")
        return
    reader.skip()
    offset = reader.at
    reader.open.pop()  # the key belongs to the container, not to the entry before it
    key = reader.string("a key in double quotes")
    reader.draft.count(offset)
    reader.draft.put(container, key, offset, reader.path(key))
    reader.open.append((container, key))
    if reader.skip() != ":":
        raise reader.wrong("':' after the key")
    reader.at += 1
    reader.draft.places[id(container), key] = (offset, offset)


def _file(reader: _Reader, value: Any, offset: int) -> None:
    """Put a value into the innermost open container, and its place into the draft."""
    if not reader.open:
        return
    container, step = reader.open[-1]
    places = reader.draft.places
    if isinstance(container, dict):
        assert isinstance(step, str)
        container[step] = value
        places[id(container), step] = (places[id(container), step][0], offset)
    else:
        container.append(value)
        places[id(container), step] = (offset, offset)
