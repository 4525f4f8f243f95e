"""An entry of a dataset, and the limits that keep one from filling the memory."""

from __future__ import annotations

from typing import Any, NamedTuple

# Far beyond what a child may be given; what is larger is a file in another format than the reader was told.
ENTRY_BYTES_MAX = 8 * 1024 * 1024


class Entry(NamedTuple):
    """One item before it is numbered. `key` is its name where the dataset is an object; `size` about its bytes."""

    value: Any
    key: str | None = None
    size: int = 0
