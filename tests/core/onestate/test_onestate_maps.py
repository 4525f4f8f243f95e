"""A Map under test: its children are mocked, what they would get is shown, its thresholds are applied."""

from __future__ import annotations

import pytest

from engine.errors import StateTestRefused
from tests.core.onestate.asked import DONE, ask, failing, made, mocked, seen

INLINE = {"Type": "Map", "ItemsPath": "$.n", "ItemProcessor": DONE, "End": True}
DISTRIBUTED = INLINE | {
    "ItemProcessor": DONE
    | {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
}
NUMBERS = {"n": [5, 6, 7]}
SELECTOR = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"}
SELECTED = [{"i": 0, "v": 5}, {"i": 1, "v": 6}, {"i": 2, "v": 7}]
READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "Parameters": {"Bucket": "b", "Key": "k"},
}


@pytest.mark.parametrize("state", [INLINE, DISTRIBUTED])
async def test_items_and_what_is_selected_of_them_are_shown(state):
    more = {"ItemSelector": SELECTOR, "MaxConcurrency": 2, "ResultPath": "$.r"}
    answer = await ask(state | more, NUMBERS, mock=mocked([1, 2, 3]))
    assert made(answer) == NUMBERS | {"r": [1, 2, 3]}
    assert seen(answer) == {
        "input": NUMBERS,
        "afterInputPath": NUMBERS,
        "afterItemsPath": [5, 6, 7],
        "afterItemSelector": SELECTED,
        "maxConcurrency": 2,
        "afterResultSelector": [1, 2, 3],
        "afterResultPath": NUMBERS | {"r": [1, 2, 3]},
    }


async def test_a_map_in_jsonata_shows_its_numbers_and_little_else():
    state = {
        "Type": "Map",
        "QueryLanguage": "JSONata",
        "Items": "{% $states.input.n %}",
        "ItemProcessor": DISTRIBUTED["ItemProcessor"],
        "ToleratedFailurePercentage": "{% 10 * 2 %}",
        "End": True,
    }
    answer = await ask(state, NUMBERS, mock=mocked([1]))
    assert seen(answer) == {
        "input": NUMBERS,
        "maxConcurrency": 0,
        "toleratedFailurePercentage": 20.0,
    }


async def test_batches_are_shown_as_the_children_would_get_them():
    state = DISTRIBUTED | {"ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"x": 1}}}
    answer = await ask(state, NUMBERS, mock=mocked([]))
    assert seen(answer)["afterItemBatcher"] == [
        {"BatchInput": {"x": 1}, "Items": [5, 6]},
        {"BatchInput": {"x": 1}, "Items": [7]},
    ]


async def test_items_that_are_no_array_fail_before_the_width_is_shown():
    answer = await ask(INLINE | {"ItemsPath": "$$.Execution.Input"}, NUMBERS, mock=mocked([]))
    assert answer.cause == 'Reference path "$.Execution.Input" must point to array.'
    assert seen(answer) == {"input": NUMBERS, "afterInputPath": NUMBERS}


@pytest.mark.parametrize(
    ("threshold", "failed", "status"),
    [
        ({}, 3, "SUCCEEDED"),  # without a threshold the mock stands, whatever has failed
        ({"ToleratedFailureCount": 2}, 2, "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, 2, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, 1, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50}, 2, "FAILED"),
    ],
)
async def test_more_failures_than_are_tolerated_fail_a_map(threshold, failed, status):
    answer = await ask(
        DISTRIBUTED | threshold, NUMBERS, mock=mocked([1, 2, 3]), failed_iterations=failed
    )
    assert answer.status == status
    if status == "FAILED":
        assert answer.error == "States.ExceedToleratedFailureThreshold"
        assert answer.cause == "The specified tolerated failure threshold was exceeded"


async def test_a_mocked_error_fails_a_map_whatever_it_tolerates():
    state = DISTRIBUTED | {"ToleratedFailureCount": 9}
    answer = await ask(state, NUMBERS, mock=failing("Busy"), failed_iterations=0, caused_by="In")
    assert (answer.status, answer.error) == ("FAILED", "Busy")
    assert seen(answer)["toleratedFailureCount"] == 9


async def test_no_more_iterations_fail_than_there_are():
    with pytest.raises(StateTestRefused, match="MapIterationFailureCount"):
        await ask(INLINE, NUMBERS, mock=mocked([]), failed_iterations=4)


@pytest.mark.parametrize(
    ("config", "data", "items"),
    [
        ({"InputType": "JSON", "ItemsPointer": "/a/b"}, '{"a": {"b": [1, 2]}}', [1, 2]),
        ({"InputType": "JSON", "ItemsPointer": "/a"}, '{"a": {"x": 1}}', {"x": 1}),
        ({"InputType": "JSONL"}, '{"x": 1}\n{"x": 2}\n', None),
    ],
)
async def test_a_reader_reads_the_data_that_is_given(config, data, items):
    state = {
        "Type": "Map",
        "ItemReader": READER | {"ReaderConfig": config},
        "ItemSelector": {"v.$": "$$.Map.Item.Value", "from.$": "$$.Map.Item.Source"},
        "ItemProcessor": DISTRIBUTED["ItemProcessor"],
        "End": True,
    }
    shown = seen(await ask(state, mock=mocked([]), reader_data=data))
    assert shown.get("afterItemsPointer") == items
    assert {each["from"] for each in shown["afterItemSelector"]} == {"s3://b/k"}
    assert "afterItemsPath" not in shown


async def test_data_that_cannot_be_read_fails_the_map():
    state = {
        "Type": "Map",
        "ItemReader": READER | {"ReaderConfig": {"InputType": "JSON"}},
        "ItemProcessor": DISTRIBUTED["ItemProcessor"],
        "End": True,
    }
    answer = await ask(state, mock=mocked([]), reader_data='"text"')
    assert (answer.status, answer.error) == ("FAILED", "States.ItemReaderFailed")


DEEP = {"StartAt": "Deep", "States": {"Deep": DISTRIBUTED | {"ItemsPath": "$"}}}


async def test_a_state_may_lie_in_the_children_of_a_distributed_map():
    whole = {"StartAt": "M", "States": {"M": DISTRIBUTED}}
    assert made(await ask(whole, {"a": 1}, name="In")) == {"a": 1}


@pytest.mark.parametrize("inner", ["Deep", "In"])
async def test_an_error_may_come_from_any_depth(inner):
    state = {"Type": "Parallel", "Branches": [DEEP], "End": True}
    answer = await ask(state, [], mock=failing("Busy"), caused_by=inner)
    assert answer.error == "Busy"


async def test_an_error_comes_from_no_state_outside():
    state = {"Type": "Parallel", "Branches": [DEEP], "End": True}
    with pytest.raises(StateTestRefused, match="ErrorCausedByState 'Lost'"):
        await ask(state, [], mock=failing("Busy"), caused_by="Lost")
