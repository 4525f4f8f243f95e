"""Executions exported from one store and imported into another show the same there."""

from __future__ import annotations

import json

import httpx2
import pytest
from desk import ME, Desk

from api.app import create_app
from engine.arns import Origin, Place
from engine.documents import Document
from engine.store.bounds import copies
from engine.store.finding.filter import Filter
from tests.chaos.rig import dump
from tests.chaos.rig.indexes import problems

LARGE = {"text": "x" * 20_000}
STATES = {
    "Set": {"Type": "Pass", "Assign": {"kept.$": "$"}, "Next": "Ask"},
    "Ask": {"Type": "Task", "Resource": "signal:go", "End": True},
}
FAILING = {"No": {"Type": "Fail", "Error": "Refused", "Cause": "no"}}


async def lines_of(desk, wanted=None, limit=100):
    """Every line of an export, page by page."""
    found, cursor = [], None
    while True:
        page = await desk.engine.copying.export_executions(ME, wanted or Filter(), limit, cursor)
        assert len(page.lines) <= limit
        found += page.lines
        cursor = page.next
        if cursor is None:
            return found


async def put_in(desk, lines):
    return await desk.engine.copying.import_executions(ME, lines)


async def shown(desk, execution):
    """All that is shown of a closed execution."""
    view = await desk.describe(execution)
    page = await desk.engine.queries.history(
        ME, execution, after=None, limit=1000, descending=False
    )
    return view, page


@pytest.fixture
async def elsewhere(engines):
    """Another store on the same server."""
    return Desk(await engines(prefix="other", partitions=4))


async def ended(desk, name="n", given=None):
    """One that took a signal, with another left over."""
    execution = await desk.start(name, given or LARGE)
    await desk.engine.commands.signal(ME, execution, "late", Document.of(LARGE), "1")
    await desk.engine.commands.signal(ME, execution, "go", Document.of({"by": "ann"}), "2")
    return (await desk.end(execution)).id


async def test_a_copy_shows_the_same_where_it_is_imported(desk, elsewhere):
    await desk.publish(STATES, Detent={"SearchAttributes": {"text": "$.text"}})
    execution = await ended(desk)
    results = await put_in(elsewhere, await lines_of(desk))
    assert [(each.id, each.status) for each in results] == [(execution, "imported")]
    assert await shown(elsewhere, execution) == await shown(desk, execution)
    wanted = Filter(definition="d", status="SUCCEEDED", attributes=(("text", LARGE["text"]),))
    page = await elsewhere.engine.queries.executions(ME, wanted, limit=10, cursor=None)
    assert [row.id for row in page.executions] == [execution]
    assert await lines_of(elsewhere) == await lines_of(desk)


async def test_a_copy_goes_by_the_arns_that_its_original_went_by(desk, elsewhere):
    await desk.publish({"P": {"Type": "Pass", "End": True}})
    origin = Origin(Place("eu-west-1", "111122223333"), "arn:aws:iam::1:role/r", 2, "live")
    started = await desk.engine.commands.start(
        ME, "d", name="n", input=Document.of({}), version=None, wait_ms=60_000, origin=origin
    )
    execution = started.execution.id
    await put_in(elsewhere, await lines_of(desk))
    assert await shown(elsewhere, execution) == await shown(desk, execution)
    found = await elsewhere.engine.queries.described(ME, execution)
    assert (found.names, found.alias, found.published) == (origin.names(execution), "live", 2)


async def test_a_failure_and_a_trimmed_history_are_copied_too(desk, elsewhere, loop):
    await desk.publish(FAILING, "fails")
    await desk.publish(loop, "loop", Detent={"HistoryRecords": 100})
    failed = (await desk.end(await desk.start("n", definition="fails"))).id
    endless = await desk.start("n", definition="loop")
    while (page := (await shown(desk, endless))[1]).dropped.__class__.__name__ != "Dropped":
        pass
    await desk.engine.commands.stop(ME, endless, None, None, 60_000)
    await put_in(elsewhere, await lines_of(desk))
    for execution in (failed, endless):
        assert await shown(elsewhere, execution) == await shown(desk, execution)
    page = (await shown(elsewhere, endless))[1]
    assert page.dropped.last + 100 == page.events[-1]["id"]


async def test_importing_again_changes_nothing(desk, elsewhere):
    await desk.publish(STATES)
    await ended(desk)
    lines = await lines_of(desk)
    await put_in(elsewhere, lines)
    client = dump.client_of(elsewhere.engine.redis.url)
    before = await dump.snapshot(client, "other")
    assert [each.status for each in await put_in(elsewhere, lines)] == ["exists"]
    assert await dump.snapshot(client, "other") == before
    assert problems(before, "other") == []
    await client.aclose()


async def test_an_import_never_touches_an_execution_of_the_same_id(desk, elsewhere):
    await desk.publish(STATES)
    await elsewhere.publish(STATES)
    await ended(desk)
    mine = await elsewhere.start("n", {"mine": 1})
    assert [each.status for each in await put_in(elsewhere, await lines_of(desk))] == ["exists"]
    view = await elsewhere.describe(mine)
    assert (view.status, view.input.value) == ("RUNNING", {"mine": 1})


