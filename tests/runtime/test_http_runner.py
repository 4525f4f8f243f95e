"""HTTP tasks against a real server on loopback that answers as badly as a server can."""

import asyncio
import gzip
import json
import socket
import tracemalloc
from dataclasses import dataclass, replace
from typing import ClassVar

import aiohttp
import pytest
from aiohttp import web

from engine.documents import NULL, Document
from engine.settings import Settings
from engine.tasks.addresses import AddressRefused, Policy
from engine.tasks.http import CAUSE_BYTES_MAX, HttpRunner
from engine.tasks.runner import Failed, Succeeded

CAP = 4096
INPUT = Document.from_text(b'{"big": 9007199254740993, "none": [ ]}')
SETTINGS = Settings(http_timeout_seconds=5, http_response_bytes_max=CAP)


@dataclass(frozen=True)
class Task:
    uri: str
    input: Document = INPUT
    idempotency_key: str = "key-1"
    execution: str = "order:1"
    state: str = "Pay"
    attempt: int = 2
    token: str = "tok"


@pytest.fixture
async def endpoint():
    """A server: `answer` is what it does with the next calls, `calls` what it was sent."""

    class Endpoint:
        calls: ClassVar[list] = []
        answer = staticmethod(lambda request: web.json_response({}))
        url = ""

    async def handle(request):
        body = await request.read()
        Endpoint.calls.append((request.method, request.path, dict(request.headers), body))
        answer = Endpoint.answer(request)
        return await answer if asyncio.iscoroutine(answer) else answer

    Endpoint.calls = []
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    Endpoint.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/pay"
    yield Endpoint
    await runner.cleanup()


@pytest.fixture
async def runner():
    made = HttpRunner(SETTINGS)
    yield made
    await made.close()


@pytest.fixture
async def raw():
    """A socket server that writes the given bytes and closes; returns its URL."""
    servers = []

    async def serve(*parts, pause=0.0):
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    yield serve
    for server in servers:
        server.close()


async def test_the_input_is_posted_byte_for_byte_with_the_tasks_headers(endpoint, runner):
    task = Task(endpoint.url)
    assert await runner.perform(task) == Succeeded(Document.of({}))
    method, path, headers, body = endpoint.calls[0]
    assert (method, path, body) == ("POST", "/pay", task.input.text)
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == "key-1"
    assert headers["Detent-Execution"] == "order:1"
    assert headers["Detent-State"] == "Pay"
    assert headers["Detent-Attempt"] == "2"
    assert "Detent-Task-Token" not in headers


async def test_the_token_is_handed_out_only_for_a_callback(endpoint, runner):
    await runner.perform(Task(endpoint.url), callback=True)
    assert endpoint.calls[0][2]["Detent-Task-Token"] == "tok"


async def test_a_name_that_no_header_can_hold_is_percent_encoded(endpoint, runner):
    await runner.perform(Task(endpoint.url, state="Größe 100%\r\nX-Evil: 1"))
    headers = endpoint.calls[0][2]
    assert headers["Detent-State"] == "Gr%C3%B6%C3%9Fe 100%25%0D%0AX-Evil: 1"
    assert "X-Evil" not in headers


@pytest.mark.parametrize(
    ("body", "content_type", "output"),
    [
        (b'{"a": 9007199254740993}', "application/json", {"a": 9007199254740993}),
        (b"[]", "application/vnd.api+json; charset=utf-8", []),
        (b"plain", "text/plain", "plain"),
        (b'{"a":1}', "text/plain", '{"a":1}'),
        ("é".encode("latin-1"), "text/plain; charset=latin-1", "é"),
        ("é".encode(), "text/plain; charset=nonsense", "é"),
        (b"\xff", "text/plain", "\ufffd"),
        (b"", "application/json", None),
        (b" \n", "text/plain", None),
    ],
)
async def test_the_answer_becomes_the_output(endpoint, runner, body, content_type, output):
    endpoint.answer = lambda _: web.Response(
        body=body, status=201, headers={"Content-Type": content_type}
    )
    assert (await runner.perform(Task(endpoint.url))).output.value == output


async def test_no_content_is_null(endpoint, runner):
    endpoint.answer = lambda _: web.Response(status=204)
    assert await runner.perform(Task(endpoint.url)) == Succeeded(NULL)


@pytest.mark.parametrize(("body", "output"), [(b"[1]", [1]), (b"hello", "hello")])
async def test_without_a_content_type_the_answer_is_what_it_looks_like(raw, runner, body, output):
    url = await raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert (await runner.perform(Task(url))).output.value == output


