"""Objects and the buckets they lie in: what the stores of datasets have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol


class Entry(NamedTuple):
    """What a listing tells of an object."""

    key: str
    etag: str  # with its quotation marks
    size: int
    modified_s: int  # seconds since 1970
    storage_class: str
    pin: str  # what opening it with proves that it is still the one that was listed


class Opened(NamedTuple):
    """An object opened for reading. `pin` names its content: opened with it again, it is the same or refused."""

    file: BinaryIO
    pin: str


class Bucket(Protocol):
    """One bucket. Every method raises DatasetFault."""

    def open(self, key: str, *, version: str | None = None, pin: str | None = None) -> Opened:
        """The object's bytes, seekable. `version` is S3's VersionId. Reading fails if the object is replaced meanwhile."""

    def listed(self, prefix: str = "", start_after: str = "") -> Iterator[Entry]:
        """The objects whose keys begin with `prefix` and come after `start_after`, in the order of their keys (UTF-8)."""

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write an object, replacing it where there is one: all of it, or nothing."""
