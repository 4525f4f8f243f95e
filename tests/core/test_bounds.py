"""What a definition and an input cannot do together: fill the memory, hold everybody up, or say what cannot be stored."""

from __future__ import annotations

import json

import pytest

from engine.core.failures import CAUSE_CHARACTERS_MAX
from engine.core.limits import Limits
from engine.documents import Document, least_size
from tests.core.machines import mapped, run, scope

LARGE = "x" * 200_000
MANY = "$[" + "0," * 20_000 + "0]"  # a union that names its one node 20,001 times
PASS = {"Type": "Pass", "End": True}


@pytest.mark.parametrize(
    ("states", "given"),
    [
        ({"A": PASS | {"InputPath": MANY}}, [LARGE]),
        ({"A": mapped(scope(B=PASS), InputPath=MANY)}, [LARGE]),
        ({"A": PASS | {"Parameters": {f"k{n}.$": "$.x" for n in range(20_000)}}}, {"x": LARGE}),
        (
            {
                "A": PASS
                | {"Parameters": {f"k{n}.$": "States.Format('{}', $.x)" for n in range(9_000)}}
            },
            {"x": LARGE},
        ),
        (
            {
                "A": {
                    "Type": "Choice",
                    "Choices": [
                        {"Variable": "$.x", "StringMatches": f"*x{n}*", "Next": "B"}
                        for n in range(5_000)
                    ],
                    "Default": "B",
                },
                "B": {"Type": "Succeed"},
            },
            {"x": LARGE},
        ),
        (
            {"A": {"Type": "Task", "Resource": "signal:s", "End": True, "InputPath": MANY}},
            [LARGE],
        ),
    ],
)
def test_data_that_is_named_many_times_is_refused_before_it_is_written_out(states, given):
    assert run(states, given).status == "FAILED"


def test_the_items_of_a_map_count_as_its_parameters():
    result = run({"A": mapped(scope(B=PASS), InputPath="$[0,0]")}, [LARGE])
    assert result.error == "States.DataLimitExceeded"


def test_the_parameters_of_a_signal_count_as_those_of_a_task():
    state = {"Type": "Task", "Resource": "signal:s", "Parameters": {"a.$": "$", "b.$": "$"}}
    result = run({"A": {**state, "End": True}}, LARGE)
    assert result.error == "States.DataLimitExceeded"


def test_a_map_with_more_concurrency_than_can_be_stored_runs_all_its_items():
    states = {"A": mapped(scope(B=PASS), ItemsPath="$.x", MaxConcurrencyPath="$.m")}
    assert run(states, {"x": [1, 2], "m": 10**50}).output == [1, 2]


def test_an_item_selector_may_take_much_effort_for_every_item():
    states = {"A": mapped(scope(B=PASS), ItemSelector={"n.$": "States.ArrayLength($..a)"})}
    given = [{"a": [number]} for number in range(1500)]
    result = run(states, given, limits=Limits(records_max=1_000_000))
    assert result.output == [{"n": 1500}] * 1500


def test_a_cause_that_quotes_a_whole_input_is_cut():
    result = run({"A": PASS | {"Parameters": {"a.$": "$.missing"}}}, {"x": LARGE})
    assert len(result.cause) == CAUSE_CHARACTERS_MAX
    states = {"A": {"Type": "Fail", "ErrorPath": "$.x", "CausePath": "$.x"}}
    result = run(states, {"x": LARGE})
    assert len(result.error) == len(result.cause) == CAUSE_CHARACTERS_MAX


@pytest.mark.parametrize(
    "value", [None, True, 7, -1.5, "", "abc", [], {}, [1, [2, {}]], {"a": {"b": [None, "c"]}}]
)
def test_the_least_size_is_never_above_the_size(value):
    text = json.dumps(value, separators=(",", ":"))
    assert 0 < least_size(value, 1000) <= len(text)
    assert not Document.of(value).exceeds(len(text))
    assert Document.of(value).exceeds(len(text) - 1)
