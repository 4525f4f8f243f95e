"""What a Map Run reads from outside and exports to: the datasets and files of results of `engine.tasks.datasets`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from engine.core.failures import Failure
from engine.core.states.distributed.selecting import Item
from engine.core.states.distributed.spec import MapRunSpec
from engine.runtime.maps.results import PartWriter, Shaping
from engine.runtime.maps.sources import Items, SourceFailed, StateData
from engine.tasks.datasets.buckets import Buckets
from engine.tasks.datasets.dataset import Dataset
from engine.tasks.datasets.faults import ItemReaderFailed, ResultWriterFailed
from engine.tasks.datasets.sink import ResultSink


class Datasets:
    """Opens items and writers of results, over the buckets of one process."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def open_items(self, spec: MapRunSpec, pin: str) -> Items:
        if spec.reader is None:
            return StateData(spec)
        return _Read(Dataset(spec.reader, self._buckets, pin=pin))

    def writer_of(self, spec: MapRunSpec, shaping: Shaping) -> PartWriter | None:
        """None where nothing is exported."""
        writer = spec.writer
        if writer is None or writer.bucket is None:
            return None
        return _Exported(ResultSink(writer, spec.run, shaping.map_run_arn, self._buckets))

    def close(self) -> None:
        self._buckets.close()


class _Read:
    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @property
    def pin(self) -> str:
        return self._dataset.pin

    async def items(self, start: int) -> AsyncGenerator[Item]:
        found = self._dataset.items(start)
        try:
            async for item in found:
                yield item
        except ItemReaderFailed as failed:
            raise SourceFailed(Failure(failed.error, failed.cause)) from failed
        finally:
            await found.aclose()


class _Exported:
    def __init__(self, sink: ResultSink) -> None:
        self._sink = sink

    async def part(self, number: int, entries: Sequence[Mapping[str, Any]]) -> None:
        try:
            await self._sink.part(number, entries)
        except ResultWriterFailed as failed:
            raise SourceFailed(Failure(failed.error, failed.cause)) from failed

    async def close(self, parts: int) -> dict[str, Any]:
        try:
            return await self._sink.close(parts)
        except ResultWriterFailed as failed:
            raise SourceFailed(Failure(failed.error, failed.cause)) from failed