@pytest.mark.parametrize("body", [b"{", b"NaN", b"1e999", b"[" * 200 + b"]" * 200, b'"\\ud800"'])
async def test_json_that_is_none_fails_under_the_same_key(endpoint, runner, body):
    endpoint.answer = lambda _: web.Response(body=body, content_type="application/json")
    result = await runner.perform(Task(endpoint.url))
    assert (result.error, result.transport) == ("Detent.HttpResponseInvalid", True)


@pytest.mark.parametrize(
    ("status", "transport"),
    [(302, False), (400, False), (404, False), (429, False), (500, True), (503, True)],
)
async def test_every_other_status_is_an_error_of_its_name(endpoint, runner, status, transport):
    endpoint.answer = lambda _: web.Response(
        text="because", status=status, headers={"Location": "/elsewhere", "Retry-After": "9"}
    )
    result = await runner.perform(Task(endpoint.url))
    assert result.error == f"States.Http.StatusCode.{status}"
    assert result.cause.startswith(f"{status} ")
    assert result.cause.endswith(": because")
    assert result.transport is transport
    assert len(endpoint.calls) == 1  # neither repeated nor redirected.


async def test_a_cause_holds_the_first_kilobyte_of_the_body(endpoint, runner):
    endpoint.answer = lambda _: web.Response(text="x" * 1_000_000, status=500)
    result = await runner.perform(Task(endpoint.url))
    assert result.cause == "500 Internal Server Error: " + "x" * CAUSE_BYTES_MAX


@pytest.mark.parametrize(("size", "fits"), [(CAP, True), (CAP + 1, False)])
async def test_an_answer_is_read_up_to_the_cap(endpoint, runner, size, fits):
    endpoint.answer = lambda _: web.Response(text="x" * size)
    result = await runner.perform(Task(endpoint.url))
    if fits:
        assert len(result.output.value) == size
    else:
        assert (result.error, result.transport) == ("States.DataLimitExceeded", True)


async def test_a_compressed_bomb_is_cut_off_and_costs_no_memory(endpoint, runner):
    bomb = gzip.compress(b"\0" * 200_000_000, 1)
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
    endpoint.answer = lambda _: web.Response(body=bomb, headers=headers)
    tracemalloc.start()
    result = await runner.perform(Task(endpoint.url))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.error == "States.DataLimitExceeded"
    assert peak_bytes < 10_000_000


async def test_an_endless_answer_is_cut_off(endpoint, runner):
    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    endpoint.answer = endless
    result = await runner.perform(Task(endpoint.url))
    assert result.error == "States.DataLimitExceeded"


@pytest.mark.parametrize("pause", [10, 0.02])
async def test_silence_and_dripping_end_at_the_time_out(raw, runner, pause):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    url = await raw(head, *[b"x"] * 1000, pause=pause)
    result = await runner.perform(Task(url), timeout_seconds=0.2)
    assert (result.error, result.transport) == ("States.Timeout", True)
    assert "0.2 seconds" in result.cause


async def test_a_task_cannot_lengthen_the_time_out(raw):
    impatient = HttpRunner(replace(SETTINGS, http_timeout_seconds=0.1))
    url = await raw(b"", pause=10)
    result = await impatient.perform(Task(url), timeout_seconds=60)
    await impatient.close()
    assert "0.1 seconds" in result.cause


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk",
    ],
)
async def test_a_broken_answer_is_a_socket_error_under_the_same_key(raw, runner, answer):
    result = await runner.perform(Task(await raw(answer)))
    assert (result.error, result.transport) == ("States.Http.Socket", True)


async def test_a_reset_after_the_request_is_a_socket_error_and_the_call_is_made_once(
    endpoint, runner
):
    def reset(request):
        request.transport.abort()
        return web.Response()

    endpoint.answer = reset
    result = await runner.perform(Task(endpoint.url))
    assert (result.error, result.transport) == ("States.Http.Socket", True)
    assert len(endpoint.calls) == 1


async def test_nobody_listening_is_a_socket_error(runner):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = await runner.perform(Task(f"http://127.0.0.1:{port}/"))
    assert (result.error, result.transport) == ("States.Http.Socket", True)


async def test_informational_answers_are_passed_over(raw, runner):
    url = await raw(
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    )
    assert await runner.perform(Task(url)) == Succeeded(Document.of([]))


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://", "nonsense", "http://[::1", "http://a:99999/"]
)
async def test_what_cannot_be_called_fails_without_a_call(runner, url):
    result = await runner.perform(Task(url))
    assert isinstance(result, Failed)
    assert result.error == "States.Runtime"


