"""ItemSelectors that take long: applied apart, with the same outcome, and one that may not be applied fails the run."""

from __future__ import annotations

import pytest
from desk import Desk

from engine.runtime.deciders import Deciders

LONG = (
    "{% $sum([1..200000]) + $states.context.Map.Item.Value %}"  # more than may be done in the loop
)
DEADLY = '{% $formatInteger(1e15, "I") %}'  # the library would ask for 4 GiB, and end the process


def each(selector: str) -> dict:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Do",
        "States": {"Do": {"Type": "Succeed"}},
    }
    state = {
        "Type": "Map",
        "ItemProcessor": processor,
        "ItemSelector": {"n": selector},
        "End": True,
    }
    return {"Each": state}


@pytest.fixture
def applied_apart(monkeypatch) -> list[int]:
    """The items that were."""
    seen: list[int] = []
    select = Deciders.select

    async def watched(self, about):
        seen.append(about.item.index)
        return await select(self, about)

    monkeypatch.setattr(Deciders, "select", watched)
    return seen


async def run(desk: Desk, selector: str, items: list):
    await desk.publish(each(selector), QueryLanguage="JSONata")
    return await desk.end(await desk.start("n", items))


async def test_one_that_takes_long_is_applied_apart(desk, applied_apart):
    closed = await run(desk, LONG, [1, 2, 3])
    assert closed.status == "SUCCEEDED"
    assert [each["n"] for each in closed.output.value] == [20000100001, 20000100002, 20000100003]
    assert applied_apart[0] == 0


async def test_one_that_is_quick_is_applied_here(desk, applied_apart):
    closed = await run(desk, "{% $states.context.Map.Item.Value * 2 %}", [1, 2])
    assert [each["n"] for each in closed.output.value] == [2, 4]
    assert applied_apart == []


async def test_one_that_fails_apart_fails_the_run_with_its_own_error(desk, applied_apart):
    closed = await run(desk, LONG, ["text"])
    assert (closed.status, closed.error) == ("FAILED", "States.QueryEvaluationError")
    assert "T2002" in closed.cause
    assert applied_apart == [0]


async def test_one_that_ends_its_process_fails_the_run_only(desk, applied_apart):
    closed = await run(desk, DEADLY, [1])
    assert (closed.status, closed.error) == ("FAILED", "States.QueryEvaluationError")
    assert applied_apart == [0]
    await desk.publish(each("{% $states.context.Map.Item.Value %}"), QueryLanguage="JSONata")
    closed = await desk.end(await desk.start("m", [1]))
    assert closed.output.value == [{"n": 1}]
