"""The datasets of a rehearsal: objects in memory, read by what reads those of a store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from io import BufferedReader, BytesIO
from typing import Any

from engine.core.states.distributed.selecting import Item
from engine.tasks.datasets.buckets import Buckets
from engine.tasks.datasets.faults import DatasetFault
from engine.tasks.datasets.objects import Bucket, Entry, Opened

Datasets = Mapping[tuple[str, str], str | bytes]  # (bucket, key) -> what the object holds
NO_DATASETS: Datasets = {}  # never changed


def entries(items: Any, source: str) -> Iterator[Item]:
    """The items of an array, or of an object: its entries."""
    if isinstance(items, dict):
        for index, (key, value) in enumerate(items.items()):
            yield Item(index, value, key, source)
    else:
        for index, value in enumerate(items):
            yield Item(index, value, None, source)


class GivenBuckets(Buckets):
    """Buckets that hold what was given, and nothing else. They are read only, and without threads."""

    def __init__(self, given: Datasets) -> None:
        self._given = given

    def bucket(self, name: str) -> Bucket:
        held = {
            key: text.encode() if isinstance(text, str) else text
            for (bucket, key), text in self._given.items()
            if bucket == name
        }
        if not held:
            raise DatasetFault(f"The rehearsal was given no bucket {name}.")
        return _GivenBucket(held)


class _GivenBucket:
    def __init__(self, held: dict[str, bytes]) -> None:
        self._held = held

    def open(self, key: str, *, version: str | None = None, pin: str | None = None) -> Opened:  # noqa: ARG002
        if key not in self._held:
            raise DatasetFault(f"The rehearsal was given no object {key}.")
        return Opened(BufferedReader(BytesIO(self._held[key])), _pin(self._held[key]))

    def listed(self, prefix: str = "", start_after: str = "") -> Iterator[Entry]:
        for key in sorted(self._held, key=str.encode):
            if key.startswith(prefix) and key.encode() > start_after.encode():
                text = self._held[key]
                pin = _pin(text)
                yield Entry(key, f'"{pin}"', len(text), 0, "STANDARD", pin)

    def put(self, key: str, body: bytes, content_type: str) -> None:  # noqa: ARG002
        raise DatasetFault("A rehearsal writes nothing.")


def _pin(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=16).hexdigest()
