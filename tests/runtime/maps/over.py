"""Machines of one distributed Map, and a short way to see what comes of one."""

from __future__ import annotations

from typing import Any

from desk import ME, Desk

PASS = {"P": {"Type": "Pass", "End": True}}
FUNCTION = (
    "arn:aws:lambda:us-east-1:000000000000:function:pay"  # without an endpoint, workers perform it
)
TASK = {"T": {"Type": "Task", "Resource": FUNCTION, "End": True}}
FAIL_ODD = {
    "C": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.odd", "BooleanEquals": True, "Next": "F"}],
        "Default": "P",
    },
    "F": {"Type": "Fail", "Error": "Odd", "Cause": "It is."},
    **PASS,
}


def over(
    states: dict[str, Any] | None = None, kind: str = "STANDARD", **more: Any
) -> dict[str, Any]:
    """A distributed Map labelled L over `$.items`."""
    states = states or PASS
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
        "StartAt": next(iter(states)),
        "States": states,
    }
    body = {"Type": "Map", "Label": "L", "ItemsPath": "$.items", "ItemProcessor": processor}
    return {"M": body | {"End": True} | more}


def odd(*numbers: int) -> list[dict[str, Any]]:
    return [{"n": number, "odd": number % 2 == 1} for number in numbers]


async def end_of(desk: Desk, states: dict[str, Any], items: Any, name: str = "n") -> Any:
    await desk.publish(states)
    return await desk.end(await desk.start(name, {"items": items}))


async def the_run(desk: Desk, execution: str = "d:n") -> Any:
    """The newest Map Run of an execution."""
    page = await desk.engine.map_runs.of(ME, execution, limit=10, cursor=None)
    return page.map_runs[0]


async def children(desk: Desk, **asked: Any) -> list[Any]:
    """The children of the newest Map Run of d:n, as far as they are kept."""
    wanted = await desk.engine.map_runs.children(ME, (await the_run(desk)).id, **asked)
    page = await desk.engine.queries.listed(ME, wanted, limit=1000, cursor=None)
    return page.executions
