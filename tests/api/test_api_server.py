"""The server on a real socket: what only a connection can show."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from typing import Any

import pytest
from scripted_engine import ScriptedEngine, view

from api import server as server_module
from api.app import create_app
from api.rest import examples
from api.server import UnsafeBind, bound, check_bind, serve, serving
from engine import views
from engine.settings import InvalidSettings, Settings

SETTINGS = Settings(port=0, request_bytes_max=4096, drain_seconds=2)


class Poll:
    """A long poll that says when it begins and how it ends."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.ended = ""

    async def __call__(self, *_: Any, **asked: Any) -> list[Any]:
        if not asked["wait_ms"]:
            return []
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        return []


def head(path: str, *lines: str, method: str = "POST") -> bytes:
    start = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    return "\r\n".join([*start, *lines, "", ""]).encode()


@contextlib.asynccontextmanager
async def connected(engine: ScriptedEngine, settings: Settings = SETTINGS) -> Any:
    async with serving(create_app(engine, settings), settings) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        yield running, reader, writer
        writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return int(status.split()[1]), headers, json.loads(body)


async def flood(writer: asyncio.StreamWriter) -> None:
    for _ in range(100_000):
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        await writer.drain()


async def eventually(true: Any) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)


async def test_an_endless_body_is_refused_and_its_connection_closed():
    async with connected(ScriptedEngine()) as (_, reader, writer):
        writer.write(head("/v1/definitions/o/executions", "Transfer-Encoding: chunked"))
        for _ in range(60):
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        status, headers, problem = await answer(reader)
        assert (status, problem["code"]) == (413, "payload_too_large")
        assert headers["connection"] == "close"
        with pytest.raises(ConnectionError):
            await flood(writer)


async def test_the_sender_of_a_body_somewhat_too_large_is_told_so():
    async with connected(ScriptedEngine()) as (_, reader, writer):
        size = SETTINGS.request_bytes_max * 3
        writer.write(head("/v1/definitions/o/executions", f"Content-Length: {size}") + b"x" * size)
        assert (await answer(reader))[0] == 413


async def test_a_declared_body_over_the_limit_is_refused_before_it_is_sent():
    async with connected(ScriptedEngine()) as (_, reader, writer):
        writer.write(
            head("/v1/definitions/o/executions", "Content-Length: 9999999", "Expect: 100-continue")
        )
        status, _, _ = await answer(reader)
        assert status == 413


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/v1/queues/q/lease", {"wait_seconds": 60}, "lease"),
        ("/v1/queues/q/exchange", {"max": 1, "wait_seconds": 60}, "lease"),
    ],
)
async def test_a_worker_that_goes_away_ends_its_wait_and_takes_no_task(path, body, name):
    poll = Poll()
    async with connected(ScriptedEngine(**{name: poll})) as (_, _reader, writer):
        data = json.dumps(body).encode()
        writer.write(head(path, f"Content-Length: {len(data)}") + data)
        await asyncio.wait_for(poll.begun.wait(), 5)
        writer.close()
        await eventually(lambda: poll.ended == "cancelled")


async def test_a_stopping_server_answers_those_who_wait_and_is_gone():
    poll = Poll()
    async with connected(ScriptedEngine(lease=poll)) as (running, reader, writer):
        data = b'{"wait_seconds": 60}'
        writer.write(head("/v1/queues/q/lease", f"Content-Length: {len(data)}") + data)
        await asyncio.wait_for(poll.begun.wait(), 5)
        async with asyncio.timeout(30):  # half of what the poll asked for
            stopping = asyncio.create_task(running.stop())
            assert (await answer(reader))[::2] == (200, {"tasks": []})
            await stopping
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", running.port)


async def test_a_stopping_server_describes_what_was_waited_for_as_it_stands():
    begun = asyncio.Event()

    async def describe(_caller: Any, _execution: str, wait_ms: int) -> Any:
        if wait_ms:
            begun.set()
            await asyncio.Event().wait()
        return view(views.ExecutionView, examples.DESCRIPTION)

    async with connected(ScriptedEngine(describe=describe)) as (running, reader, writer):
        writer.write(head("/v1/executions/order:42?wait=60", method="GET"))
        await asyncio.wait_for(begun.wait(), 5)
        stopping = asyncio.create_task(running.stop())
        assert (await answer(reader))[2] == examples.DESCRIPTION
        await stopping


