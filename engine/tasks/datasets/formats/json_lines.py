"""JSON Lines: one item in each line that is not empty. https://jsonlines.org"""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader

from engine.documents import Document
from engine.errors import InvalidDocument
from engine.tasks.datasets.faults import ItemReaderFailed
from engine.tasks.datasets.formats.decoding import lines
from engine.tasks.datasets.formats.entries import Entry


def json_line_entries(reader: BufferedReader) -> Iterator[Entry]:
    """The items. Raises ItemReaderFailed for a line that is no JSON, naming it."""
    for number, line in enumerate(lines(reader), 1):
        text = line.strip()
        if not text:
            continue
        try:
            yield Entry(Document.parse(text).value, None, len(text))
        except InvalidDocument as error:
            raise ItemReaderFailed(f"Line {number} is not valid JSON: {error.detail}") from None
