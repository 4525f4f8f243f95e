"""The forms in which the results of children are exported. Pure.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html. A result comes in the form NONE, what
DescribeExecution tells of the child, with its input and output as JSON text. Of a child that succeeded, COMPACT makes its
output, and FLATTEN the elements of that where it is an array; all others keep the form NONE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from engine.core.states.distributed.spec import Writer
from engine.documents import Document

Result = Mapping[str, Any]
FileStatus = Literal[
    "SUCCEEDED", "FAILED", "PENDING"
]  # what the files of results are told apart by
FILE_STATUSES: tuple[FileStatus, ...] = ("FAILED", "PENDING", "SUCCEEDED")


def file_of(result: Result) -> FileStatus:
    """Which file a result goes into: time-outs and aborted children are failures, what has not ended is pending."""
    status = result["Status"]
    if status == "SUCCEEDED":
        return "SUCCEEDED"
    return "PENDING" if status in ("PENDING", "RUNNING") else "FAILED"


def body_of(results: Iterable[Result], writer: Writer) -> bytes:
    """The content of one file: a JSON array of the results, or a line of JSON for each."""
    texts = _texts(results, writer)
    if writer.output_type == "JSONL":
        return b"".join(text + b"\n" for text in texts)
    return b"[" + b",".join(texts) + b"]"


def _texts(results: Iterable[Result], writer: Writer) -> Iterator[bytes]:
    for result in results:
        if writer.transformation == "NONE" or result["Status"] != "SUCCEEDED":
            yield Document.of(result).text
            continue
        output = Document.from_text(result.get("Output", "null").encode())
        if writer.transformation == "FLATTEN" and isinstance(output.value, list):
            yield from (Document.of(element).text for element in output.value)
        else:
            yield Document.of(
                output.value
            ).text  # without the line ends that its author may have put in
