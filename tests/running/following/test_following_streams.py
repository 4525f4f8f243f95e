"""The form of a stream: its beginning, its pauses, its bounds, and how it stops without having ended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from scripted_engine import ScriptedEngine, client, forever
from stream_reader import events_in

from api.app import create_app
from api.rest import receive, streaming
from engine.errors import ExecutionNotFound, StoreUnavailable
from engine.settings import Settings
from engine.views import HistoryPage

PATH = "/v1/executions/order:42/events"


def page(*numbers: int, status: str = "RUNNING", following: int | None = None) -> HistoryPage:
    events = [{"id": number, "type": "PassStateEntered"} for number in numbers]
    return HistoryPage(events, status, following)


def telling(*pages: Any) -> ScriptedEngine:
    """An engine whose history is these pages; after them, nothing happens any more."""
    left = [*pages]
    return ScriptedEngine(history=lambda *_, **__: left.pop(0) if left else forever())


async def get(engine: ScriptedEngine, path: str = PATH, **headers: str) -> Any:
    async with client(engine) as http:
        return await http.get(path, headers=headers)


async def test_a_stream_opens_before_anything_happens_and_comments_on_silence():
    response = await get(telling(page(), page(), page(1, status="FAILED")))
    assert response.text.startswith("retry: 1000\n\n: still here\n\n: still here\n\nid: 1\n")
    assert response.headers["cache-control"] == "no-store"


async def test_records_that_are_kept_no_longer_leave_a_gap_that_is_told():
    response = await get(telling(page(7, 8, status="SUCCEEDED")), f"{PATH}?after=2")
    gap, *rest = events_in(response.text)
    assert (gap.kind, gap.data) == ("gap", {"after": 2, "next": 7})
    assert [event.id for event in rest] == ["7", "8", "8"]


async def test_a_stream_does_not_end_before_the_last_page_of_a_closed_execution():
    engine = telling(page(1, status="ABORTED", following=1), page(2, status="ABORTED"))
    assert [event.id for event in events_in((await get(engine)).text)] == ["1", "2", "2"]


@pytest.mark.parametrize("given", ["seven", "-1", "1.5", "9" * 16, "٣"])
async def test_an_id_that_is_no_records_is_refused(given):
    engine = telling()
    async with client(engine) as http:
        response = await http.get(PATH, headers=[(b"last-event-id", given.encode())])
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert engine.calls == []


async def test_an_unknown_execution_is_a_problem_and_no_stream():
    response = await get(ScriptedEngine(history=ExecutionNotFound("order:42")))
    assert (response.status_code, response.json()["code"]) == (404, "execution_not_found")


async def test_a_store_that_fails_later_ends_the_stream_without_an_end():
    def history(*_: Any, **asked: Any) -> HistoryPage:
        if asked["after"]:
            raise StoreUnavailable
        return page(1)

    response = await get(ScriptedEngine(history=history))
    assert response.status_code == 200
    assert [event.kind for event in events_in(response.text)] == ["PassStateEntered"]


async def test_head_tells_the_form_and_opens_no_stream():
    async with client(telling(page(1))) as http:
        response = await http.head(PATH)
    assert (response.headers["content-type"], response.content) == ("text/event-stream", b"")


class Connection:
    """One request by hand. `taken`: chunks that its reader takes before it stops reading."""

    def __init__(self, engine: ScriptedEngine, taken: int = 1000) -> None:
        self.app = create_app(engine, Settings())
        self.gone = asyncio.Event()
        self.sent: list[dict[str, Any]] = []
        self._taken = asyncio.Semaphore(taken)

    async def run(self) -> None:
        scope = {
            "type": "http", "method": "GET", "path": PATH, "raw_path": PATH.encode(), "query_string": b"",
            "headers": [(b"host", b"localhost")], "http_version": "1.1", "scheme": "http", "root_path": "",
        }  # fmt: skip
        await self.app(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self._taken.acquire()
        self.sent.append(message)


async def until(holds: Any) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0)


async def test_no_page_is_read_before_its_reader_has_taken_the_one_before():
    engine = telling(*(page(n) for n in range(1, 100)))
    connection = Connection(engine, taken=3)  # the head, what a stream opens with, one record
    running = asyncio.create_task(connection.run())
    await until(lambda: len(connection.sent) == 3)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(engine.calls) == 2
    connection.gone.set()
    await running


async def test_a_reader_that_takes_nothing_is_cut_off(monkeypatch):
    monkeypatch.setattr(streaming, "SEND_SECONDS", 0.01)
    connection = Connection(telling(page(1)), taken=2)
    await asyncio.wait_for(connection.run(), 10)
    assert [message["type"] for message in connection.sent][-1] == "http.response.body"
    assert connection.sent[-1]["more_body"]


async def test_a_reader_that_goes_away_gives_its_place_back(monkeypatch):
    monkeypatch.setattr(receive, "WAITS_MAX", 1)
    first = Connection(telling(page(1)))
    running = asyncio.create_task(first.run())
    await until(lambda: len(first.sent) == 3)
    second = Connection(telling(page(1)))
    second.app = first.app
    await second.run()
    assert second.sent[0]["status"] == 429
    first.gone.set()
    await running
    third = Connection(telling(page(1, status="FAILED")))
    third.app.state.waits.__dict__.update(first.app.state.waits.__dict__)
    await third.run()
    assert third.sent[0]["status"] == 200
