"""Following an execution: every record once, in order, from wherever the reader was, until the end."""

from __future__ import annotations

import asyncio

import pytest
from desk import ME
from stream_reader import events_in, events_of

PAY = {
    "Pay": {"Type": "Task", "Resource": "activity:pay", "Next": "Rest"},
    "Rest": {"Type": "Pass", "End": True},
}


async def recorded(desk, execution):
    page = await desk.engine.queries.history(
        ME, execution, after=None, limit=1000, descending=False
    )
    return page.events


async def paid(desk, name="n"):
    """An execution that has ended."""
    await desk.publish(PAY)
    execution = await desk.start(name)
    [task] = await desk.lease()
    await desk.succeed(task)
    await desk.end(execution)
    return execution


async def test_a_stream_tells_every_record_of_the_history_and_then_the_end(desk, http):
    execution = await paid(desk)
    response = await http.get(f"/v1/executions/{execution}/events")
    *told, end = events_in(response.text)
    assert response.headers["content-type"] == "text/event-stream"
    assert [event.data for event in told] == await recorded(desk, execution)
    assert [event.id for event in told] == [str(event.data["id"]) for event in told]
    assert [event.kind for event in told] == [event.data["type"] for event in told]
    assert (end.kind, end.data, end.id) == ("end", {"status": "SUCCEEDED"}, told[-1].id)


async def test_records_are_told_as_they_are_committed(desk, http):
    await desk.publish(PAY)
    execution = await desk.start("n")
    async with http.stream("GET", f"/v1/executions/{execution}/events") as response:
        events = events_of(response)
        while (await anext(events)).kind != "ActivityScheduled":
            pass
        [task] = await desk.lease()
        await desk.succeed(task)
        rest = [event.kind async for event in events]
    assert rest[:2] == ["ActivityStarted", "ActivitySucceeded"]
    assert rest[-2:] == ["ExecutionSucceeded", "end"]


@pytest.mark.parametrize(
    ("query", "headers"),
    [("?after=3", {}), ("", {"last-event-id": "3"}), ("?after=1", {"last-event-id": "3"})],
    ids=["after", "Last-Event-ID", "the header goes before"],
)
async def test_a_stream_goes_on_after_the_record_that_its_reader_names(desk, http, query, headers):
    execution = await paid(desk)
    response = await http.get(f"/v1/executions/{execution}/events{query}", headers=headers)
    assert events_in(response.text)[0].id == "4"
    # One that has seen everything hears of the end again, for it may have missed that.
    last = str(len(await recorded(desk, execution)))
    response = await http.get(f"/v1/executions/{execution}/events", headers={"last-event-id": last})
    assert [event.kind for event in events_in(response.text)] == ["end"]


async def test_a_history_of_many_pages_is_told_without_a_gap(desk, http):
    pause = {"Type": "Pass", "Parameters": {}}
    states = {f"S{n}": {**pause, "Next": f"S{n + 1}"} for n in range(40)} | {
        "S40": {"Type": "Succeed"}
    }
    await desk.publish(states)
    execution = await desk.start("n")
    response = await http.get(f"/v1/executions/{execution}/events")
    *told, end = events_in(response.text)
    assert [event.data["id"] for event in told] == list(range(1, len(told) + 1))
    assert len(told) > 80
    assert end.kind == "end"


async def test_a_server_that_stops_ends_a_stream_and_another_goes_on_with_it(desk, faces, engines):
    await desk.publish(PAY)
    execution = await desk.start("n")
    path = f"/v1/executions/{execution}/events"
    first, server = await faces(desk.engine)
    seen = []
    async with first.stream("GET", path) as response:
        async for event in events_of(response):
            seen.append(event)
            if event.kind == "ActivityScheduled":
                stopping = asyncio.create_task(server.stop())
        await stopping
    assert seen[-1].kind == "ActivityScheduled"  # it did not say that this was the end
    [task] = await desk.lease()
    await desk.succeed(task)
    other, _ = await faces(await engines())
    response = await other.get(path, headers={"last-event-id": seen[-1].id})
    told = [event for event in [*seen, *events_in(response.text)] if event.kind != "end"]
    assert [event.data for event in told] == await recorded(desk, execution)


async def test_an_express_execution_is_followed_where_it_runs(desk, http):
    text = b'{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
    await desk.engine.commands.publish(ME, "d", text, "json", "EXPRESS")
    execution = await desk.start("n")
    response = await http.get(f"/v1/executions/{execution}/events")
    kinds = [event.kind for event in events_in(response.text)]
    assert kinds == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
        "end",
    ]
