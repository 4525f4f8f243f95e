"""CSV and its relatives: one item in each row, an object of text by header. RFC 4180, quoted as there.

As recorded on AWS: values are always text; missing cells are ""; cells beyond the headers are dropped; a header may be
""; rows of blanks are rows. Empty lines are none.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import BufferedReader

from engine.tasks.datasets.faults import DUPLICATE_HEADERS, ItemReaderFailed
from engine.tasks.datasets.formats.columns import in_order
from engine.tasks.datasets.formats.decoding import lines
from engine.tasks.datasets.formats.entries import ENTRY_BYTES_MAX, Entry

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
HEADERS_BYTES_MAX = 10 * 1024  # as AWS Step Functions

# Of every reader in the process, but nothing else here reads CSV. A quotation mark that is never closed ends at it.
csv.field_size_limit(ENTRY_BYTES_MAX)


def table_entries(
    reader: BufferedReader, delimiter: str, headers: Sequence[str] | None
) -> Iterator[Entry]:
    """The rows as objects. Without `headers` they are the first row. Raises ItemReaderFailed."""
    texts = (line.decode() for line in lines(reader))
    rows = csv.reader(texts, delimiter=DELIMITERS[delimiter])
    try:
        if headers is None:
            headers = next(rows, None)
            if headers is None:
                return
        columns = _columns(headers)
        for row in rows:
            if not row:
                continue
            width = len(row)
            value = {name: row[at] if at < width else "" for name, at in columns}
            yield Entry(value, None, sum(map(len, row)) + 8 * len(columns))
    except csv.Error as error:
        raise ItemReaderFailed(f"Line {rows.line_num} is not valid CSV: {error}") from None


def _columns(headers: Sequence[str]) -> list[tuple[str, int]]:
    """The headers, each with its place in a row, in the order of an item's members."""
    if len(set(headers)) < len(headers):
        raise ItemReaderFailed(DUPLICATE_HEADERS)
    if sum(len(header.encode()) for header in headers) > HEADERS_BYTES_MAX:
        raise ItemReaderFailed(f"CSV headers are longer than {HEADERS_BYTES_MAX} bytes.")
    at = {header: place for place, header in enumerate(headers)}
    return [(header, at[header]) for header in in_order(headers)]
