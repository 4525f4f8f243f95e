"""Which items of a distributed Map go together into one child."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.failures import Failure
from engine.core.limits import Limits
from engine.core.states.distributed.batching import Batching, Child
from engine.core.states.distributed.selecting import Item
from engine.core.states.distributed.spec import Batcher, MapRunSpec
from engine.documents import Document


def spec(batcher: Batcher | None) -> MapRunSpec:
    return MapRunSpec(
        run="r",
        parent="orders:1",
        definition="orders",
        version=1,
        state="Each",
        label="Each",
        execution_type="STANDARD",
        batcher=batcher,
    )


def batches(
    values: list[Any], batcher: Batcher | None, limits: Limits | None = None
) -> list[Child]:
    batching = Batching(spec(batcher), limits or Limits())
    made: list[Child] = []
    for index, value in enumerate(values):
        made += batching.add(Item(index, value), Document.of(value))
    return made + batching.close()


def inputs(children: list[Child]) -> list[str]:
    return [
        "too large" if isinstance(c.input, Failure) else c.input.text.decode() for c in children
    ]


BY_SIZE = len('{"Items":["a","b"]}')


@pytest.mark.parametrize(
    ("batcher", "expected"),
    [
        (None, ['"a"', '"b"', '"c"']),
        (Batcher(items_max=2), ['{"Items":["a","b"]}', '{"Items":["c"]}']),
        (Batcher(items_max=5), ['{"Items":["a","b","c"]}']),
        (Batcher(bytes_max=BY_SIZE), ['{"Items":["a","b"]}', '{"Items":["c"]}']),
        (Batcher(bytes_max=BY_SIZE - 1), ['{"Items":["a"]}', '{"Items":["b"]}', '{"Items":["c"]}']),
        (Batcher(items_max=1, bytes_max=BY_SIZE), ['{"Items":["a"]}', '{"Items":["b"]}', '{"Items":["c"]}']),
        (
            Batcher(items_max=2, input={"n": 1}, has_input=True),
            ['{"BatchInput":{"n":1},"Items":["a","b"]}', '{"BatchInput":{"n":1},"Items":["c"]}'],
        ),
        (Batcher(items_max=3, has_input=True), ['{"BatchInput":null,"Items":["a","b","c"]}']),
    ],
)  # fmt: skip
def test_a_batch_is_full_by_number_or_by_bytes(batcher, expected):
    assert inputs(batches(["a", "b", "c"], batcher)) == expected


def test_no_items_are_no_children():
    assert batches([], Batcher(items_max=2)) == []


def test_an_item_too_large_for_a_batch_fails_its_own_child_only():
    made = batches(["a", "x" * 100, "b"], Batcher(bytes_max=50))
    assert inputs(made) == ['{"Items":["a"]}', "too large", '{"Items":["b"]}']
    assert [(c.index, c.first_item, c.count) for c in made] == [(0, 0, 1), (1, 1, 1), (2, 2, 1)]
    assert isinstance(made[1].input, Failure)
    assert made[1].input.error == "States.DataLimitExceeded"


@pytest.mark.parametrize("batcher", [None, Batcher(items_max=9), Batcher(bytes_max=10**6)])
def test_no_child_gets_more_than_a_payload_may_hold(batcher):
    limits = Limits(payload_bytes_max=60)
    made = batches(["x" * 30, "y" * 30, "z" * 90], batcher, limits)
    assert [c.count for c in made] == [1, 1, 1]
    assert inputs(made)[2] == "too large"


def test_an_item_nested_too_deeply_to_be_written_fails_its_child():
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert inputs(batches([deep], None)) == ["too large"]
    assert inputs(batches([deep], Batcher(items_max=2))) == ["too large"]
