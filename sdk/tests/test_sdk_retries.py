import pytest
from sdk_script import Answer, Cut, problem
from test_sdk_client import CLOSED, RUNNING

from detent import Client, ExecutionAlreadyExists, NotFound, Unavailable, Unreachable

START = "POST /v1/definitions/order/executions"


async def test_a_start_whose_answer_was_lost_is_repeated_under_the_same_name(client, script):
    script.on(START, Cut(), problem(503, "outcome_unknown"), RUNNING)
    assert await client.start("order", {"a": 1}) == RUNNING
    bodies = [seen.body for seen in script.requests(START)]
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] == bodies[2]


async def test_an_unnamed_start_that_ended_before_its_repetition_is_found(client, script):
    def described(seen):
        return {**CLOSED, "id": seen.path.rsplit("/", 1)[1], "input": {}, "frames": []}

    script.on(
        START,
        lambda seen: names.append(seen.body["name"]) or Cut(),
        problem(409, "execution_already_exists"),
    )
    names = []
    script.otherwise = described
    started = await client.start("order")
    assert started == {**CLOSED, "id": f"order:{names[0]}"}


async def test_a_named_start_is_not_taken_for_somebody_elses(client, script):
    script.on(START, problem(409, "execution_already_exists"))
    with pytest.raises(ExecutionAlreadyExists):
        await client.start("order", name="1")
    assert len(script.seen) == 1


async def test_a_signal_is_repeated_under_the_same_id(client, script):
    path = "POST /v1/executions/order:1/signals/paid"
    script.on(path, Cut(), Answer({"duplicate": True}, 202))
    assert (await client.signal("order:1", "paid", {"a": 1}))["duplicate"]
    first, second = (seen.body for seen in script.requests(path))
    assert first == second
    assert len(first["id"]) == 36


@pytest.mark.parametrize("deed", ["succeed", "fail", "heartbeat"])
async def test_task_calls_are_repeated(client, script, deed):
    script.on(f"POST /v1/tasks/t/{deed}", Cut(), problem(503, "store_unavailable"), {"token": "t"})
    assert await getattr(client, deed)("t") == {"token": "t"}
    assert len(script.seen) == 3


async def test_a_lease_or_stop_whose_answer_was_lost_is_not_repeated(client, script):
    script.on("POST /v1/queues/q/lease", Cut())
    script.on("POST /v1/executions/x/stop", problem(503, "outcome_unknown"))
    with pytest.raises(Unreachable) as caught:
        await client.lease("q")
    assert not caught.value.unsent
    with pytest.raises(Unavailable):
        await client.stop("x")
    assert len(script.seen) == 2


async def test_a_refusal_is_not_repeated(client, script):
    with pytest.raises(NotFound):
        await client.describe("x")
    assert len(script.seen) == 1


async def test_repetition_ends_within_its_bound(script):
    script.on("GET /healthz", problem(503, "store_unavailable"))
    async with Client(script.url, retry_seconds=0.1) as client:
        with pytest.raises(Unavailable):
            await client.health()
    assert 2 <= len(script.seen) <= 40


async def test_a_server_that_asks_for_more_time_than_there_is_gets_no_second_request(script):
    body = {"code": "store_unavailable", "title": "No."}
    script.on("GET /healthz", Answer(body, 503, {"Retry-After": "60"}))
    async with Client(script.url, retry_seconds=1) as client:
        with pytest.raises(Unavailable) as caught:
            await client.health()
    assert caught.value.retry_after == 60
    assert len(script.seen) == 1
