"""Manifests: files that name the files whose entries are the items.

S3_INVENTORY  a manifest.json and the CSV files that it lists; an item is what a row says of an object.
              https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
ATHENA_DATA   what Athena's UNLOAD leaves: a line with the address of each data file.
              https://docs.aws.amazon.com/athena/latest/ug/unload.html
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader
from typing import NamedTuple

import msgspec

from engine.tasks.datasets.faults import ItemReaderFailed
from engine.tasks.datasets.formats.decoding import lines
from engine.tasks.datasets.formats.entries import ENTRY_BYTES_MAX


class _DataFile(msgspec.Struct, frozen=True):
    key: str


class _Inventory(msgspec.Struct, frozen=True, rename="camel"):
    destination_bucket: str
    file_format: str
    file_schema: str
    files: list[_DataFile]


class Inventory(NamedTuple):
    """Where the data files of an inventory are, and the columns that all of them have."""

    bucket: str
    keys: tuple[str, ...]
    headers: tuple[str, ...]


def inventory(reader: BufferedReader) -> Inventory:
    """Raises ItemReaderFailed for what is no inventory, or one in ORC or Parquet."""
    text = reader.read(ENTRY_BYTES_MAX + 1)
    if len(text) > ENTRY_BYTES_MAX:
        raise ItemReaderFailed(f"The manifest is larger than {ENTRY_BYTES_MAX} bytes")
    try:
        read = msgspec.json.decode(text, type=_Inventory)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ItemReaderFailed(
            f"The file is not the manifest of an S3 inventory: {error}"
        ) from None
    if read.file_format != "CSV":
        raise ItemReaderFailed(f"Inventories are read in the format CSV, not {read.file_format}")
    bucket = read.destination_bucket.rpartition(":")[2]  # an ARN or a name
    headers = tuple(column.strip() for column in read.file_schema.split(","))
    return Inventory(bucket, tuple(file.key for file in read.files), headers)


def addresses(reader: BufferedReader) -> Iterator[tuple[str, str]]:
    """Bucket and key of each data file of an Athena manifest. Raises ItemReaderFailed."""
    for number, line in enumerate(lines(reader), 1):
        address = line.decode().strip().strip('"')
        if not address:
            continue
        scheme, _, place = address.partition("://")
        bucket, _, key = place.partition("/")
        if scheme.lower() != "s3" or not key:
            raise ItemReaderFailed(
                f"Line {number} of the manifest is no address of an object in S3"
            )
        yield bucket, key
