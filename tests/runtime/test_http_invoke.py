"""`http:invoke`: the call that parameters describe, with a connection's credentials, against a server on loopback."""

import base64
import json
import socket
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from desk import Desk
from listener import Task, listening

from engine.documents import Document
from engine.errors import InvalidConnections
from engine.settings import Settings
from engine.tasks.connections import read_connections
from engine.tasks.http import HttpRunner

INVOKE = "arn:aws:states:::http:invoke"
SETTINGS = Settings(http_timeout_seconds=5, http_response_bytes_max=4096)
SECRET = "s3cr3t-of-the-shop"


@pytest.fixture
async def endpoint():
    async with listening() as made:
        yield made


@pytest.fixture
async def run(endpoint, tmp_path):
    """Performs the call of some parameters, with the connections of a YAML text; URL is the server's."""
    made = []

    async def perform(connections="", **parameters):
        path = tmp_path / "connections.yaml"
        path.write_text((connections or "{}").replace("URL", endpoint.url), encoding="utf-8")
        if not made or connections:
            made.append(HttpRunner(SETTINGS, read_connections(path, {"SHOP": SECRET})))
        call = {"ApiEndpoint": endpoint.url + "/x", "Method": "GET"} | parameters
        return await made[-1].perform(Task(INVOKE, Document.of(call)))

    yield perform
    for runner in made:
        await runner.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_every_method_is_sent_with_the_key_and_without_a_body(endpoint, run, method):
    await run(Method=method)
    sent = endpoint.calls[0]
    assert (sent.method, sent.path, sent.body) == (method, "/x", b"")
    assert sent.headers["Idempotency-Key"] == "key-1"
    assert not [name for name in sent.headers if name.startswith("Detent")]
    assert "Content-Type" not in sent.headers or sent.headers["Content-Type"] != "application/json"


async def test_headers_query_and_body_are_sent_as_given(endpoint, run):
    await run(
        ApiEndpoint=endpoint.url + "/a%20b?x=1&y=%2B",
        Method="POST",
        Headers={"X-One": "1", "X-Many": ["a", "b"], "idempotency-key": "mine", "X-N": 5},
        QueryParameters={"y": "2&3", "many": ["p", "q"], "flag": True, "none": None},
        RequestBody={"big": 9007199254740993},
    )
    sent = endpoint.calls[0]
    path, _, query = sent.path.partition("?")
    assert path == "/a%20b"
    assert parse_qsl(query) == [
        ("x", "1"), ("y", "+"), ("y", "2&3"), ("many", "p"), ("many", "q"), ("flag", "true")
    ]  # fmt: skip
    assert sent.headers.getall("X-Many") == ["a", "b"]
    assert sent.headers.getall("Idempotency-Key") == ["mine"]
    assert (sent.headers["X-One"], sent.headers["X-N"]) == ("1", "5")
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.body == b'{"big":9007199254740993}'


@pytest.mark.parametrize(
    ("given", "body"), [("plain", b"plain"), (["a"], b'["a"]'), ({"a": "b"}, b'{"a":"b"}')]
)
async def test_text_of_another_type_is_sent_as_it_stands(endpoint, run, given, body):
    await run(Method="POST", Headers={"content-type": "text/plain"}, RequestBody=given)
    assert endpoint.calls[0].body == body
    assert endpoint.calls[0].headers.getall("Content-Type") == ["text/plain"]


@pytest.mark.parametrize(
    ("arrays", "pairs"),
    [
        (None, [("list[0]", "a b"), ("list[1]", "&")]),
        ("INDICES", [("list[0]", "a b"), ("list[1]", "&")]),
        ("REPEAT", [("list", "a b"), ("list", "&")]),
        ("COMMAS", [("list", "a b,&")]),
        ("BRACKETS", [("list[]", "a b"), ("list[]", "&")]),
    ],
)
async def test_a_body_is_encoded_as_a_form(endpoint, run, arrays, pairs):
    transform = {"RequestBodyEncoding": "URL_ENCODED"}
    if arrays:
        transform["RequestEncodingOptions"] = {"ArrayFormat": arrays}
    body = {"list": ["a b", "&"], "meta": {"k": 1, "deep": {"t": True}}, "none": None}
    await run(Method="POST", RequestBody=body, Transform=transform)
    sent = endpoint.calls[0]
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(sent.body.decode(), keep_blank_values=True) == [
        *pairs, ("meta[k]", "1"), ("meta[deep][t]", "true"), ("none", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "content_type", "shown"),
    [
        (b'{"a": 9007199254740993}', "application/json", {"a": 9007199254740993}),
        (b"[]", "application/problem+json", []),
        (b'{"a":', "application/json", '{"a":'),
        (b'{"a":1}', "text/plain", '{"a":1}'),
        (b"", "application/json", ""),
    ],
)
async def test_the_answer_is_shown_whole(endpoint, run, body, content_type, shown):
    headers = {"Content-Type": content_type, "X-A": "1"}
    endpoint.answer = lambda _: web.Response(body=body, status=201, reason="Made", headers=headers)
    result = (await run()).output.value
    assert result["ResponseBody"] == shown
    assert (result["StatusCode"], result["StatusText"]) == (201, "Made")
    assert result["Headers"]["X-A"] == ["1"]


