"""Parquet: one item in each row, an object by column. Read by pyarrow, which is used where it is installed."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

from engine.tasks.datasets.faults import ItemReaderFailed
from engine.tasks.datasets.formats.entries import Entry

ROWS_AT_ONCE = 500


def parquet_entries(file: BinaryIO) -> Iterator[Entry]:
    """The rows as objects; `file` is seekable. Raises ItemReaderFailed."""
    try:
        from pyarrow import ArrowException  # noqa: PLC0415 - large, and not needed by anything else
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415
    except ImportError:
        cause = "Parquet files need the package pyarrow, which is not installed on this server"
        raise ItemReaderFailed(cause) from None
    try:
        for batch in ParquetFile(file).iter_batches(batch_size=ROWS_AT_ONCE):
            size = batch.nbytes // max(1, batch.num_rows)
            for row in batch.to_pylist():
                yield Entry(plain(row), None, size)
    except ArrowException as error:
        raise ItemReaderFailed(f"The file is not valid Parquet: {error}") from None


def plain(value: Any) -> Any:
    """A value of Parquet as JSON: moments as ISO 8601, decimals as text, bytes as Base64, what is no number as null."""
    match value:
        case dict():
            return {str(key): plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case float() if not math.isfinite(value):
            return None
        case date() | time():  # a datetime is a date
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return value
