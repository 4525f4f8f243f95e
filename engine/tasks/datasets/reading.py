"""Reading: from what ItemReader asks for to entries, each with its source. Blocks; `dataset` does it in threads.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from engine.core.states.distributed.selecting import STATE_DATA
from engine.core.states.distributed.spec import MapRunSpec, Reader
from engine.tasks.datasets.buckets import Buckets
from engine.tasks.datasets.faults import NOT_ITERABLE, DatasetFault, ItemReaderFailed
from engine.tasks.datasets.formats.decoding import UNREADABLE, content, unreadable
from engine.tasks.datasets.formats.entries import Entry
from engine.tasks.datasets.formats.json_items import json_entries
from engine.tasks.datasets.formats.json_lines import json_line_entries
from engine.tasks.datasets.formats.manifests import addresses, inventory
from engine.tasks.datasets.formats.parquet import parquet_entries
from engine.tasks.datasets.formats.tables import table_entries
from engine.tasks.datasets.objects import Entry as Listed
from engine.tasks.datasets.objects import Opened

LISTED_BYTES = 200  # what an entry of a listing takes, besides its key


class Found(NamedTuple):
    """An entry and where it was read."""

    entry: Entry
    source: str


class Reading:
    """Reads the entries of one Map Run's dataset, as often as it is asked to.

    `pin` names the content of the object that ItemReader names, once that was opened: read again with it, the entries are
    the same or the reading fails. A listing has none.
    """

    def __init__(self, spec: MapRunSpec, buckets: Buckets, pin: str | None = None) -> None:
        self._spec = spec
        self._buckets = buckets
        self.pin = pin

    def entries(self) -> Iterator[Found]:
        """All entries, in order. Raises ItemReaderFailed."""
        reader = self._spec.reader
        if reader is None:
            return _of_state_data(self._spec.items)
        return self._listed(reader) if reader.action == "listObjectsV2" else self._read(reader)

    def _listed(self, reader: Reader) -> Iterator[Found]:
        bucket, given = _text(reader, "Bucket"), reader.parameters
        prefix, delimiter = str(given.get("Prefix") or ""), str(given.get("Delimiter") or "")
        try:
            listed = self._buckets.bucket(bucket).listed(prefix, str(given.get("StartAfter") or ""))
            for each in listed:
                if delimiter and delimiter in each.key[len(prefix) :]:
                    continue  # S3 tells only what they have in common
                if reader.transformation == "NONE":
                    yield Found(_metadata(each), f"s3://{bucket}")
                elif not (each.key.endswith("/") and each.size == 0):  # a console's folder
                    yield from self._object(reader, bucket, each.key, pin=each.pin or None)
        except DatasetFault as fault:
            raise unreadable(fault, bucket) from None

    def _read(self, reader: Reader) -> Iterator[Found]:
        bucket, key = _text(reader, "Bucket"), _text(reader, "Key")
        if reader.manifest_type == "ATHENA_DATA":
            yield from self._of_athena(reader, bucket, key)
        elif reader.manifest_type == "S3_INVENTORY" or reader.input_type == "MANIFEST":
            yield from self._of_inventory(reader, bucket, key)
        else:
            yield from self._object(reader, bucket, key, is_named=True)

    def _of_inventory(self, reader: Reader, bucket: str, key: str) -> Iterator[Found]:
        with self._opened(reader, bucket, key, is_named=True) as file:
            about = inventory(file)
        rows = Reader(
            action="getObject", parameters={}, input_type="CSV", csv_headers=about.headers
        )
        for each in about.keys:
            yield from self._object(rows, about.bucket, each)

    def _of_athena(self, reader: Reader, bucket: str, key: str) -> Iterator[Found]:
        with self._opened(reader, bucket, key, is_named=True) as file:
            for place in addresses(file):
                yield from self._object(reader, *place)

    def _object(
        self,
        reader: Reader,
        bucket: str,
        key: str,
        *,
        pin: str | None = None,
        is_named: bool = False,
    ) -> Iterator[Found]:
        """The entries of one object, in the format that the reader names."""
        source = f"s3://{bucket}/{key}"
        with self._opened(reader, bucket, key, pin=pin, is_named=is_named) as file:
            for entry in parsed(reader, file):
                yield Found(entry, source)

    def _opened(
        self,
        reader: Reader,
        bucket: str,
        key: str,
        *,
        pin: str | None = None,
        is_named: bool = False,
    ) -> _Opening:
        version = reader.parameters.get("VersionId") if is_named else None
        opened = _open(self._buckets, bucket, key, version, self.pin if is_named else pin)
        if is_named:
            self.pin = opened.pin
        return _Opening(opened, f"s3://{bucket}/{key}", is_raw=reader.input_type == "PARQUET")


class _Opening:
    """An object's content while it is read. What goes wrong meanwhile is raised as ItemReaderFailed."""

    def __init__(self, opened: Opened, shown: str, *, is_raw: bool) -> None:
        self._opened = opened
        self._shown = shown
        self._is_raw = is_raw

    def __enter__(self) -> Any:
        try:
            return self._opened.file if self._is_raw else content(self._opened.file)
        except (DatasetFault, OSError, *UNREADABLE) as error:
            self._opened.file.close()
            raise unreadable(error, self._shown) from None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._opened.file.close()
        if isinstance(error, ItemReaderFailed):
            return
        if isinstance(error, (DatasetFault, OSError, *UNREADABLE)):
            raise unreadable(error, self._shown) from None


def _open(buckets: Buckets, bucket: str, key: str, version: str | None, pin: str | None) -> Opened:
    try:
        return buckets.bucket(bucket).open(key, version=version, pin=pin)
    except DatasetFault as fault:
        raise unreadable(fault, key) from None


def parsed(reader: Reader, file: Any) -> Iterator[Entry]:
    """The entries of an object in the format that the reader names; `file` is its content, seekable where that is Parquet."""
    match reader.input_type:
        case "JSON":
            return json_entries(file, reader.items_pointer)
        case "JSONL":
            return json_line_entries(file)
        case "CSV":
            return table_entries(file, reader.csv_delimiter, reader.csv_headers)
        case "PARQUET":
            return parquet_entries(file)
        case _:
            raise ItemReaderFailed("ReaderConfig names no InputType to read objects in")


def _of_state_data(items: Any) -> Iterator[Found]:
    if isinstance(items, list):
        return (Found(Entry(value), STATE_DATA) for value in items)
    if isinstance(items, dict):
        return (Found(Entry(value, key), STATE_DATA) for key, value in items.items())
    raise ItemReaderFailed(NOT_ITERABLE)


def _metadata(listed: Listed) -> Entry:
    """What Step Functions makes of an entry of a listing."""
    value = {
        "Etag": listed.etag,
        "Key": listed.key,
        "LastModified": listed.modified_s,
        "Size": listed.size,
        "StorageClass": listed.storage_class,
    }
    return Entry(value, None, LISTED_BYTES + len(listed.key))


def _text(reader: Reader, name: str) -> str:
    value = reader.parameters.get(name)
    if not isinstance(value, str) or not value:
        raise ItemReaderFailed(f"ItemReader names no {name}")
    return value