async def test_what_is_refused_moved_too_large_or_broken_is_an_error(endpoint, run):
    for status in (301, 404, 500):
        endpoint.answer = lambda _, status=status: web.Response(status=status, text="no")
        failed = await run()
        assert failed.error == f"States.Http.StatusCode.{status}"
        assert failed.transport == (status == 500)
        assert failed.cause.endswith(": no")
    endpoint.answer = lambda _: web.Response(text="x" * 5000)
    assert (await run()).error == "States.DataLimitExceeded"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert (await run(ApiEndpoint=f"http://127.0.0.1:{port}/")).error == "States.Http.Socket"
    blocked = await run(ApiEndpoint="http://169.254.169.254/latest/meta-data")
    assert (blocked.error, blocked.transport) == ("Detent.HttpBlocked", False)


# Connections

BASIC = "shop: {type: BASIC, username: ada, password: {env: SHOP}}"
API_KEY = """
shop:
  type: API_KEY
  api_key_name: X-Api-Key
  api_key_value: {env: SHOP}
  headers: {X-Both: of the connection}
  query: {both: of the connection, key: {env: SHOP}}
  body: {both: of the connection}
"""
OAUTH = """
shop:
  type: OAUTH_CLIENT_CREDENTIALS
  authorization_endpoint: URL/token
  client_id: ada
  client_secret: {env: SHOP}
  token_request: {body: {scope: read}, headers: {X-T: "1"}, query: {q: "2"}}
"""
BY_ARN = {"ConnectionArn": "arn:aws:events:us-east-1:123456789012:connection/shop/81210c42"}


@pytest.mark.parametrize(
    "named",
    [
        {"Authentication": BY_ARN},
        {"InvocationConfig": BY_ARN},
        {"Authentication": {"ConnectionArn": "shop"}},
    ],
)
async def test_a_connection_is_found_by_its_arn_or_its_name(endpoint, run, named):
    await run(BASIC, **named)
    expected = base64.b64encode(f"ada:{SECRET}".encode()).decode()
    assert endpoint.calls[0].headers["Authorization"] == f"Basic {expected}"


async def test_what_the_connection_gives_wins(endpoint, run):
    await run(
        API_KEY,
        Authentication=BY_ARN,
        ApiEndpoint=endpoint.url + "/x?both=of+the+url&kept=1",
        Method="POST",
        Headers={"x-api-key": "mine", "x-both": "mine"},
        QueryParameters={"both": ["mine", "too"]},
        RequestBody={"both": "mine", "kept": 1},
    )
    sent = endpoint.calls[0]
    assert sent.headers.getall("X-Api-Key") == [SECRET]
    assert sent.headers.getall("X-Both") == ["of the connection"]
    assert sorted(parse_qsl(sent.path.partition("?")[2])) == [
        ("both", "of the connection"), ("kept", "1"), ("key", SECRET)
    ]  # fmt: skip
    assert json.loads(sent.body) == {"both": "of the connection", "kept": 1}


async def test_an_unknown_connection_makes_no_call(endpoint, run):
    failed = await run(BASIC, Authentication={"ConnectionArn": "other"})
    assert (failed.error, failed.transport) == ("Detent.ConnectionUnknown", False)
    assert endpoint.calls == []


def tokens(endpoint, *, refuse=(), **more):
    """Answers: /token hands out token-1, token-2 ...; other calls are refused with those in `refuse`."""

    def answer(request):
        if request.path == "/token":
            count = sum(call.path.startswith("/token") for call in endpoint.calls)
            return web.json_response({"access_token": f"token-{count}", **more})
        told = request.headers["Authorization"].removeprefix("Bearer ")
        return web.Response(status=401, text=told) if told in refuse else web.json_response(told)

    return answer


async def test_a_token_is_asked_for_once_and_used_until_it_lapses(endpoint, run):
    endpoint.answer = tokens(endpoint, expires_in=3600)
    for connections in (OAUTH, ""):
        result = await run(connections, Authentication=BY_ARN)
        assert result.output.value["ResponseBody"] == "token-1"
    asked = endpoint.calls[0]
    assert (asked.method, asked.path, asked.headers["X-T"]) == ("POST", "/token?q=2", "1")
    assert dict(parse_qsl(asked.body.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "ada",
        "client_secret": SECRET,
        "scope": "read",
    }
    assert [call.path.partition("?")[0] for call in endpoint.calls] == ["/token", "/x", "/x"]


async def test_a_token_that_has_lapsed_is_not_used(endpoint, run):
    endpoint.answer = tokens(endpoint, expires_in="29")
    for connections, token in ((OAUTH, "token-1"), ("", "token-2")):
        result = await run(connections, Authentication=BY_ARN)
        assert result.output.value["ResponseBody"] == token


async def test_a_refused_token_is_replaced_once(endpoint, run):
    endpoint.answer = tokens(endpoint, refuse={"token-1"}, expires_in=3600)
    result = await run(OAUTH, Authentication=BY_ARN)
    assert result.output.value["ResponseBody"] == "token-2"
    endpoint.answer = tokens(endpoint, refuse={"token-2", "token-3"}, expires_in=3600)
    failed = await run(Authentication=BY_ARN)
    assert failed.error == "States.Http.StatusCode.401"
    assert "token-3" not in failed.cause


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: web.Response(status=403, text=f"no, {SECRET} is wrong"),
        lambda _: web.json_response({"token": 1}),
        lambda _: web.Response(text="hello"),
        lambda request: request.transport.abort() or web.Response(),
    ],
)
async def test_without_a_token_no_call_is_made(endpoint, run, answer):
    endpoint.answer = answer
    failed = await run(OAUTH, Authentication=BY_ARN)
    assert (failed.error, failed.transport) == ("Detent.ConnectionFailed", False)
    assert "connection shop" in failed.cause
    assert SECRET not in failed.cause
    assert {call.path.partition("?")[0] for call in endpoint.calls} == {"/token"}


