"""What a Map Run tells of a child's end: as a whole result, or what takes its place in the run's output. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from engine.arns import Place
from engine.core.failures import Failure, result_too_large
from engine.core.states.distributed.spec import MapRunSpec
from engine.documents import Document
from engine.store.maps.child import child_name
from engine.store.maps.ends import Ended
from engine.tasks.datasets.results import ChildResult, output_of

WHITE = b"\n\r\t "


class Shaping:
    """Of one run. `processor` is "DEF~LABEL"; `place` says what ARNs its children go by."""

    def __init__(self, place: Place, processor: str, spec: MapRunSpec) -> None:
        self._place = place
        self._processor = processor
        self._spec = spec
        self._is_plain = spec.writer is None

    @property
    def map_run_arn(self) -> str:
        return self._place.map_run(self._processor, self._spec.run)

    def identifier(self, index: int) -> str:
        """The id of a child. An Express one's has the run's, as it has no place of its own."""
        name = child_name(self._spec.run, index)
        if self._spec.execution_type == "EXPRESS":
            return f"{self._processor}:{self._spec.run}:{name}"
        return f"{self._processor}:{name}"

    def result(self, ended: Ended) -> ChildResult:
        """All that is known of a child."""
        return ChildResult(
            execution_arn=self._place.execution(self.identifier(ended.index)),
            name=child_name(self._spec.run, ended.index),
            state_machine_arn=self._place.machine(self._processor),
            status=ended.status,
            input=Document.from_text(ended.given) if ended.given else None,
            output=None if ended.output is None else Document.from_text(ended.output),
            error=ended.error,
            cause=ended.cause,
            started_ms=ended.started_ms,
            stopped_ms=ended.stopped_ms,
            redrives=ended.redrives,
        )

    def kept(self, ended: Ended) -> bytes:
        """What is kept of a child for the output: its elements, each after a comma, so that their sizes add up."""
        output = ended.output
        is_plain = self._is_plain and ended.status == "SUCCEEDED" and output is not None
        if is_plain and output is not None and not any(white in output for white in WHITE):
            return b"," + output
        inner = output_of([self.result(ended)], self._spec.writer).text[1:-1]
        return b"," + inner if inner else b""

    def output(self, kept: Mapping[int, bytes], bytes_max: int) -> Document | Failure:
        """The array of what was kept, in the order of the children."""
        text = b"[" + b"".join(kept[index] for index in sorted(kept))[1:] + b"]"
        if len(text) > bytes_max:
            return result_too_large(self._spec.state)
        return Document.from_text(text)