async def test_a_running_execution_is_written_with_its_strands_and_refused_elsewhere(
    desk, elsewhere
):
    await desk.publish(STATES)
    execution = await desk.start("n", LARGE)
    while not (await desk.describe(execution)).waiting_signals:
        pass
    [line] = await lines_of(desk)
    [frame] = json.loads(line)["frames"]
    assert (frame["state"], frame["waits"]) == ("Ask", "listen")
    assert json.loads(frame["variables"]["kept"]) == LARGE
    [result] = await put_in(elsewhere, [line])
    assert result.status == "refused"
    assert "running" in result.reason


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_bring_every_execution_once(desk, limit):
    await desk.publish(FAILING)
    names = [f"n{number}" for number in range(10)]
    for name in names:
        await desk.end(await desk.start(name))
    found = [json.loads(line)["id"] for line in await lines_of(desk, limit=limit)]
    assert sorted(found) == sorted(f"d:{name}" for name in names)
    wanted = Filter(definition="d", status="SUCCEEDED")
    assert await lines_of(desk, wanted, limit) == []


async def test_retention_of_what_is_imported_counts_from_the_import(desk, engines):
    await desk.publish(FAILING)
    await desk.end(await desk.start("n"))
    [line] = await lines_of(desk)
    old = {**json.loads(line), "started_ms": 1000, "stopped_ms": 2000}
    elsewhere = Desk(await engines(prefix="other", retention_hours=1))
    await put_in(elsewhere, [json.dumps(old).encode()])
    keys = elsewhere.engine.pruner._listing._keys
    [due] = [
        float(score)
        for partition in range(keys.partitions)
        for score in (
            await elsewhere.engine.redis.call(
                keys.closed(partition), "ZRANGE", keys.closed(partition), 0, -1, "WITHSCORES"
            )
        )[1::2]
    ]
    now_ms = elsewhere.engine.clock.now_ms()
    assert now_ms + 3_000_000 < due <= now_ms + 3_601_000
    assert await elsewhere.engine.pruner.tick() == 0


async def test_a_history_too_large_for_a_line_is_told_and_the_others_are_written(desk, monkeypatch):
    await desk.publish(
        {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(80)} | FAILING_END
    )
    await desk.publish(FAILING, "small")
    monkeypatch.setattr(copies, "COPY_BYTES_MAX", 5000)
    large = (await desk.end(await desk.start("n"))).id
    small = (await desk.end(await desk.start("n", definition="small"))).id
    told = {each["id"]: each for each in map(json.loads, await lines_of(desk))}
    assert "too large" in told[large]["skipped"]
    assert told[small]["status"] == "FAILED"


FAILING_END = {"S80": {"Type": "Fail"}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": "no id"}, "execution"),
        ({"id": "a:b:c"}, "execution"),
        ({"status": "GONE"}, "GONE"),
        ({"records": []}, "gap"),
        ({"records": [[2, 0, "ExecutionStarted", 1, {}]]}, "gap"),
        ({"records": [[1, 0, "ExecutionStarted", 1, {"input": {"json": "{"}}]]}, ""),
        ({"records": [[1, 0, "ExecutionStarted", 1, {"input": [1]}]]}, "input"),
        ({"input": "nonsense"}, ""),
        ({"output": "1"}, "output"),
        ({"format": 2}, ""),
        ({"more": 1}, "more"),
    ],
)
async def test_a_line_that_is_no_copy_is_refused_and_nothing_of_it_stored(desk, change, reason):
    await desk.publish(FAILING)
    await desk.end(await desk.start("n"))
    [line] = await lines_of(desk)
    changed = {**json.loads(line), "id": "d:other", **change}
    good = {**json.loads(line), "id": "d:good"}
    results = await put_in(desk, [json.dumps(each).encode() for each in (changed, good)])
    assert [each.status for each in results] == ["refused", "imported"]
    assert reason in results[0].reason
    assert sorted(json.loads(each)["id"] for each in await lines_of(desk)) == ["d:good", "d:n"]


async def test_a_copy_larger_than_any_other_request_goes_through_the_face(desk, elsewhere):
    """Over HTTP a request has 2 MiB at the most, an import more."""
    count = {"n.$": "States.MathAdd($.n, 1)", "text.$": "$.text"}
    states = {
        f"S{n}": {"Type": "Pass", "Parameters": count, "Next": f"S{n + 1}"} for n in range(80)
    }
    await desk.publish(states | FAILING_END)
    execution = (await desk.end(await desk.start("n", {"n": 0, **LARGE}))).id
    line = b"".join(await lines_of(desk))
    body = b'{"executions":[' + line + b"]}"
    assert len(body) > elsewhere.engine.settings.request_bytes_max
    app = create_app(elsewhere.engine, elsewhere.engine.settings)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://localhost"
    ) as client:
        answer = await client.post("/v1/executions:import", content=body)
        assert answer.json() == {"results": [{"id": execution, "status": "imported"}]}
        exported = await client.get("/v1/executions:export", params={"definition": "d"})
    assert exported.content.splitlines() == [line, b'{"next":null}']
