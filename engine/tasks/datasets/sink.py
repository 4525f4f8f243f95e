"""Where the results of a Map Run are written to: files under `<prefix>/<run>/`, and a manifest that names them.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html. A file is written whole and under the
same name each time, so a process that takes over may write it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from engine.core.states.distributed.spec import Writer
from engine.documents import Document
from engine.tasks.datasets.buckets import Buckets
from engine.tasks.datasets.faults import DatasetFault, ResultWriterFailed
from engine.tasks.datasets.results import CONTENT_TYPES, ChildResult, FileStatus, body_of

# A file is in memory while it is written. Fill one with results up to about so many bytes.
PART_BYTES = 8 * 1024 * 1024


class Part(Struct, frozen=True, array_like=True):
    """One file of results that has been written."""

    key: str
    size: int


class ResultSink:
    """Writes the results of one Map Run, whose id is `run`. Raises ResultWriterFailed."""

    def __init__(self, writer: Writer, run: str, buckets: Buckets) -> None:
        assert writer.bucket is not None, "nothing is exported"
        self._writer = writer
        self._bucket = writer.bucket
        self._buckets = buckets
        prefix = writer.prefix.strip("/")
        self._folder = f"{prefix}/{run}" if prefix else run

    async def write(self, status: FileStatus, number: int, results: Iterable[ChildResult]) -> Part:
        """Write the `number`-th file of this status. Given the same results again, it is the same object again.

        The file is made in a thread, where `results` are iterated as well: others have a turn meanwhile.
        """
        form = self._writer.output_type
        key = f"{self._folder}/{status}_{number}.{form.lower()}"
        body = await self._buckets.run(lambda: body_of(results, self._writer))
        await self._put(key, body, CONTENT_TYPES[form])
        return Part(key, len(body))

    async def finish(
        self, map_run_arn: str, parts: Mapping[FileStatus, Sequence[Part]]
    ) -> Document:
        """Write the manifest; the result of the Map. To be called when every part has been written, or without any.

        The result: {"MapRunArn", "ResultWriterDetails": {"Bucket", "Key"}}, the key being the manifest's.
        """
        files = {
            status: [{"Key": part.key, "Size": part.size} for part in parts.get(status, ())]
            for status in _STATUSES
        }
        manifest = {
            "DestinationBucket": self._bucket,
            "MapRunArn": map_run_arn,
            "ResultFiles": files,
        }
        key = f"{self._folder}/manifest.json"
        await self._put(key, Document.of(manifest).text, CONTENT_TYPES["JSON"])
        details = {"Bucket": self._bucket, "Key": key}
        return Document.of({"MapRunArn": map_run_arn, "ResultWriterDetails": details})

    async def _put(self, key: str, body: bytes, content_type: str) -> None:
        def put() -> None:
            self._buckets.bucket(self._bucket).put(key, body, content_type)

        try:
            await self._buckets.run(put)
        except DatasetFault as fault:
            raise ResultWriterFailed(fault.cause) from None


_STATUSES: tuple[FileStatus, ...] = ("FAILED", "PENDING", "SUCCEEDED")
