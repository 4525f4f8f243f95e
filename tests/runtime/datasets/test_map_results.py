"""The forms in which a Map Run tells the results of its children."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.core.states.distributed.spec import Writer
from engine.documents import Document
from engine.tasks.datasets.results import ChildResult, body_of, file_of, output_of


def child(value: Any = None, status: Any = "SUCCEEDED", **more: Any) -> ChildResult:
    return ChildResult(**{
        "execution_arn": "arn:e", "name": "n", "state_machine_arn": "arn:m", "status": status,
        "input": Document.from_text(b'{"a": 1}'), "started_ms": 1_700_000_000_123, "stopped_ms": 1_700_000_001_000,
        "output": Document.of(value) if status == "SUCCEEDED" else None, **more,
    })  # fmt: skip


SUCCEEDED = {
    "ExecutionArn": "arn:e",
    "Input": '{"a": 1}',
    "InputDetails": {"Included": True},
    "Name": "n",
    "Output": "[1,2]",
    "OutputDetails": {"Included": True},
    "RedriveCount": 0,
    "RedriveStatus": "NOT_REDRIVABLE",
    "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    "StartDate": "2023-11-14T22:13:20.123Z",
    "StateMachineArn": "arn:m",
    "Status": "SUCCEEDED",
    "StopDate": "2023-11-14T22:13:21.000Z",
}
FAILED = {
    "Cause": "why",
    "Error": "Bad",
    "ExecutionArn": "arn:e",
    "Input": '{"a": 1}',
    "InputDetails": {"Included": True},
    "Name": "n",
    "RedriveCount": 0,
    "RedriveStatus": "REDRIVABLE_BY_MAP_RUN",
    "StartDate": "2023-11-14T22:13:20.123Z",
    "StateMachineArn": "arn:m",
    "Status": "FAILED",
    "StopDate": "2023-11-14T22:13:21.000Z",
}


@pytest.mark.parametrize(
    ("transformation", "expected"),
    [("NONE", [SUCCEEDED]), ("COMPACT", [[1, 2]]), ("FLATTEN", [1, 2])],
)
def test_a_result_takes_the_form_of_the_transformation(transformation, expected):
    writer = Writer(bucket="b", transformation=transformation)
    text = body_of([child([1, 2])], writer)
    assert json.loads(text) == expected
    if transformation == "NONE":
        assert list(json.loads(text)[0]) == list(SUCCEEDED)
    assert output_of([child([1, 2])], writer).value == expected


@pytest.mark.parametrize("transformation", ["NONE", "COMPACT", "FLATTEN"])
def test_a_child_that_did_not_succeed_is_told_in_full(transformation):
    failed = child(status="FAILED", error="Bad", cause="why")
    assert json.loads(body_of([failed], Writer(transformation=transformation))) == [FAILED]


def test_a_child_that_never_ran_has_no_times():
    pending = child(status="PENDING", started_ms=None, stopped_ms=None)
    (told,) = json.loads(body_of([pending], Writer()))
    assert told["Status"] == "PENDING"
    assert {"StartDate", "StopDate", "Output", "Error"} & set(told) == set()


def test_flatten_leaves_what_is_no_array_and_takes_off_one_level():
    results = [child([[1], []]), child({"a": 1}), child([]), child(None), child("x")]
    flat = Writer(transformation="FLATTEN")
    assert json.loads(body_of(results, flat)) == [[1], [], {"a": 1}, None, "x"]


def test_json_lines_are_a_result_a_line_whatever_the_outputs_look_like():
    spread = child(output=Document.from_text(b'{\n "a": [1,\n2] }'))
    lines = Writer(transformation="COMPACT", output_type="JSONL")
    assert body_of([child([1]), spread, child("x\ny")], lines) == b'[1]\n{"a":[1,2]}\n"x\\ny"\n'
    assert body_of([], lines) == b""
    assert body_of([], Writer()) == b"[]"


def test_without_a_writer_the_output_is_the_array_of_outputs():
    assert output_of([child({"a": 1}), child(None), child([2])], None).text == b'[{"a":1},null,[2]]'
    assert output_of([], None).text == b"[]"


def test_statuses_go_into_three_files():
    assert [file_of(s) for s in ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING", "RUNNING")] == [
        "SUCCEEDED", "FAILED", "FAILED", "FAILED", "PENDING", "PENDING",
    ]  # fmt: skip
