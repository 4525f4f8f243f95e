"""What is kept of children's ends while a Map Run goes on, and what is made of it: an output, or parts that are exported.

Either is bounded: an output's results by the payload limit, beyond which none is kept and the run fails in the end; those
of a part by the size of one. A part that was written and not noted is written again under the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.core.failures import Failure, result_too_large
from engine.documents import Document
from engine.runtime.maps.results import PartWriter, Shaping
from engine.runtime.maps.sources import SourceFailed
from engine.store.maps import ends
from engine.store.maps.ends import Ended
from engine.store.maps.held import Held
from engine.store.maps.runs import MapRuns

NOTED = 250  # ends counted by one script
NOTED_BYTES = 1024 * 1024  # of what is kept of them, beyond the first one's
PART_BYTES = 4 * 1024 * 1024  # of the results that are exported together
FLATTENED = 3  # bytes that an empty array takes before it is left out: so often the limit is kept until the end

Kept = list[tuple[Ended, bytes | None]]


class Results:
    """Of one run; `writer` where they are exported. `bytes_max` bounds the output."""

    def __init__(
        self, runs: MapRuns, shaping: Shaping, writer: PartWriter | None, *, bytes_max: int
    ) -> None:
        self._runs = runs
        self._shaping = shaping
        self._writer = writer
        self._bytes_max = bytes_max

    @property
    def size_max(self) -> int:
        """Bytes beyond which no result is kept; 0 is no limit."""
        return 0 if self._writer is not None else FLATTENED * self._bytes_max

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
        if self._writer is not None:
            return ends.pack(ended)
        return None if held.standing.size < 0 else self._shaping.kept(ended)

    async def export(self, held: Held, *, last: bool = False) -> None:
        """Write what is kept as a part, once there is enough for one. Raises SourceFailed where it cannot be written."""
        if self._writer is None or (held.standing.size < PART_BYTES and not last):
            return
        kept = await self._runs.results(held)
        if not kept:
            return
        told = [ends.unpack(kept[index]) for index in sorted(kept)]
        await self._writer.part(held.parts, [self._shaping.whole(each) for each in told])
        held.parts += 1
        held.written += len(told)
        await self._runs.advance(
            held,
            fields={"parts": str(held.parts)},
            written=len(told),
            count={"written_items": sum(each.items for each in told)},
        )

    async def outcome(self, held: Held, state: str) -> Document | Failure:
        """The output of a run whose children have all ended; the same whenever it is asked for."""
        if self._writer is None:
            if held.standing.size < 0:
                return result_too_large(state)
            kept = await self._runs.results(held)
            return self._shaping.output(state, kept, self._bytes_max)
        try:
            await self.export(held, last=True)
            details: dict[str, Any] = await self._writer.close(held.parts)
        except SourceFailed as error:
            return error.failure
        arn = self._shaping.map_run_arn
        return Document.of({"MapRunArn": arn, "ResultWriterDetails": details})
