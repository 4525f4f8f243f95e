"""What ItemSelector makes of an item of a distributed Map."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.core.states.distributed.selecting import Item, Selecting
from engine.core.states.distributed.spec import MapRunSpec
from engine.language import read
from engine.language.expressions.patience import OverBudget, Patience
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Machine

PROCESSOR = {"StartAt": "Do", "States": {"Do": {"Type": "Succeed"}}}
GIVEN = {
    "input": {"bucket": "b", "prefix": None},
    "context": {
        "Execution": {"Id": "orders:1"},
        "State": {"Name": "Each", "EnteredTime": "2026-01-02T03:04:05.000Z"},
    },
    "variables": {"rate": 0.5},
}


def selecting(seed: bytes = b"secret", **state: Any) -> Selecting:
    return Selecting(machine(**state), spec(), seed)


def machine(**state: Any) -> Machine:
    each = {"Type": "Map", "ItemProcessor": PROCESSOR, "End": True, **state}
    return read(json.dumps({"StartAt": "Each", "States": {"Each": each}}))


def spec(selecting: dict[str, Any] | None = GIVEN) -> MapRunSpec:
    return MapRunSpec(
        run="r",
        parent="orders:1",
        definition="orders",
        version=1,
        state="Each",
        label="Each",
        execution_type="STANDARD",
        selecting=selecting,
    )


def test_without_an_item_selector_a_child_gets_the_item_itself():
    assert selecting().select(Item(3, [1, {"a": None}])).value == [1, {"a": None}]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$.bucket", "b"),
        ("$$.Map.Item.Index", 7),
        ("$$.Map.Item.Value.id", "i"),
        ("$$.Map.Item.Key", "k"),
        ("$$.Map.Item.Source", "s3://b/k"),
        ("$$.Execution.Id", "orders:1"),
    ],
)
def test_a_path_reads_the_input_of_the_map_the_item_and_the_context(expression, value):
    each = selecting(ItemSelector={"found.$": expression, "fixed": 1})
    item = Item(7, {"id": "i"}, "k", "s3://b/k")
    assert each.select(item).value == {"found": value, "fixed": 1}


def test_a_jsonata_expression_reads_the_same():
    each = selecting(
        QueryLanguage="JSONata",
        ItemSelector="{% [$states.input.bucket, $states.context.Map.Item.Value, $states.context.Map.Item.Source] %}",
    )
    assert each.select(Item(0, "v")).value == ["b", "v", "STATE_DATA"]


def test_an_item_of_an_array_has_no_key():
    with pytest.raises(ExpressionError, match=r"\$\$\.Map\.Item\.Key"):
        selecting(ItemSelector={"key.$": "$$.Map.Item.Key"}).select(Item(0, 1))


def test_a_jsonata_failure_names_its_field():
    each = selecting(
        QueryLanguage="JSONata", ItemSelector={"x": "{% $states.context.Map.Item.Value.missing %}"}
    )
    with pytest.raises(ExpressionError) as caught:
        each.select(Item(0, {}))
    assert caught.value.error == "States.QueryEvaluationError"
    assert caught.value.location == "ItemSelector/x"


def test_chance_is_an_items_own_and_the_same_in_every_process():
    field = {"id.$": "States.UUID()"}
    first, again = selecting(ItemSelector=field), selecting(ItemSelector=field)
    made = [first.select(Item(index, None)).value["id"] for index in range(3)]
    assert len(set(made)) == 3
    assert [again.select(Item(index, None)).value["id"] for index in (2, 0)] == [made[2], made[0]]
    assert selecting(b"other", ItemSelector=field).select(Item(0, None)).value["id"] != made[0]


def test_what_takes_long_is_left_to_somebody_with_more_patience():
    each = selecting(ItemSelector={"size.$": "States.ArrayLength($$.Map.Item.Value)"})
    item = Item(0, list(range(1000)))
    with pytest.raises(OverBudget):
        each.select(item, Patience(insists=False, effort_max=10))
    assert each.select(item).value == {"size": 1000}
