"""What a Map Run tells of its children: ResultWriter's forms of their results. Pure.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html

NONE     what DescribeExecution tells of the child, with input and output as text
COMPACT  the child's output
FLATTEN  the child's output; of one that is an array, its elements

Children that did not succeed always take the form NONE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from msgspec import Struct

from engine.core.records import iso
from engine.core.states.distributed.spec import Writer
from engine.documents import Document

Transformation = Literal["NONE", "COMPACT", "FLATTEN"]
ChildStatus = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
FileStatus = Literal[
    "SUCCEEDED", "FAILED", "PENDING"
]  # what the files of results are told apart by

CONTENT_TYPES = {"JSON": "application/json", "JSONL": "application/jsonl"}


class ChildResult(Struct, frozen=True, kw_only=True):
    """One child, as far as it got. Times are milliseconds since 1970; a child that never started has none.

    One whose input was too large to start it has no input either.
    """

    execution_arn: str
    name: str
    state_machine_arn: str
    status: ChildStatus
    input: Document | None
    output: Document | None = None
    error: str | None = None
    cause: str | None = None
    started_ms: int | None = None
    stopped_ms: int | None = None
    redrives: int = 0


def file_of(status: ChildStatus) -> FileStatus:
    """Which file of results a child goes into. Time-outs and aborted children are failures; what never ran is pending."""
    if status == "SUCCEEDED":
        return "SUCCEEDED"
    return "PENDING" if status in ("PENDING", "RUNNING") else "FAILED"


def output_of(results: Iterable[ChildResult], writer: Writer | None) -> Document:
    """The result of a Map that exports nothing: the array of its children's results, in their order. COMPACT by default."""
    transformation = "COMPACT" if writer is None else writer.transformation
    return Document.from_text(_array(_texts(results, transformation)))


def body_of(results: Iterable[ChildResult], writer: Writer) -> bytes:
    """The content of one file of results: a JSON array, or a line of JSON for each of its elements."""
    texts = _texts(results, writer.transformation)
    if writer.output_type == "JSONL":
        return b"".join(text + b"\n" for text in texts)
    return _array(texts)


def _array(texts: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(texts) + b"]"


def _texts(results: Iterable[ChildResult], transformation: Transformation) -> Iterator[bytes]:
    for result in results:
        if transformation == "NONE" or result.status != "SUCCEEDED" or result.output is None:
            yield Document.of(entry(result)).text
        elif transformation == "FLATTEN" and isinstance(result.output.value, list):
            yield from (Document.of(element).text for element in result.output.value)
        else:
            yield compact(result.output)


def compact(document: Document) -> bytes:
    """Its text on one line, as the engine writes it."""
    text = document.text
    return Document.of(document.value).text if any(white in text for white in b"\n\r\t ") else text


def entry(result: ChildResult) -> dict[str, Any]:
    """The form NONE, in the order of its names; what a child has not is left out."""
    told: dict[str, Any] = {
        "Cause": result.cause,
        "Error": result.error,
        "ExecutionArn": result.execution_arn,
        "Input": None if result.input is None else result.input.text.decode(),
        "InputDetails": {"Included": result.input is not None},
        "Name": result.name,
    }
    if result.output is not None:
        told["Output"] = result.output.text.decode()
        told["OutputDetails"] = {"Included": True}
    told["RedriveCount"] = result.redrives
    told |= _redrivable(result.status)
    told |= {
        "StartDate": None if result.started_ms is None else iso(result.started_ms),
        "StateMachineArn": result.state_machine_arn,
        "Status": result.status,
        "StopDate": None if result.stopped_ms is None else iso(result.stopped_ms),
    }
    return {name: value for name, value in told.items() if value is not None}


def _redrivable(status: ChildStatus) -> dict[str, str]:
    """Children are redriven by redriving the Map Run, which is told by its parent."""
    if status in ("FAILED", "TIMED_OUT", "ABORTED"):
        return {"RedriveStatus": "REDRIVABLE_BY_MAP_RUN"}
    reason = f"Execution is {status} and cannot be redriven"
    return {"RedriveStatus": "NOT_REDRIVABLE", "RedriveStatusReason": reason}
