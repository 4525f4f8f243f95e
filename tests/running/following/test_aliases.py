"""Aliases: a name for a version that starts go by, changed in one step."""

from __future__ import annotations

import asyncio
import json

import pytest
from desk import ME

from engine.documents import Document
from engine.errors import (
    AliasNotFound,
    DefinitionNotFound,
    ExecutionAlreadyExists,
    InvalidName,
    InvalidRequest,
    QuotaExceeded,
)
from engine.store.catalog import aliases

WAIT = {"Ask": {"Type": "Task", "Resource": "signal:go", "End": True}}


async def publish(desk, count, states=None):
    for number in range(count):
        await desk.publish(states or WAIT, Comment=f"version {number + 1}")


async def start(desk, name="n", alias="live", **more):
    asked = {"name": name, "input": Document.of({}), "version": None, "alias": alias} | more
    return (await desk.engine.commands.start(ME, "d", **asked)).execution


async def put(desk, *routing, alias="live"):
    return await desk.engine.commands.set_alias(ME, "d", alias, routing)


async def test_a_start_on_an_alias_is_of_its_version_and_shows_it(desk):
    await publish(desk, 3)
    assert (await put(desk, (2, 100))).created
    started = await start(desk)
    assert (started.version, started.alias) == (2, "live")
    view = await desk.describe(started.id)
    assert (view.version, view.alias) == (2, "live")


async def test_an_alias_that_moves_takes_new_starts_along_and_leaves_the_running_alone(desk):
    await publish(desk, 2)
    first_put = (await put(desk, (1, 100))).alias
    before = await start(desk, "a")
    second_put = await put(desk, (2, 100))
    after = await start(desk, "b")
    assert not second_put.created
    assert second_put.alias.created == first_put.created
    assert [before.version, after.version] == [1, 2]
    assert (await desk.describe(before.id)).version == 1


async def test_a_repeated_start_finds_the_execution_with_the_version_it_has(desk):
    await publish(desk, 2)
    await put(desk, (1, 100))
    await start(desk)
    await put(desk, (2, 100))
    again = await start(desk)
    assert again.version == 1
    await desk.engine.commands.signal(ME, "d:n", "go", Document.of(1), None)
    await desk.end("d:n")
    with pytest.raises(ExecutionAlreadyExists):
        await start(desk)


async def test_starts_while_an_alias_changes_are_of_the_one_version_or_the_other(desk):
    await publish(desk, 2)
    await put(desk, (1, 100))

    async def flip():
        for number in range(40):
            await put(desk, (1 + number % 2, 100))

    async def begin(number):
        return (await start(desk, f"n{number}")).version

    _, *versions = await asyncio.gather(flip(), *(begin(number) for number in range(60)))
    assert set(versions) <= {1, 2}


async def test_weights_share_starts_out_by_name_and_a_name_always_comes_to_the_same_version(desk):
    await publish(desk, 2)
    await put(desk, (1, 90), (2, 10))
    found = await desk.engine.commands.alias_of(ME, "d", "live")
    versions = [found.version_of(f"order-{number}") for number in range(1000)]
    assert 60 < versions.count(2) < 140
    assert versions == [found.version_of(f"order-{number}") for number in range(1000)]
    for number in range(20):
        assert (await start(desk, f"order-{number}")).version == versions[number]


@pytest.mark.parametrize(
    "routing",
    [(), ((1, 99),), ((1, 50), (1, 50)), ((1, 101), (2, -1)), ((1, 40), (2, 40), (3, 20))],
)
async def test_a_routing_that_is_none_is_refused(desk, routing):
    await publish(desk, 3)
    with pytest.raises(InvalidRequest):
        await put(desk, *routing)
    assert await desk.engine.queries.aliases(ME, "d") == []


async def test_an_alias_leads_only_to_versions_that_there_are(desk):
    with pytest.raises(DefinitionNotFound):
        await put(desk, (1, 100))
    await publish(desk, 1)
    with pytest.raises(DefinitionNotFound, match="version 2"):
        await put(desk, (1, 50), (2, 50))
    assert await desk.engine.queries.aliases(ME, "d") == []


async def test_a_start_names_a_version_or_an_alias(desk):
    await publish(desk, 1)
    await put(desk, (1, 100))
    with pytest.raises(InvalidRequest):
        await start(desk, version=1)
    with pytest.raises(AliasNotFound):
        await start(desk, alias="other")
    with pytest.raises(InvalidName):
        await start(desk, alias="1")


async def test_a_removed_alias_starts_nothing_and_what_it_started_goes_on(desk):
    await publish(desk, 1)
    await put(desk, (1, 100))
    started = await start(desk)
    await desk.engine.commands.remove_alias(ME, "d", "live")
    with pytest.raises(AliasNotFound):
        await start(desk, "other")
    with pytest.raises(AliasNotFound):
        await desk.engine.commands.remove_alias(ME, "d", "live")
    await desk.engine.commands.signal(ME, started.id, "go", Document.of(1), None)
    assert (await desk.end(started.id)).alias == "live"


async def test_a_definition_has_a_bounded_number_of_aliases(desk, monkeypatch):
    monkeypatch.setattr(aliases, "ALIASES_MAX", 2)
    await publish(desk, 2)
    for name in ("b", "a"):
        await put(desk, (1, 100), alias=name)
    with pytest.raises(QuotaExceeded):
        await put(desk, (1, 100), alias="c")
    await put(desk, (2, 100), alias="a")  # one that is there can still be changed
    listed = await desk.engine.queries.aliases(ME, "d")
    assert [(each.alias, each.routing[0].version) for each in listed] == [("a", 2), ("b", 1)]


async def test_an_express_execution_starts_on_an_alias(desk):
    for number in (1, 2):
        states = {"A": {"Type": "Pass", "Result": number, "End": True}}
        text = json.dumps({"StartAt": "A", "States": states}).encode()
        await desk.engine.commands.publish(ME, "d", text, "json", "EXPRESS")
    await put(desk, (1, 100))
    started = await start(desk)
    view = await desk.engine.queries.describe(ME, started.id, 10_000)
    assert (view.version, view.alias, view.output.text) == (1, "live", b"1")


async def test_the_face_makes_reads_lists_changes_and_removes_an_alias(desk, http):
    await publish(desk, 2)
    path = "/v1/definitions/d/aliases"
    made = await http.put(f"{path}/live", json={"version": 1})
    split = [{"version": 1, "weight": 75}, {"version": 2, "weight": 25}]
    changed = await http.put(f"{path}/live", json={"routing": split})
    assert (made.status_code, changed.status_code) == (201, 200)
    assert made.json()["routing"] == [{"version": 1, "weight": 100}]
    assert changed.json()["routing"] == split
    assert (await http.get(path)).json() == {"aliases": [changed.json()]}
    assert (await http.get(f"{path}/live")).json() == changed.json()
    started = await http.post("/v1/definitions/d/executions", json={"name": "a", "alias": "live"})
    assert started.json()["alias"] == "live"
    assert (await http.delete(f"{path}/live")).status_code == 200
    assert (await http.get(f"{path}/live")).json()["code"] == "alias_not_found"
    assert (await http.get("/v1/definitions/none/aliases")).status_code == 404


@pytest.mark.parametrize("body", [{}, {"version": 1, "routing": [{"version": 1, "weight": 100}]}])
async def test_the_face_wants_a_version_or_a_routing(desk, http, body):
    await publish(desk, 1)
    refused = await http.put("/v1/definitions/d/aliases/live", json=body)
    assert refused.json()["code"] == "invalid_request"
