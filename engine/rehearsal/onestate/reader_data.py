"""What an ItemReader would find: read from a text that stands for the object, in the format that the reader names."""

from __future__ import annotations

import itertools
from io import BufferedReader, BytesIO

from msgspec import structs

from engine.core.failures import Failure
from engine.core.states.distributed.selecting import Item
from engine.core.states.distributed.spec import Reader
from engine.tasks.datasets.faults import ITEMS_MAX_NEGATIVE, ItemReaderFailed
from engine.tasks.datasets.formats.decoding import UNREADABLE, content
from engine.tasks.datasets.reading import parsed


def items_in(text: str, reader: Reader) -> list[Item] | Failure:
    """The items, at most MaxItems. A listing is given as the JSON array of its entries."""
    if reader.input_type is None or reader.input_type == "MANIFEST":
        reader = structs.replace(reader, input_type="JSON")
    bucket, key = reader.parameters.get("Bucket"), reader.parameters.get("Key")
    source = f"s3://{bucket}/{key}" if key else f"s3://{bucket}"
    if reader.items_max is not None and reader.items_max < 0:
        return Failure(ItemReaderFailed.error, ITEMS_MAX_NEGATIVE)
    try:
        found = parsed(reader, content(BufferedReader(BytesIO(text.encode()))))
        entries = list(itertools.islice(found, reader.items_max))
    except ItemReaderFailed as fault:
        return Failure(fault.error, fault.cause)
    except UNREADABLE as error:
        return Failure(ItemReaderFailed.error, str(error))
    return [Item(index, entry.value, entry.key, source) for index, entry in enumerate(entries)]
