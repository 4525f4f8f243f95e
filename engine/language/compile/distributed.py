"""The fields that only a distributed Map has."""

from __future__ import annotations

from typing import Any

from engine.language.document import is_distributed
from engine.language.fields import Fields
from engine.language.machine import Distributed, ItemBatcher, ItemReader, ResultWriter


def compile_distributed(fields: Fields) -> Distributed | None:
    """What a Map in DISTRIBUTED mode has besides; None for an inline one.

    An inline Map may have tolerances, which do nothing; they are checked as AWS checks them. The label is still the
    author's: what is to stand where there is none is told of all Maps together (`processors`).
    """
    count = fields.number("ToleratedFailureCount")
    percentage = fields.percentage("ToleratedFailurePercentage")
    if not is_distributed(fields.node):
        return None
    processor: Any = fields.inside("ItemProcessor") or fields.inside("Iterator")
    config = processor.written["ProcessorConfig"]
    return Distributed(
        label=fields.text("Label") or "",
        execution_type="EXPRESS" if config.get("ExecutionType") == "EXPRESS" else "STANDARD",
        reader=_reader(fields),
        batcher=_batcher(fields),
        writer=_writer(fields),
        tolerated_count=count,
        tolerated_percentage=percentage,
    )


def _reader(fields: Fields) -> ItemReader | None:
    written = fields.inside("ItemReader")
    if written is None:
        return None
    parameters = written.arguments()
    lists = (written.text("Resource") or "").endswith(":listObjectsV2")
    config = written.inside("ReaderConfig")
    given: dict[str, Any] = {} if config is None else config.written
    is_given = given.get("CSVHeaderLocation") == "GIVEN"
    headers = given.get("CSVHeaders") if is_given else None
    return ItemReader(
        action="listObjectsV2" if lists else "getObject",
        parameters=parameters,
        input_type=given.get("InputType"),
        transformation=given.get("Transformation", "NONE"),
        csv_headers=tuple(headers) if isinstance(headers, list) else None,
        csv_delimiter=given.get("CSVDelimiter", "COMMA"),
        items_pointer=given.get("ItemsPointer"),
        manifest_type=given.get("ManifestType"),
        items_max=None if config is None else config.number("MaxItems"),
    )


def _batcher(fields: Fields) -> ItemBatcher | None:
    written = fields.inside("ItemBatcher")
    if written is None:
        return None
    return ItemBatcher(
        items_max=written.number("MaxItemsPerBatch"),
        bytes_max=written.number("MaxInputBytesPerBatch"),
        input=written.payload("BatchInput"),
    )


def _writer(fields: Fields) -> ResultWriter | None:
    written = fields.inside("ResultWriter")
    if written is None:
        return None
    parameters = written.arguments()
    config = written.inside("WriterConfig")
    given: dict[str, Any] = {} if config is None else config.written
    return ResultWriter(
        exports=written.text("Resource") is not None,
        parameters=parameters,
        transformation=given.get("Transformation"),
        output_type=given.get("OutputType"),
    )
