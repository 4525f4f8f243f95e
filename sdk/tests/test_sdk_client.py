import pytest
from sdk_script import Answer, problem

from detent import (
    Client,
    Conflict,
    DetentError,
    ExecutionAlreadyExists,
    ExecutionClosed,
    Invalid,
    InvalidDefinition,
    LeaseLost,
    NotFound,
    NotJson,
    QuotaExceeded,
    TaskClosed,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unreachable,
)

RUNNING = {
    "id": "order:1",
    "definition": "order",
    "name": "1",
    "version": 3,
    "status": "RUNNING",
    "started": "2026-11-22T10:00:00.000Z",
}
CLOSED = {**RUNNING, "status": "SUCCEEDED", "stopped": "2026-11-22T10:00:01.000Z", "output": 7}


async def test_every_request_carries_the_token(client, script):
    script.on("GET /healthz", {"status": "ok", "promise": "dev", "redis": {}, "reasons": []})
    assert (await client.health())["promise"] == "dev"
    assert script.seen[0].headers["Authorization"] == "Bearer secret"


async def test_url_and_token_default_to_the_environment(script, monkeypatch):
    monkeypatch.setenv("DETENT_URL", script.url + "/")
    monkeypatch.setenv("DETENT_TOKEN", "from-env")
    script.on("GET /healthz", {})
    async with Client() as client:
        await client.health()
    assert script.seen[0].headers["Authorization"] == "Bearer from-env"


def test_a_url_of_another_scheme_is_refused_at_once():
    with pytest.raises(ValueError, match="http"):
        Client("localhost:8083")


async def test_publish_sends_the_text_as_it_is_with_its_type(client, script):
    script.on("PUT /v1/definitions/order", Answer({"version": 1, "changed": True}, 201))
    await client.publish("order", "StartAt: A", format="yaml")
    await client.publish("order", {"StartAt": "A"})
    await client.publish("order", "StartAt: A")
    kinds = [seen.headers["Content-Type"] for seen in script.seen]
    assert kinds == ["application/yaml", "application/json", "application/octet-stream"]
    assert [seen.body for seen in script.seen] == ["StartAt: A", {"StartAt": "A"}, "StartAt: A"]
    with pytest.raises(ValueError, match="format"):
        await client.publish("order", "x", format="toml")


async def test_publish_and_validate_send_the_definitions_type_where_one_is_given(client, script):
    script.on("PUT /v1/definitions/order", Answer({"version": 1, "changed": True}, 201))
    script.on("POST /v1/definitions:validate", {"valid": True, "problems": []})
    await client.publish("order", "StartAt: A")
    await client.publish("order", "StartAt: A", type="EXPRESS")
    await client.validate("StartAt: A", type="EXPRESS")
    assert [seen.query for seen in script.seen] == [{}, {"type": "EXPRESS"}, {"type": "EXPRESS"}]


async def test_a_bad_definition_raises_with_every_problem(client, script):
    problems = [{"code": "unknown_target", "pointer": "/StartAt", "message": "no such state"}]
    script.on("PUT /v1/definitions/order", problem(400, "invalid_definition", problems=problems))
    with pytest.raises(InvalidDefinition) as caught:
        await client.publish("order", "StartAt: A")
    assert caught.value.problems == problems


async def test_validate_returns_problems_and_raises_nothing(client, script):
    script.on("POST /v1/definitions:validate", {"valid": False, "problems": [{"code": "x"}]})
    assert not (await client.validate("StartAt: A"))["valid"]


async def test_definition_and_versions_are_read(client, script):
    script.on("GET /v1/definitions/order", {"name": "order", "text": "..."})
    script.on("GET /v1/definitions/order/versions", {"versions": [{"version": 2}, {"version": 1}]})
    assert (await client.definition("order", 2))["text"] == "..."
    assert script.seen[0].query == {"version": "2"}
    assert [v["version"] for v in await client.versions("order")] == [2, 1]


