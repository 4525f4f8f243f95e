"""What is wrong with a text that is not JSON, in the words of the parser that AWS Step Functions uses (Jackson)."""

from __future__ import annotations

import re

from engine.language.diagnostics.diagnostic import Diagnostic
from engine.language.text.source import Finding, Source

SHOWN_CHARACTERS_MAX = 500  # of the text, in a location

NOT_AN_OBJECT = Diagnostic(
    "SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", None
)

_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
# By what our own reader expected.
_EXPECTED = {
    "a value": f"expected a valid value {_VALUES}",
    "a key in double quotes": "was expecting double-quote to start field name",
    "':' after the key": "was expecting a colon to separate field name and value",
    "',' or '}'": "was expecting comma to separate Object entries",
    "',' or ']'": "was expecting comma to separate Array entries",
}
_TOKEN = re.compile(r"[^\W\d][\w$]*")
# What is told of a text that ends too early: by what our own reader expected, in `{}` the kind of container around it.
_CLOSER = ": expected close marker for {} (start marker at {})"
_BETWEEN = " within/between {} entries"
_ENDED = {
    "a value": _BETWEEN,
    "a key in double quotes": _BETWEEN,
    "':' after the key": _BETWEEN,
    "',' or '}'": _CLOSER,
    "',' or ']'": _CLOSER,
    "the end of the string": ": was expecting closing quote for a string value",
}
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


def text_diagnostic(finding: Finding, source: Source) -> Diagnostic | None:
    """A finding about the text in AWS's words; None where they are not known, or the text is YAML."""
    if finding.code == "empty_definition":
        return NOT_AN_OBJECT
    if finding.code != "invalid_json":
        return None
    text, at = source.lines.text, finding.offset
    if finding.expected == "a value" and (token := _TOKEN.match(text, at)):
        sentence = f"Unrecognized token '{token[0]}': was expecting {_VALUES}"
        return _at(sentence, source, token.end())
    if at >= len(text):
        return _ended(finding.expected, source)
    expected = _EXPECTED.get(finding.expected)
    if expected is None:
        return None
    return _at(
        f"Unexpected character ('{text[at]}' (code {ord(text[at])})): {expected}", source, at + 1
    )


def _ended(expected: str, source: Source) -> Diagnostic | None:
    """The text ends before the value does. None where no container is open: there the text holds nothing, or half a word."""
    text = source.lines.text
    opened = _open_at_the_end(text)
    template = _ENDED.get(expected)
    if opened is None or template is None:
        return None
    if text[opened:].rstrip() in _OPENERS:
        template = _CLOSER  # before the first entry, the parser looks for the end as well
    kind = _OPENERS[text[opened]]
    reason = template.format(kind, _place(source, opened))
    return _at(f"Unexpected end-of-input{reason}", source, len(text))


_OPENERS = {"{": "Object", "[": "Array"}


def _open_at_the_end(text: str) -> int | None:
    """Where the innermost container begins that is still open at the end of the text."""
    opened: list[int] = []
    for found in _STRUCTURE.finditer(text):
        if found[0] in _OPENERS:
            opened.append(found.start())
        elif found[0] in "]}":
            opened.pop()
    return opened[-1] if opened else None


def _at(sentence: str, source: Source, offset: int) -> Diagnostic:
    """The place is the one behind what was read last, as the parser has it."""
    place = _place(source, offset)
    return Diagnostic("INVALID_JSON_DESCRIPTION", f"{sentence}\n at {place}", place)


def _place(source: Source, offset: int) -> str:
    text = source.lines.text
    line, column = source.lines.place(offset)
    more = len(text) - SHOWN_CHARACTERS_MAX
    shown = text[:SHOWN_CHARACTERS_MAX] + '"' + f"[truncated {more} chars]" * (more > 0)
    return f'[Source: (String)"{shown}; line: {line}, column: {column}]'
