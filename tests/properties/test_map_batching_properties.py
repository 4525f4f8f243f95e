"""However items are batched: every item once, in order, within the bounds, and the same wherever the run is resumed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.core.failures import Failure
from engine.core.limits import Limits
from engine.core.states.distributed.batching import Batching, Child
from engine.core.states.distributed.selecting import Item
from engine.core.states.distributed.spec import Batcher, MapRunSpec
from engine.documents import Document

batchers = st.one_of(
    st.none(),
    st.builds(
        Batcher,
        items_max=st.integers(1, 6),
        bytes_max=st.none() | st.integers(10, 120),
        input=st.just({"n": 1}),
        has_input=st.booleans(),
    ),
    st.builds(Batcher, bytes_max=st.integers(10, 120)),
)
values = st.lists(st.text(max_size=40) | st.integers() | st.lists(st.booleans(), max_size=5))
payloads = st.integers(20, 200)


def batched(
    items: list[Item], batcher: Batcher | None, payload: int, *, index: int = 0
) -> list[Child]:
    spec = MapRunSpec("r", "p", "d", 1, "Each", "Each", "STANDARD", batcher=batcher)
    batching = Batching(spec, Limits(payload_bytes_max=payload), index=index)
    made: list[Child] = []
    for item in items:
        made += batching.add(item, Document.of(item.value))
    return made + batching.close()


def held(child: Child, batcher: Batcher | None) -> list[Any]:
    assert isinstance(child.input, Document)
    value = json.loads(child.input.text)
    if batcher is None:
        return [value]
    assert set(value) == {"Items"} | ({"BatchInput"} if batcher.has_input else set())
    return value["Items"]


@given(values, batchers, payloads)
def test_every_item_is_in_one_child_in_order_and_within_the_bounds(found, batcher, payload):
    items = [Item(index, value) for index, value in enumerate(found)]
    made = batched(items, batcher, payload)
    assert [child.index for child in made] == list(range(len(made)))
    at = 0
    for child in made:
        assert child.first_item == at
        at += child.count
        if isinstance(child.input, Failure):
            assert child.count == 1
            continue
        assert held(child, batcher) == found[child.first_item : at]
        bytes_max = batcher.bytes_max if batcher is not None else None
        assert len(child.input.text) <= min(payload, bytes_max or payload)
        if batcher is not None and batcher.items_max is not None:
            assert child.count <= batcher.items_max
    assert at == len(found)


@given(values, batchers, payloads, st.data())
def test_a_run_resumed_at_a_child_goes_on_with_the_same_children(found, batcher, payload, data):
    items = [Item(index, value) for index, value in enumerate(found)]
    made = batched(items, batcher, payload)
    if made:
        at = data.draw(st.sampled_from(made))
        resumed = batched(items[at.first_item :], batcher, payload, index=at.index)
        assert resumed == made[at.index :]