async def test_a_start_without_a_name_gets_one_and_leaves_a_missing_input_out(client, script):
    script.on("POST /v1/definitions/order/executions", Answer(RUNNING, 201))
    await client.start("order")
    await client.start("order", None, name="1", version=3)
    first, second = (seen.body for seen in script.seen)
    assert len(first["name"]) == 36
    assert "input" not in first
    assert second == {"name": "1", "input": None, "version": 3}


async def test_a_start_that_waits_returns_the_output_however_long_it_takes(client, script):
    script.on("POST /v1/definitions/order/executions", Answer(RUNNING, 201))
    script.on(
        "GET /v1/executions/order:1",
        {**RUNNING, "input": {}, "frames": []},
        {**CLOSED, "input": {}, "frames": []},
    )
    assert await client.start("order", {}, name="1", wait_seconds=200) == CLOSED
    assert [seen.query["wait"] for seen in script.seen] == ["60", "60", "60"]


async def test_describe_waits_no_longer_than_asked(client, script):
    script.on("GET /v1/executions/order:1", RUNNING)
    assert (await client.describe("order:1", wait_seconds=0.02))["status"] == "RUNNING"
    assert script.seen[0].query == {"wait": "1"}


async def test_names_are_one_segment_of_the_path(client, script):
    script.on("GET /v1/executions/order:a%20b%2Fc%25", RUNNING)
    assert await client.describe("order:a b/c%") == RUNNING


async def test_listings_go_on_under_the_cursor_past_an_empty_page(client, script):
    script.on(
        "GET /v1/executions",
        {"executions": [{"id": "a"}, {"id": "b"}], "next": "c1"},
        {"executions": [], "next": "c2"},
        {"executions": [{"id": "c"}], "next": None},
    )
    found = [e["id"] async for e in client.executions(definition="order", status="RUNNING")]
    assert found == ["a", "b", "c"]
    assert script.seen[0].query == {"definition": "order", "status": "RUNNING", "limit": "100"}
    assert [seen.query.get("cursor") for seen in script.seen] == [None, "c1", "c2"]


async def test_executions_are_found_by_error_time_and_search_attributes(client, script):
    script.on("GET /v1/executions", {"executions": [], "next": None})
    await client.executions(
        definition="order",
        error="Lost",
        started_after="2026-11-22T10:00:00Z",
        attributes={"customer": "c&7", "paid": True, "amount": 1.5},
    ).list()
    assert script.seen[0].pairs == [
        ("definition", "order"),
        ("error", "Lost"),
        ("started_after", "2026-11-22T10:00:00Z"),
        ("attribute", "customer:c&7"),
        ("attribute", "paid:true"),
        ("attribute", "amount:1.5"),
        ("limit", "100"),
    ]


async def test_definitions_are_listed(client, script):
    script.on("GET /v1/definitions", {"definitions": [{"name": "order"}], "next": None})
    assert await client.definitions().list() == [{"name": "order"}]


async def test_history_reads_every_page_once(client, script):
    script.on(
        "GET /v1/executions/order:1/history",
        {"events": [{"id": 1}, {"id": 2}], "next": 2, "status": "RUNNING"},
        {"events": [{"id": 3}], "next": None, "status": "RUNNING"},
    )
    assert [e["id"] async for e in client.history("order:1")] == [1, 2, 3]
    assert [seen.query.get("after") for seen in script.seen] == [None, "2"]
    assert all("wait" not in seen.query for seen in script.seen)


async def test_followed_history_waits_for_records_until_the_execution_has_closed(client, script):
    script.on(
        "GET /v1/executions/order:1/history",
        {"events": [{"id": 1}], "next": None, "status": "RUNNING"},
        {"events": [], "next": None, "status": "RUNNING"},
        {"events": [{"id": 2}], "next": None, "status": "SUCCEEDED"},
        {"events": [], "next": None, "status": "SUCCEEDED"},
    )
    assert [e["id"] async for e in client.history("order:1", follow=True)] == [1, 2]
    assert [seen.query.get("after") for seen in script.seen] == [None, "1", "1", "2"]
    assert all(seen.query["wait"] == "60" for seen in script.seen)


