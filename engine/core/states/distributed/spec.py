"""What a distributed Map asks of its Map Run: everything that was evaluated when the state was arrived at.

It is the input of the task that the Map Run is, kept as JSON, so that whichever process drives the run reads the same.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from engine.core.execution import Names

MAPS_QUEUE = "@maps"  # the engine's own queue, of the tasks that are Map Runs
SEPARATOR = (
    "~"  # between a definition and the label of one of its distributed Maps, in the ids of children
)


def processor_of(definition: str, label: str) -> str:
    """What the children of a distributed Map are executions of: the definition's part in their ids."""
    return f"{definition}{SEPARATOR}{label}"


class Reader(Struct, frozen=True, omit_defaults=True):
    """ItemReader, evaluated. `parameters` are the service call's, such as Bucket and Key."""

    action: Literal["getObject", "listObjectsV2"]
    parameters: dict[str, Any]
    input_type: Literal["CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"] | None = None
    transformation: Literal["NONE", "LOAD_AND_FLATTEN"] = "NONE"
    csv_headers: tuple[str, ...] | None = None
    csv_delimiter: Literal["COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"] = "COMMA"
    items_pointer: str | None = None
    manifest_type: Literal["ATHENA_DATA", "S3_INVENTORY"] | None = None
    items_max: int | None = None


class Batcher(Struct, frozen=True, omit_defaults=True):
    """ItemBatcher, evaluated. `input` is BatchInput's value; absent where the author gives none."""

    items_max: int | None = None
    bytes_max: int | None = None
    input: Any = None
    has_input: bool = False


class Writer(Struct, frozen=True, omit_defaults=True):
    """ResultWriter, evaluated. Without a bucket nothing is exported: only the output takes another form."""

    bucket: str | None = None
    prefix: str = ""
    transformation: Literal["NONE", "COMPACT", "FLATTEN"] = "NONE"
    output_type: Literal["JSON", "JSONL"] = "JSON"


class MapRunSpec(Struct, frozen=True, omit_defaults=True):
    """One Map Run. `selecting` holds what ItemSelector reads besides the item; None where there is no ItemSelector."""

    run: str  # a UUID, derived from the parent's seed: the same at every delivery
    parent: str  # execution id
    definition: str
    version: int
    state: str
    label: str
    execution_type: Literal["STANDARD", "EXPRESS"]
    depth: int = 0  # executions above the children
    items: Any = (
        None  # an array, or an object whose entries are the items; None where a reader finds them
    )
    reader: Reader | None = None
    batcher: Batcher | None = None
    writer: Writer | None = None
    concurrency_max: int = 0  # 0: no limit of the author's
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None
    selecting: dict[str, Any] | None = None
    names: Names | None = None  # the parent's
    redrives: int = 0  # how often the run is to have been redriven

    @property
    def tells_inputs(self) -> bool:
        """Whether the results tell the inputs of children that have succeeded; those of the others are always told."""
        return self.writer is not None and self.writer.transformation == "NONE"
