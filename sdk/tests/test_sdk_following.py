"""`follow`: each record once, whatever becomes of the connection; and aliases."""

import asyncio
import json

import pytest
from sdk_script import Answer, Cut, problem

from detent import Client, NotFound, SyncClient, Unavailable

PATH = "GET /v1/executions/order:1/events"
END = 'event: end\ndata: {"status":"SUCCEEDED"}\n\n'


def told(*numbers, end=False):
    records = [
        f"id: {n}\nevent: PassStateEntered\ndata: {json.dumps({'id': n, 'note': 'a: b'})}\n\n"
        for n in numbers
    ]
    return Answer("retry: 1000\n\n: still here\n\n" + "".join(records) + (END if end else ""))


def asked(script):
    return [seen.headers["Last-Event-ID"] for seen in script.requests(PATH)]


async def ids(pages):
    return [record["id"] async for record in pages]


async def test_a_stream_is_followed_to_its_end(client, script):
    script.on(PATH, told(1, 2, end=True))
    assert await client.follow("order:1").list() == [{"id": n, "note": "a: b"} for n in (1, 2)]
    assert asked(script) == ["0"]


async def test_following_begins_where_it_is_told(client, script):
    script.on(PATH, told(8, end=True))
    assert await ids(client.follow("order:1", after=7)) == [8]
    assert asked(script) == ["7"]


async def test_a_stream_that_stops_without_its_end_is_taken_up_after_the_last_record(
    client, script
):
    script.on(PATH, told(1, 2), Cut(), problem(503, "store_unavailable"), told(3, end=True))
    assert await ids(client.follow("order:1")) == [1, 2, 3]
    assert asked(script) == ["0", "2", "2", "2"]


async def test_a_gap_is_no_record(client, script):
    gap = 'event: gap\ndata: {"after":0,"next":5}\n\n'
    script.on(PATH, Answer(gap + told(5, end=True).body))
    assert await ids(client.follow("order:1")) == [5]


async def test_an_execution_that_is_unknown_is_not_asked_for_again(client, script):
    script.on(PATH, problem(404, "execution_not_found"))
    with pytest.raises(NotFound):
        await client.follow("order:1").list()
    assert len(script.seen) == 1


async def test_a_server_that_stays_away_ends_the_following(script):
    script.on(PATH, told(1), Cut())
    async with Client(script.url, retry_seconds=0.3) as client:
        with pytest.raises(Unavailable):
            await client.follow("order:1").list()
    assert asked(script)[:2] == ["0", "1"]


async def test_a_record_of_many_chunks_is_one_record(client, script):
    long = json.dumps({"id": 1, "note": "x" * 1_000_000})
    script.on(PATH, Answer(f"id: 1\nevent: A\ndata: {long}\n\n{END}"))
    [record] = await client.follow("order:1").list()
    assert len(record["note"]) == 1_000_000


async def test_a_client_without_a_loop_follows_too(script):
    script.on(PATH, told(1, 2, end=True))

    def all_of_them():
        with SyncClient(script.url) as client:
            return [record["id"] for record in client.follow("order:1")]

    assert await asyncio.to_thread(all_of_them) == [1, 2]


async def test_aliases_are_set_listed_removed_and_started_on(client, script):
    path = "/v1/definitions/order/aliases"
    alias = {"definition": "order", "alias": "live", "routing": [{"version": 3, "weight": 100}]}
    script.on(f"PUT {path}/live", Answer(alias, 201))
    script.on(f"GET {path}", {"aliases": [alias]})
    script.on(f"DELETE {path}/live", alias)
    script.on("POST /v1/definitions/order/executions", Answer({"status": "RUNNING"}, 201))
    assert await client.set_alias("order", "live", 3) == alias
    await client.set_alias("order", "live", {3: 90, 4: 10})
    assert await client.aliases("order") == [alias]
    await client.start("order", alias="live", name="1")
    assert await client.remove_alias("order", "live") == alias
    single, shared = (seen.body for seen in script.requests(f"PUT {path}/live"))
    assert single == {"version": 3}
    assert shared["routing"] == [{"version": 3, "weight": 90}, {"version": 4, "weight": 10}]
    [started] = script.requests("POST /v1/definitions/order/executions")
    assert started.body == {"name": "1", "alias": "live"}
