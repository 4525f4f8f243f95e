"""What is kept of children's ends while a Map Run goes on, and what is made of it: an output, or parts that are exported.

Either is bounded: an output's results by the payload limit, beyond which none is kept and the run fails in the end; those
of a part by the size of one. A part that was written and not noted is written again under the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from engine.core.failures import Failure, result_too_large
from engine.documents import Document
from engine.runtime.maps.shaping import Shaping
from engine.runtime.maps.sources import SourceFailed
from engine.store.maps import ends
from engine.store.maps.ends import Ended
from engine.store.maps.held import Held
from engine.store.maps.runs import MapRuns
from engine.tasks.datasets.faults import ResultWriterFailed
from engine.tasks.datasets.results import ChildResult, FileStatus, file_of
from engine.tasks.datasets.sink import Part, ResultSink

NOTED = 250  # ends counted by one script
# Of the results that are exported together. While they become a file they take some ten times as much of this process.
PART_BYTES = 2 * 1024 * 1024
NOTED_BYTES = 1024 * 1024  # of what is kept of them, beyond the first one's

Kept = list[tuple[Ended, bytes | None]]
Parts = dict[FileStatus, list[Part]]


class Results:
    """Of one run; `sink` where they are exported. `bytes_max` bounds the output."""

    def __init__(
        self, runs: MapRuns, shaping: Shaping, sink: ResultSink | None, *, bytes_max: int
    ) -> None:
        self._runs = runs
        self._shaping = shaping
        self._sink = sink
        self._bytes_max = bytes_max

    @property
    def size_max(self) -> int:
        """Bytes beyond which no result is kept; 0 is no limit."""
        return 0 if self._sink is not None else self._bytes_max - 1

    def kept(self, held: Held, ended: Sequence[Ended]) -> Iterator[Kept]:
        """What is to be kept of each, in lots that one script takes."""
        lot: Kept = []
        size = 0
        for each in ended:
            data = self._kept(held, each)
            lot.append((each, data))
            size += len(data or b"")
            if len(lot) == NOTED or size > NOTED_BYTES:
                yield lot
                lot, size = [], 0
        if lot:
            yield lot

    def _kept(self, held: Held, ended: Ended) -> bytes | None:
        if self._sink is not None:
            return ends.pack(ended)
        return None if held.standing.size < 0 else self._shaping.kept(ended)

    async def export(self, held: Held, *, last: bool = False) -> None:
        """Write what is kept, once there is enough for a file. Raises SourceFailed where it cannot be written."""
        if self._sink is None or (held.standing.size < PART_BYTES and not last):
            return
        kept = await self._runs.results(held)
        if not kept:
            return
        told = [ends.unpack(kept[index]) for index in sorted(kept)]
        parts = parts_of(held)
        try:
            for status in dict.fromkeys(file_of(each.status) for each in told):
                results = self._told(told, status)
                known = parts.setdefault(status, [])
                known.append(await self._sink.write(status, len(known), results))
        except ResultWriterFailed as fault:
            raise SourceFailed(Failure(fault.error, fault.cause)) from None
        held.parts = msgspec.msgpack.encode(parts)
        await self._runs.advance(
            held,
            fields={"parts": held.parts},
            written=len(told),
            count={"written_items": sum(each.items for each in told)},
        )

    def _told(self, told: Sequence[Ended], status: FileStatus) -> Iterator[ChildResult]:
        return (self._shaping.result(each) for each in told if file_of(each.status) == status)

    async def outcome(self, held: Held, state: str) -> Document | Failure:
        """The output of a run whose children have all ended; the same whenever it is asked for."""
        if self._sink is not None:
            try:
                return await self._manifest(held)
            except SourceFailed as error:
                return error.failure
        if held.standing.size < 0:
            return result_too_large(state)
        return self._shaping.output(await self._runs.results(held), self._bytes_max)

    async def finish_failed(self, held: Held) -> None:
        """Export what there is of a run that has failed. Where that cannot be written either, the run's own failure tells."""
        if self._sink is not None:
            try:
                await self._manifest(held)
            except SourceFailed:
                return

    async def _manifest(self, held: Held) -> Document:
        assert self._sink is not None
        if held.standing.status == "RUNNING":
            await self.export(held, last=True)
        try:
            return await self._sink.finish(self._shaping.map_run_arn, parts_of(held))
        except ResultWriterFailed as fault:
            raise SourceFailed(Failure(fault.error, fault.cause)) from None


def parts_of(held: Held) -> Parts:
    """The files that have been written so far."""
    return msgspec.msgpack.decode(held.parts, type=Parts) if held.parts else {}
