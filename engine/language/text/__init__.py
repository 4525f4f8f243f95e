"""Definition text, JSON or YAML, to a plain document that knows where each of its values stands.

Both notations go through parsers with our own rules (`jsontext`, `yamltext`), because the usual ones keep the last of
two equal keys, read `no` as false, or expand a few hundred bytes to gigabytes, and say nothing.
"""

from __future__ import annotations

import re

from engine.language.limits import TEXT_BYTES_MAX
from engine.language.text.jsontext import read_json
from engine.language.text.source import Draft, Finding, Format, Lines, Source, Unreadable
from engine.language.text.yamltext import read_yaml

# C0 except tab and line breaks, DEL, C1 and surrogates; U+FFFE and U+FFFF are no characters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def read_source(text: str | bytes, notation: Format | None = None) -> Source:
    """Read a definition. Never raises: what is wrong with the text stands in `Source.findings`.

    Without `notation`, text whose first character is `{`, `[` or `"` is JSON, all other YAML.
    """
    plain, unfit = _decoded(text)
    kind: Format = notation or ("json" if plain.lstrip()[:1] in {"{", "[", '"'} else "yaml")
    draft = Draft(Lines(plain))
    if unfit is not None:
        return Source(None, kind, draft.lines, (unfit,), readable=False)
    try:
        value, start = (read_json if kind == "json" else read_yaml)(plain, draft)
    except Unreadable as error:
        return Source(None, kind, draft.lines, (*draft.findings, error.finding), readable=False)
    return Source(value, kind, draft.lines, tuple(draft.findings), draft.places, start)


def _decoded(text: str | bytes) -> tuple[str, Finding | None]:
    """The characters without byte order mark, and the reason not to read on, if there is one."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    size = len(data)
    if size > TEXT_BYTES_MAX:
        message = f"The text has {size:,} bytes; at most {TEXT_BYTES_MAX:,} are allowed."
        return "", Finding("too_large", 0, message, "Split the definition.")
    if isinstance(text, bytes):
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8")
            message = f"The text is not UTF-8: the byte 0x{data[error.start]:02x} is out of place."
            return before, Finding("not_utf8", len(before), message, "Save the file as UTF-8.")
    text = text.removeprefix("\ufeff")
    found = _FORBIDDEN.search(text)
    if found is not None:
        message = f"The text holds the character U+{ord(found[0]):04X}, which cannot be seen."
        hint = "Remove it; inside a quoted string it can be written as an escape."
        return text, Finding("control_character", found.start(), message, hint)
    if not text.strip():
        return text, Finding("empty_definition", 0, "There is nothing in the text.", _START)
    return text, None


_START = "A definition needs at least StartAt and States."
