"""Where the results of a Map Run are exported to: files under `<prefix>/<run>/`, and a manifest that names them.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html. A file is written whole and under the
same name each time, so a process that takes over may write it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.core.states.distributed.spec import Writer
from engine.documents import Document
from engine.tasks.datasets.buckets import Buckets
from engine.tasks.datasets.faults import DatasetFault, ResultWriterFailed
from engine.tasks.datasets.results import FILE_STATUSES, FileStatus, Result, body_of, file_of

_CONTENT_TYPES = {"JSON": "application/json", "JSONL": "application/jsonl"}


class ResultSink:
    """Exports the results of one Map Run, whose id is `run`. Raises ResultWriterFailed."""

    def __init__(self, writer: Writer, run: str, map_run_arn: str, buckets: Buckets) -> None:
        assert writer.bucket is not None, "nothing is exported"
        self._writer = writer
        self._bucket = writer.bucket
        self._map_run_arn = map_run_arn
        self._buckets = buckets
        prefix = writer.prefix.strip("/")
        self._folder = f"{prefix}/{run}/" if prefix else f"{run}/"

    async def part(self, number: int, results: Sequence[Result]) -> None:
        """Write the `number`-th lot of results: a file for each status among them. The same lot makes the same files."""
        for status in FILE_STATUSES:
            chosen = [result for result in results if file_of(result) == status]
            if chosen:
                form = self._writer.output_type
                body = body_of(chosen, self._writer)
                await self._put(self._key(status, number), body, _CONTENT_TYPES[form])

    async def close(self, parts: int) -> dict[str, Any]:
        """Write the manifest of all files of lots below `parts`; the ResultWriterDetails: where it is."""
        sizes = await self._sizes()
        files = {
            status: [
                {"Key": key, "Size": sizes[key]}
                for key in (self._key(status, number) for number in range(parts))
                if key in sizes
            ]
            for status in FILE_STATUSES
        }
        manifest = {
            "DestinationBucket": self._bucket,
            "MapRunArn": self._map_run_arn,
            "ResultFiles": files,
        }
        key = f"{self._folder}manifest.json"
        await self._put(key, Document.of(manifest).text, _CONTENT_TYPES["JSON"])
        return {"Bucket": self._bucket, "Key": key}

    def _key(self, status: FileStatus, number: int) -> str:
        return f"{self._folder}{status}_{number}.{self._writer.output_type.lower()}"

    async def _sizes(self) -> dict[str, int]:
        """Of every file that is there, by key: which files a lot was written to is kept nowhere else."""

        def listed() -> dict[str, int]:
            entries = self._buckets.bucket(self._bucket).listed(self._folder)
            return {entry.key: entry.size for entry in entries}

        try:
            return await self._buckets.run(listed)
        except DatasetFault as fault:
            raise ResultWriterFailed(fault.cause) from None

    async def _put(self, key: str, body: bytes, content_type: str) -> None:
        def put() -> None:
            self._buckets.bucket(self._bucket).put(key, body, content_type)

        try:
            await self._buckets.run(put)
        except DatasetFault as fault:
            raise ResultWriterFailed(fault.cause) from None
