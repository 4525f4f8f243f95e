"""Tasks of Express executions: handed to workers like any other, performed here where the engine performs them."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from desk import ME, until

from engine.documents import Document
from engine.errors import LeaseLost, TaskClosed, TaskNotFound
from engine.views import Outcome

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:pay"


def pay(**fields: object) -> dict[str, object]:
    return {"Pay": {"Type": "Task", "Resource": FUNCTION, "End": True, **fields}}


def later(desk, monkeypatch, ms: int) -> None:
    """Let so much time pass, for whoever looks at the clock from now on."""
    clock, now = desk.engine.clock, desk.engine.clock.now_ms()
    monkeypatch.setattr(clock, "now_ms", lambda: now + ms)


def run_of(desk, task):
    return desk.engine.express.remembered.find(f"default:{task.execution}")


async def test_a_worker_that_waits_gets_the_task_at_once(desk):
    await desk.publish(pay())
    polling = asyncio.create_task(desk.lease())
    await until(lambda: not desk.engine.dispatcher.idle)
    execution = (await desk.run({"n": 1})).id
    [task] = await polling
    assert (task.execution, task.input, task.attempt) == (execution, Document.of({"n": 1}), 1)
    await desk.succeed(task, {"ok": True})
    assert (await desk.end(execution)).output == Document.of({"ok": True})


async def test_one_lease_takes_tasks_of_memory_and_of_redis_oldest_first(desk):
    await desk.publish(pay())
    text = '{"StartAt":"P","States":{"P":{"Type":"Task","Resource":"activity:pay","End":true}}}'
    await desk.engine.commands.publish(ME, "stored", text.encode(), "json")
    ran = [(await desk.run()).id for _ in range(2)]
    stored = await desk.start("s", definition="stored")
    await until(lambda: desk.engine.dispatcher._full.get("default:pay"))
    tasks = await desk.lease(most=3)
    assert [task.execution for task in tasks] == [*ran, stored]


async def test_many_workers_that_wait_get_a_task_each(desk):
    await desk.publish(pay())
    polling = [asyncio.create_task(desk.lease()) for _ in range(3)]
    await until(lambda: len(desk.engine.dispatcher._waiting["default:pay"]) == 3)
    ran = {(await desk.run()).id for _ in range(3)}
    assert {task.execution for [task] in await asyncio.gather(*polling)} == ran


async def test_the_first_outcome_counts_and_may_be_repeated(desk):
    await desk.publish(pay())
    execution = (await desk.run()).id
    [task] = await desk.lease()
    await desk.succeed(task, {"ok": 1})
    await desk.succeed(task, {"ok": 1})
    await desk.end(execution)
    await desk.succeed(task, {"ok": 1})
    with pytest.raises(TaskClosed) as closed:
        await desk.succeed(task, {"ok": 2})
    assert closed.value.facts["outcome"] == "SUCCEEDED"
    assert (await desk.describe(execution)).output == Document.of({"ok": 1})


async def test_a_lapsed_lease_hands_the_task_out_again_and_the_old_holder_comes_too_late(
    desk, monkeypatch
):
    await desk.publish(pay())
    execution = (await desk.run()).id
    [first] = await desk.lease(lease_ms=1_000)
    assert await desk.lease(wait_ms=0) == []
    later(desk, monkeypatch, 1_001)
    run_of(desk, first)._wake.set()
    [second] = await desk.lease()
    assert (second.token, second.idempotency_key) == (first.token, first.idempotency_key)
    with pytest.raises(LeaseLost):
        await desk.succeed(first)
    await desk.succeed(second, {"by": 2})
    assert (await desk.end(execution)).output == Document.of({"by": 2})


async def test_a_heartbeat_extends_the_lease_and_puts_the_heartbeat_time_out_off(desk, monkeypatch):
    await desk.publish(pay(HeartbeatSeconds=5))
    execution = (await desk.run()).id
    [task] = await desk.lease(lease_ms=4_000)
    later(desk, monkeypatch, 3_000)
    beat = await desk.engine.commands.heartbeat(ME, task.token, task.lease, 10_000)
    assert beat.lease_until > task.lease_until
    later(desk, monkeypatch, 3_000)
    run_of(desk, task).finish()
    assert (await desk.describe(execution)).tasks[0].status == "leased"
    later(desk, monkeypatch, 3_000)
    run_of(desk, task).finish()
    assert (await desk.kinds(execution))[-2:] == ["LambdaFunctionTimedOut", "ExecutionFailed"]
    with pytest.raises(TaskClosed) as closed:
        await desk.succeed(task)
    assert closed.value.facts["outcome"] == "TIMED_OUT"


async def test_a_task_times_out_and_its_retry_is_a_new_attempt(desk, monkeypatch):
    retry = [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1}]
    await desk.publish(pay(TimeoutSeconds=10, Retry=retry))
    execution = (await desk.run()).id
    [first] = await desk.lease()
    for ms in (10_001, 1_001):
        later(desk, monkeypatch, ms)
        run_of(desk, first).finish()
    [second] = await desk.lease()
    assert (second.attempt, second.idempotency_key) == (2, first.idempotency_key)
    await desk.succeed(second)
    assert (await desk.end(execution)).status == "SUCCEEDED"


async def test_a_failure_that_a_worker_reports_is_caught(desk):
    caught = [{"ErrorEquals": ["Card.Declined"], "Next": "Sorry"}]
    await desk.publish({**pay(Catch=caught), "Sorry": {"Type": "Pass", "End": True}})
    execution = (await desk.run()).id
    [task] = await desk.lease()
    outcome = Outcome(task.token, error="Card.Declined", cause="no funds", lease=task.lease)
    await desk.engine.commands.settle(ME, outcome)
    assert (await desk.end(execution)).output == Document.of(
        {"Error": "Card.Declined", "Cause": "no funds"}
    )


async def test_a_token_of_an_execution_that_is_not_known_here_is_none(desk, engines, express_desk):
    await desk.publish(pay())
    await desk.run()
    [task] = await desk.lease()
    other = express_desk(await engines())
    with pytest.raises(TaskNotFound):
        await other.succeed(task)
    forged = Outcome(task.token[:-1] + "~", output=Document.of(1))
    with pytest.raises(TaskNotFound):
        await desk.engine.commands.settle(ME, forged)


# Performed by the engine


@pytest.fixture
async def service():
    """An HTTP service on loopback: its address, the requests that came, and a gate that `/slow` waits at."""
    came: list[dict[str, str]] = []
    gate = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        came.append(dict(request.headers))
        if request.path == "/slow":
            await gate.wait()
        if request.path == "/no":
            return web.json_response({"why": "no"}, status=409)
        return web.json_response({"got": await request.json()})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}", came, gate
    gate.set()
    await runner.cleanup()


def call(url: str, **fields: object) -> dict[str, object]:
    return {"Call": {"Type": "Task", "Resource": url, "End": True, **fields}}


async def test_an_http_task_is_called_here_with_its_idempotency_key(desk, service):
    url, came, _ = service
    await desk.publish(call(f"{url}/yes"))
    ended = await desk.end((await desk.run({"n": 3}, synchronous=True)).id)
    assert ended.output == Document.of({"got": {"n": 3}})
    assert "Idempotency-Key" in came[0]
    assert "TaskStarted" in await desk.kinds(ended.id)


async def test_a_process_that_only_serves_callers_performs_http_tasks_too(
    engines, express_desk, service
):
    desk = express_desk(await engines(advances=False))
    await desk.publish(call(f"{service[0]}/yes"))
    assert (await desk.end((await desk.run()).id)).status == "SUCCEEDED"


async def test_an_http_task_that_fails_fails_the_execution_with_the_services_status(desk, service):
    await desk.publish(call(f"{service[0]}/no"))
    ended = await desk.end((await desk.run()).id)
    assert (ended.status, ended.error) == ("FAILED", "States.Http.StatusCode.409")


async def test_a_stop_abandons_the_call(desk, service):
    url, came, _ = service
    await desk.publish(call(f"{url}/slow"))
    execution = (await desk.run()).id
    await until(lambda: came)
    await desk.engine.commands.stop(ME, execution, None, None, 0)
    await until(lambda: not desk.engine.express.tasks._calls)
    assert (await desk.describe(execution)).status == "ABORTED"


async def test_an_http_task_that_takes_too_long_times_out(desk, service):
    url, _, _ = service
    await desk.publish(call(f"{url}/slow", TimeoutSeconds=1))
    ended = await desk.end((await desk.run()).id)
    assert (ended.status, ended.error) == ("FAILED", "States.Timeout")
