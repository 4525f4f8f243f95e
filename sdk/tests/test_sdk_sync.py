import asyncio
import inspect

import pytest
from sdk_script import Answer
from test_sdk_client import RUNNING

from detent import Client, NotFound, Pages, SyncClient


def test_every_public_method_of_the_client_has_its_twin_with_the_same_signature():
    names = {name for name in vars(Client) if not name.startswith("_")} - {"close"}
    for name in names:
        twin = inspect.signature(getattr(SyncClient, name))
        assert twin == inspect.signature(getattr(Client, name))


async def test_the_twin_calls_pages_and_raises_without_an_event_loop(script):
    script.on("POST /v1/definitions/order/executions", Answer(RUNNING, 201))
    script.on(
        "GET /v1/executions",
        {"executions": [{"id": "a"}, {"id": "b"}], "next": "c"},
        {"executions": [{"id": "c"}], "next": None},
    )

    def blocking():
        with SyncClient(script.url) as client:
            assert client.start("order") == RUNNING
            listing = client.executions()
            assert [e["id"] for e in listing] == ["a", "b", "c"]
            assert [len(page) for page in listing.pages()] == [1]
            assert listing.list() == [{"id": "c"}]
            assert next(iter(listing)) == {"id": "c"}  # and left in the middle
            with pytest.raises(NotFound):
                client.describe("x")

    await asyncio.to_thread(blocking)


def test_closing_an_unused_twin_is_fine():
    SyncClient("http://127.0.0.1:1").close()


async def test_pages_can_be_read_again():
    calls = []

    async def fetch():
        calls.append(1)
        yield [1, 2]
        yield [3]

    pages = Pages(fetch)
    assert [page async for page in pages.pages()] == [[1, 2], [3]]
    assert await pages.list() == [1, 2, 3]
    assert len(calls) == 2
