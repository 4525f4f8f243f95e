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
    expected = _EXPECTED.get(finding.expected)
    if expected is None or at >= len(text):
        return None
    return _at(
        f"Unexpected character ('{text[at]}' (code {ord(text[at])})): {expected}", source, at + 1
    )


def _at(sentence: str, source: Source, offset: int) -> Diagnostic:
    """The place is the one behind what was read last, as the parser has it."""
    text = source.lines.text
    line, column = source.lines.place(offset)
    more = len(text) - SHOWN_CHARACTERS_MAX
    shown = text[:SHOWN_CHARACTERS_MAX] + '"' + f"[truncated {more} chars]" * (more > 0)
    place = f'[Source: (String)"{shown}; line: {line}, column: {column}]'
    return Diagnostic("INVALID_JSON_DESCRIPTION", f"{sentence}\n at {place}", place)