async def test_a_stopping_server_cuts_what_does_not_end_within_the_drain():
    async def stuck(*_: Any) -> None:
        await asyncio.Event().wait()

    settings = Settings(port=0, drain_seconds=1)
    begun = time.monotonic()
    async with asyncio.timeout(30):  # what is stuck would never end
        async with connected(ScriptedEngine(definitions=stuck), settings) as (_, _reader, writer):
            writer.write(head("/v1/definitions", method="GET"))
            await asyncio.sleep(0.1)
    assert time.monotonic() - begun >= 1


async def test_a_request_whose_head_drips_is_cut(monkeypatch):
    monkeypatch.setattr(server_module, "HEAD_SECONDS", 0.2)
    async with connected(ScriptedEngine()) as (_, reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: local")
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_a_head_that_does_not_end_is_cut():
    async with connected(ScriptedEngine()) as (_, reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                writer.write(b"x" * 8192)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert reader.at_eof() or writer.is_closing()


@pytest.mark.parametrize(
    ("first", "again"),
    [(b"0\r\n", b"X-T: y\r\n" * 8000), (b"1;", b"x" * 65_536), (b"", b"0" * 65_536)],
    ids=["trailers", "an extension of a chunk", "the size of a chunk"],
)
async def test_what_is_around_a_body_and_does_not_end_is_cut(first, again):
    async with connected(ScriptedEngine()) as (_, _, writer):
        writer.write(head("/v1/queues/q/lease", "Transfer-Encoding: chunked") + first)
        async with asyncio.timeout(20):
            with pytest.raises(OSError):  # noqa: PT012 - whichever write finds that it is closed
                for _ in range(1000):  # 64 MB
                    writer.write(again)
                    await writer.drain()
                    await asyncio.sleep(0)
                pytest.fail("all of it was taken")


async def test_a_body_that_drips_is_refused(monkeypatch):
    monkeypatch.setattr("api.rest.receive.RECEIVE_SECONDS", 0.2)
    async with connected(ScriptedEngine()) as (_, reader, writer):
        writer.write(head("/v1/queues/q/lease", "Content-Length: 2") + b"{")
        status, headers, problem = await answer(reader)
        assert (status, problem["code"]) == (408, "request_timeout")
        assert headers["connection"] == "close"


async def test_a_connection_serves_many_requests():
    async with connected(ScriptedEngine(lease=[])) as (_, reader, writer):
        for _ in range(3):
            writer.write(head("/v1/queues/q/lease", "Content-Length: 2") + b"{}")
            assert (await answer(reader))[0] == 200


async def test_sigterm_ends_serving():
    app = create_app(ScriptedEngine(), SETTINGS)
    running = asyncio.create_task(serve(app, SETTINGS))
    await asyncio.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 5)


async def test_serving_ends_with_the_event_of_its_supervisor():
    stop = asyncio.Event()
    running = asyncio.create_task(serve(create_app(ScriptedEngine(), SETTINGS), SETTINGS, stop))
    await asyncio.sleep(0.1)
    stop.set()
    await asyncio.wait_for(running, 5)


async def test_a_taken_port_is_an_error_at_start():
    async with connected(ScriptedEngine()) as (running, _, _writer):
        taken = Settings(port=running.port)
        with pytest.raises(OSError):
            async with serving(create_app(ScriptedEngine(), taken), taken):
                pass


def test_an_address_others_can_reach_wants_a_token():
    with pytest.raises(InvalidSettings):
        Settings(host="0.0.0.0")
    open_to_all = Settings(host="0.0.0.0", token="t")
    check_bind(open_to_all)
    object.__setattr__(open_to_all, "token", None)
    with pytest.raises(UnsafeBind):
        check_bind(open_to_all)


async def test_the_address_is_logged_with_the_port_the_system_chose(caplog):
    with caplog.at_level("INFO", "detent"):
        async with connected(ScriptedEngine()) as (running, _, _writer):
            port = running.port
    (listening,) = [r for r in caplog.records if r.getMessage() == "http.listening"]
    assert listening.facts == {"url": f"http://127.0.0.1:{port}"}


async def test_an_address_is_taken_before_anybody_is_answered():
    with contextlib.closing(bound(SETTINGS)) as address:
        settings = Settings(port=address.getsockname()[1])
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", settings.port)
        async with serving(create_app(ScriptedEngine(), settings), settings, address):
            with pytest.raises(OSError):
                bound(settings)
            _, writer = await asyncio.open_connection("127.0.0.1", settings.port)
            writer.close()