def test_history_is_not_followed_backwards(client):
    with pytest.raises(ValueError, match="backwards"):
        client.history("order:1", follow=True, descending=True)


async def test_task_calls_send_what_the_face_takes(client, script):
    for deed in ("succeed", "fail", "heartbeat"):
        script.on(f"POST /v1/tasks/t1/{deed}", {"token": "t1", "status": "accepted"})
    script.on("POST /v1/queues/q/lease", {"tasks": []})
    script.on("POST /v1/queues/q/exchange", {"results": [], "tasks": []})
    script.on("POST /v1/executions/order:1/stop", {"id": "order:1", "status": "ABORTED"})
    await client.succeed("t1", {"paid": True}, lease="l1")
    await client.fail("t1", "Declined", "no funds")
    await client.heartbeat("t1", lease="l1", lease_seconds=30)
    await client.lease("q", most=5, wait_seconds=20, worker="w")
    await client.exchange("q", [{"token": "t1", "output": 1}], most=2)
    await client.stop("order:1", error="Enough", cause="asked")
    assert [seen.body for seen in script.seen] == [
        {"output": {"paid": True}, "lease": "l1"},
        {"error": "Declined", "cause": "no funds"},
        {"lease": "l1", "lease_seconds": 30},
        {"max": 5, "wait_seconds": 20, "lease_seconds": 30, "worker": "w"},
        {
            "results": [{"token": "t1", "output": 1}],
            "max": 2,
            "wait_seconds": 0,
            "lease_seconds": 30,
        },
        {"error": "Enough", "cause": "asked"},
    ]
    assert all(seen.query == {} for seen in script.seen)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", Invalid),
        (401, "unauthenticated", Unauthenticated),
        (404, "execution_not_found", NotFound),
        (409, "execution_already_exists", ExecutionAlreadyExists),
        (409, "execution_closed", ExecutionClosed),
        (409, "task_closed", TaskClosed),
        (409, "lease_lost", LeaseLost),
        (409, "something_new", Conflict),
        (413, "payload_too_large", TooLarge),
        (422, "signal_invalid", Invalid),
        (429, "quota_exceeded", QuotaExceeded),
        (500, "engine_error", DetentError),
    ],
)
async def test_a_refusal_is_raised_as_its_class_with_its_facts(client, script, status, code, kind):
    script.on("GET /v1/executions/x", problem(status, code, detail="because", fact=1))
    with pytest.raises(DetentError) as caught:
        await client.describe("x")
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.detail, error.title) == (status, code, "because", "No.")
    assert error.problem["fact"] == 1
    assert code in str(error)


async def test_an_answer_that_is_no_problem_document_is_still_an_error(script):
    script.on("GET /healthz", Answer("<html>Bad gateway</html>", 502))
    async with Client(script.url, retry_seconds=0) as client:
        with pytest.raises(Unavailable) as caught:
            await client.health()
    assert (caught.value.code, caught.value.detail) == ("http_502", "<html>Bad gateway</html>")


async def test_an_answer_that_is_not_json_is_an_error(script):
    script.on("GET /healthz", Answer("hello"))
    async with Client(script.url, retry_seconds=0) as client:
        with pytest.raises(Unavailable):
            await client.health()


async def test_a_value_json_cannot_hold_is_refused_before_anything_is_sent(client, script):
    with pytest.raises(NotJson, match=r"\$\.input\.price is nan"):
        await client.start("order", {"price": float("nan")})
    assert script.seen == []


async def test_a_server_that_is_not_there_is_unreachable(unused_tcp_port):
    async with Client(f"http://127.0.0.1:{unused_tcp_port}", retry_seconds=0.05) as client:
        with pytest.raises(Unreachable) as caught:
            await client.stop("order:1")
    assert caught.value.unsent
    assert caught.value.status == 0
