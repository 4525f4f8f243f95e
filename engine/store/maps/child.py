"""The children of a Map Run: what they are called, and what tells an execution that it is one. Pure."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from msgspec import Struct

_PREFIX_BYTES = 6


class MapChild(Struct, frozen=True, array_like=True):
    """Which child of which Map Run an execution is, and what its end tells the run."""

    run: str
    index: int
    items: int  # how many items it stands for
    is_brief: bool = False  # nothing of it is kept once it has succeeded and said so
    tells_input: bool = False  # its input goes with its end, also where it has succeeded


def child_name(run: str, index: int) -> str:
    """The name of the `index`-th child, a UUID (version 8): the same whoever starts it, and no other child's.

    It opens with `name_prefix(run)`, so that the children of a run are told from those of others by their names.
    """
    tail = hashlib.blake2b(f"{run}/{index}".encode(), digest_size=10).hexdigest()
    digits = _prefix(run) + "8" + tail[:3] + "89ab"[int(tail[3], 16) % 4] + tail[4:19]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def name_prefix(run: str) -> str:
    """What the names of a run's children open with: two runs share it once in 2^48."""
    digits = _prefix(run)
    return f"{digits[:8]}-{digits[8:]}-"


@lru_cache(maxsize=64)
def _prefix(run: str) -> str:
    return hashlib.blake2b(run.encode(), digest_size=_PREFIX_BYTES).hexdigest()
