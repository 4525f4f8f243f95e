"""What becomes of children's ends: the Map Run's output, and what is told of a child that did not succeed.

Shapes and defaults are those of WriterConfig:
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html. The output of a child that succeeded
stands for it (COMPACT), its elements where it is an array (FLATTEN), or all that is known of its run (NONE); a child
that did not succeed is always told of whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from engine.arns import Place
from engine.clock import iso
from engine.core.failures import Failure, result_too_large
from engine.documents import Document
from engine.store.maps.child import child_name
from engine.store.maps.ends import Ended

Transformation = Literal["NONE", "COMPACT", "FLATTEN"]
_NOT_ALL = {"Included": True}


class PartWriter(Protocol):
    """Exports results in parts. A part has the same name whenever it is written, so that writing it again is harmless.

    Both raise SourceFailed with States.ResultWriterFailed.
    """

    async def part(self, number: int, entries: Sequence[Mapping[str, Any]]) -> None: ...

    async def close(self, parts: int) -> dict[str, Any]:
        """Write the manifest of all parts; the ResultWriterDetails."""


class Shaping:
    """Tells of the children of one run. `processor` is "DEF~LABEL"."""

    def __init__(
        self, place: Place, processor: str, run: str, transformation: Transformation
    ) -> None:
        self._place = place
        self._processor = processor
        self._run = run
        self._transformation = transformation

    @property
    def map_run_arn(self) -> str:
        return self._place.map_run(self._processor, self._run)

    def whole(self, ended: Ended) -> dict[str, Any]:
        """All that is known of a child's run, as ListExecutions, DescribeExecution and a result file tell it."""
        name = child_name(self._run, ended.index)
        entry: dict[str, Any] = {}
        if ended.cause is not None:
            entry["Cause"] = ended.cause
        if ended.error is not None:
            entry["Error"] = ended.error
        entry |= {
            "ExecutionArn": self._place.execution(f"{self._processor}:{name}"),
            "Input": ended.given.decode(),
            "InputDetails": _NOT_ALL,
            "Name": name,
        }
        if ended.output is not None:
            entry |= {"Output": ended.output.decode(), "OutputDetails": _NOT_ALL}
        started = ended.stopped_ms if ended.started_ms is None else ended.started_ms
        is_redrivable = ended.status != "SUCCEEDED"
        entry |= {
            "RedriveCount": ended.redrives,
            "RedriveStatus": "REDRIVABLE_BY_MAP_RUN" if is_redrivable else "NOT_REDRIVABLE",
        }
        if not is_redrivable:
            entry["RedriveStatusReason"] = "Execution is SUCCEEDED and cannot be redriven"
        return entry | {
            "StartDate": iso(started),
            "StateMachineArn": self._place.machine(self._processor),
            "Status": ended.status,
            "StopDate": iso(ended.stopped_ms),
        }

    def kept(self, ended: Ended) -> bytes:
        """What is kept of a child for the output, opened by one byte in place of the comma that it takes there."""
        if ended.status != "SUCCEEDED" or self._transformation == "NONE":
            return b"=" + Document.of(self.whole(ended)).text
        return b"=" + (ended.output or b"null")

    def output(self, state: str, kept: Mapping[int, bytes], bytes_max: int) -> Document | Failure:
        """The array of what was kept, in the order of the children."""
        texts = [kept[index][1:] for index in sorted(kept)]
        if self._transformation == "FLATTEN":
            texts = [part for text in texts for part in _elements(text)]
        text = b"[" + b",".join(texts) + b"]"
        if len(text) > bytes_max:
            return result_too_large(state)
        return Document.from_text(text)


def _elements(text: bytes) -> list[bytes]:
    """The elements of an array, or the value itself; an element keeps its text, but for white space around it."""
    if not text.lstrip().startswith(b"["):
        return [text]
    inner = text.strip()[1:-1].strip()
    return [inner] if inner else []
