"""The forms in which the results of a Map Run's children are exported."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.core.states.distributed.spec import Writer
from engine.tasks.datasets.results import body_of, file_of


def child(output: Any = None, status: str = "SUCCEEDED", text: str | None = None) -> dict[str, Any]:
    told = {"Input": '{"a": 1}', "Name": "n", "Status": status}
    if status == "SUCCEEDED":
        told["Output"] = json.dumps(output) if text is None else text
    return told


@pytest.mark.parametrize(
    ("transformation", "expected"),
    [
        ("NONE", [{"Input": '{"a": 1}', "Name": "n", "Status": "SUCCEEDED", "Output": "[1, 2]"}]),
        ("COMPACT", [[1, 2]]),
        ("FLATTEN", [1, 2]),
    ],
)
def test_a_result_takes_the_form_of_the_transformation(transformation, expected):
    text = body_of([child([1, 2])], Writer(bucket="b", transformation=transformation))
    assert json.loads(text) == expected


@pytest.mark.parametrize("transformation", ["NONE", "COMPACT", "FLATTEN"])
@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED", "PENDING"])
def test_a_child_that_did_not_succeed_is_told_in_full(transformation, status):
    failed = child(status=status)
    assert json.loads(body_of([failed], Writer(transformation=transformation))) == [failed]


def test_flatten_leaves_what_is_no_array_and_takes_off_one_level():
    results = [child([[1], []]), child({"a": 1}), child([]), child(None), child("x")]
    flat = Writer(transformation="FLATTEN")
    assert json.loads(body_of(results, flat)) == [[1], [], {"a": 1}, None, "x"]


def test_json_lines_are_a_result_a_line_whatever_the_outputs_look_like():
    lines = Writer(transformation="COMPACT", output_type="JSONL")
    results = [child([1]), child(text='{\n "a": [1,\n2] }'), child("x\ny")]
    assert body_of(results, lines) == b'[1]\n{"a":[1,2]}\n"x\\ny"\n'
    assert body_of([], lines) == b""
    assert body_of([], Writer()) == b"[]"


def test_statuses_go_into_three_files():
    statuses = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING", "RUNNING")
    assert [file_of(child(status=status)) for status in statuses] == [
        "SUCCEEDED", "FAILED", "FAILED", "FAILED", "PENDING", "PENDING",
    ]  # fmt: skip