@pytest.mark.parametrize("connections", [BASIC, API_KEY])
async def test_a_cause_shows_no_secret(endpoint, run, connections):
    def tattle(request):
        return web.Response(status=400, text=f"{dict(request.headers)} {request.raw_path}")

    endpoint.answer = tattle
    failed = await run(connections, Authentication=BY_ARN)
    assert "***" in failed.cause
    assert SECRET not in failed.cause
    assert base64.b64encode(f"ada:{SECRET}".encode()).decode() not in failed.cause


def test_no_repr_shows_a_secret(tmp_path):
    path = tmp_path / "connections.yaml"
    path.write_text(API_KEY)
    assert SECRET not in repr(read_connections(path, {"SHOP": SECRET}))


WRONG = [
    ("shop: {type: BASIC, username: a}", "shop: Object missing required field `password`"),
    ("shop: {type: BASIC, username: 'a:b', password: c}", "no colon"),
    ("shop: {type: DIGEST}", "shop: Invalid value 'DIGEST'"),
    ("shop: {type: BASIC, username: a, password: b, realm: c}", "unknown field `realm`"),
    ("shop: {type: BASIC, username: a, password: {env: NONE}}", "no variable NONE"),
    ("shop: {type: BASIC, username: a, password: 5}", "got `int`"),
    ("shop: {type: API_KEY, api_key_name: 'a b', api_key_value: c}", "no name of a header"),
    ('shop: {type: API_KEY, api_key_name: a, api_key_value: "c\\r\\nd"}', "control character"),
    ("a/b: {type: BASIC, username: a, password: b}", "a name has"),
    ("[shop]", "no names"),
    ("shop: {type: BASIC", "line 1"),
    (
        "shop: {type: OAUTH_CLIENT_CREDENTIALS, authorization_endpoint: ftp://a, client_id: a, client_secret: b}",
        "authorization_endpoint",
    ),
]


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path, text, told):
    path = tmp_path / "connections.yaml"
    path.write_text(text)
    with pytest.raises(InvalidConnections) as caught:
        read_connections(path, {})
    assert told in str(caught.value)


def test_everything_wrong_is_told_at_once_and_no_secret_is(tmp_path):
    path = tmp_path / "connections.yaml"
    path.write_text(f"a: {{type: BASIC, username: [{SECRET}]}}\nb: {{type: {{x: {SECRET}}}}}\n")
    with pytest.raises(InvalidConnections) as caught:
        read_connections(path, {})
    assert "a: " in str(caught.value)
    assert "b: " in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidConnections, match="No such file"):
        read_connections(tmp_path / "none.yaml", {})


async def test_a_running_engine_makes_the_call_and_no_history_shows_the_secret(
    engines, endpoint, tmp_path, monkeypatch
):
    monkeypatch.setenv("SHOP", SECRET)
    path = tmp_path / "connections.yaml"
    path.write_text(API_KEY)
    endpoint.answer = lambda _: web.json_response({"id": "c-1"})
    engine = await engines(connections=path, lease_ms=30_000)
    desk = Desk(engine)
    call = {
        "ApiEndpoint.$": "$.url",
        "Method": "POST",
        "Authentication": BY_ARN,
        "RequestBody": {"name.$": "$.name"},
    }
    await desk.publish(
        {
            "A": {
                "Type": "Task",
                "Resource": INVOKE,
                "Parameters": call,
                "OutputPath": "$.ResponseBody",
                "End": True,
            }
        }
    )
    view = await desk.end(await desk.start("n", {"url": endpoint.url + "/x", "name": "Ada"}))
    assert (view.status, view.output.value) == ("SUCCEEDED", {"id": "c-1"})
    assert json.loads(endpoint.calls[0].body) == {"name": "Ada", "both": "of the connection"}
    from desk import ME

    page = await engine.queries.history(ME, "d:n", after=None, limit=100, descending=False)
    assert endpoint.calls[0].headers["X-Api-Key"] == SECRET
    assert SECRET not in json.dumps(page.events)
