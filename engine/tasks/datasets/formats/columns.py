"""The order of the members of an item that was a row of a CSV file.

AWS was recorded to put them in the order of a hash map of Java 8 and later, whatever the order of the columns. It is the
same here, so that outputs are the same to the byte.
"""

from __future__ import annotations

from collections.abc import Sequence

_CAPACITY_MIN = 16
_LOAD = 0.75  # fuller than this, the map doubles


def in_order(names: Sequence[str]) -> list[str]:
    """The names as a java.util.HashMap iterates over them, after they were put into it one after the other."""
    capacity = _CAPACITY_MIN
    while len(names) > capacity * _LOAD:
        capacity *= 2
    # Names that share a bucket stay in the order in which they came.
    return sorted(names, key=lambda name: _spread(name) & (capacity - 1))


def _spread(name: str) -> int:
    """The hash code of a java.lang.String (over UTF-16 code units), its upper half mixed into the lower."""
    code = 0
    units = name.encode("utf-16-be", "surrogatepass")
    for at in range(0, len(units), 2):
        code = (31 * code + (units[at] << 8 | units[at + 1])) & 0xFFFFFFFF
    return code ^ (code >> 16)
