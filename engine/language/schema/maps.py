"""What is written in a Map state: its ProcessorConfig, and the objects in it that have fields of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from engine.language.document import Node
from engine.language.text.source import Path

DISTRIBUTED_FIELDS = ("ItemReader", "ItemBatcher", "ResultWriter", "Label")


class Part(NamedTuple):
    """An object inside a state."""

    path: Path
    fields: dict[str, Any]


def processor_config(node: Node) -> Part | None:
    """The ProcessorConfig of a Map, where it has one that is an object."""
    for name in ("ItemProcessor", "Iterator") if node.type == "Map" else ():
        processor = node.fields.get(name)
        config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
        if isinstance(config, dict):
            return Part((*node.path, name, "ProcessorConfig"), config)
    return None


def part(node: Node, *names: str) -> Part | None:
    """The object at the end of a way of fields, where there is one."""
    fields: Any = node.fields
    for name in names:
        fields = fields.get(name) if isinstance(fields, dict) else None
    return Part((*node.path, *names), fields) if isinstance(fields, dict) else None


def parts(node: Node) -> Iterator[Part]:
    """The objects of a distributed Map whose fields depend on the query language."""
    ways = (("ItemReader",), ("ItemReader", "ReaderConfig"), ("ItemBatcher",), ("ResultWriter",))
    for names in ways if node.type == "Map" else ():
        found = part(node, *names)
        if found is not None:
            yield found