async def test_cookies_and_proxies_of_the_environment_are_not_used(endpoint, runner, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    endpoint.answer = lambda _: web.Response(headers={"Set-Cookie": "a=b; Path=/"})
    for _ in range(2):
        assert isinstance(await runner.perform(Task(endpoint.url)), Succeeded)
    assert "Cookie" not in endpoint.calls[1][2]


NEVER = """169.254.169.254 169.254.0.1 fe80::1 fe80::1%lo fd00:ec2::254 fd20:ce::254 100.100.100.200 168.63.129.16
192.0.0.192 0.0.0.0 0.1.2.3 :: 224.0.0.1 255.255.255.255 240.0.0.1 ff02::1 ::ffff:169.254.169.254 ::169.254.169.254
64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1 2001:0:a9fe:a9fe::1 ::ffff:0.0.0.0""".split()  # noqa: SIM905 - a table
PRIVATE = """127.0.0.1 127.8.8.8 ::1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 fd12::1 fec0::1
::ffff:127.0.0.1 ::ffff:10.1.2.3 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1::1 ::127.0.0.1 192.0.2.1 198.18.0.1""".split()  # noqa: SIM905 - a table
PUBLIC = "1.1.1.1 172.32.0.1 100.128.0.1 2606:4700::1111 64:ff9b::101:101 ::ffff:8.8.8.8".split()  # noqa: SIM905 - a table


@pytest.mark.parametrize("private", ["allow", "deny"])
@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_unroutable_addresses_are_refused_whatever_the_setting(address, private):
    with pytest.raises(AddressRefused):
        Policy(private).check(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_for_the_operator_to_decide(address):
    if not address.startswith(("::127", "2002:7f")):
        Policy("allow").check(address)
    with pytest.raises(AddressRefused):
        Policy("deny").check(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address):
    Policy("deny").check(address)


SPELLINGS = "127.0.0.1 localhost 127.1 0x7f000001 2130706433 0177.0.0.1 127.0.0.1. [::ffff:127.0.0.1] LOCALHOST u:p@127.0.0.1"


@pytest.mark.parametrize("host", SPELLINGS.split())
async def test_no_spelling_of_a_denied_address_reaches_the_listener(endpoint, host):
    strict = HttpRunner(replace(SETTINGS, http_private="deny"))
    url = endpoint.url.replace("127.0.0.1", host)
    result = await strict.perform(Task(url))
    await strict.close()
    assert isinstance(result, Failed)
    assert result.error in {"Detent.HttpBlocked", "States.Runtime"}
    assert endpoint.calls == []


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1%25lo]", "[::ffff:a9fe:a9fe]", "0.0.0.0"]
)
async def test_metadata_is_blocked_by_name_without_a_packet(runner, host):
    result = await runner.perform(Task(f"http://{host}/latest/meta-data"))
    assert (result.error, result.transport) == ("Detent.HttpBlocked", False)


async def test_a_name_with_one_refused_address_is_refused_as_a_whole(endpoint, runner, monkeypatch):
    async def resolve(_self, host, port=0, family=0):
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in ("127.0.0.1", "169.254.169.254")
        ]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    result = await runner.perform(Task(endpoint.url.replace("127.0.0.1", "rebound.example")))
    assert result.error == "Detent.HttpBlocked"
    assert endpoint.calls == []


async def test_an_address_is_checked_again_where_the_socket_is_made(endpoint, monkeypatch):
    monkeypatch.setattr("engine.tasks.addresses.CheckedResolver.resolve", _unchecked)
    strict = HttpRunner(replace(SETTINGS, http_private="deny"))
    result = await strict.perform(Task(endpoint.url.replace("127.0.0.1", "localhost")))
    await strict.close()
    assert result.error == "Detent.HttpBlocked"
    assert endpoint.calls == []


async def _unchecked(self, host, port=0, family=socket.AF_INET):
    return await self._system.resolve("127.0.0.1", port, family)


async def test_calls_run_side_by_side_over_one_pool(endpoint, runner):
    waiting = asyncio.Event()

    async def together(_):
        if len(endpoint.calls) == 20:
            waiting.set()
        await waiting.wait()
        return web.json_response(len(endpoint.calls))

    endpoint.answer = together
    results = await asyncio.gather(*(runner.perform(Task(endpoint.url)) for _ in range(20)))
    assert [json.loads(result.output.text) for result in results] == [20] * 20
