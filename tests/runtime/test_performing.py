"""HTTP tasks, performed by the engine against a server on loopback."""

import asyncio
import json

import pytest
from aiohttp import web
from desk import ME, Desk, until

from engine.documents import Document
from engine.views import Outcome


class Endpoint:
    """A server: `answers` are the statuses of the next calls (then 200), `calls` what it was sent."""

    def __init__(self):
        self.calls = []
        self.answers = []
        self.called = asyncio.Condition()
        self.open = asyncio.Event()  # no answer before it is set
        self.open.set()
        self.url = ""

    async def handle(self, request):
        body = await request.read()
        async with self.called:
            self.calls.append((dict(request.headers), body))
            self.called.notify_all()
        await self.open.wait()
        status = self.answers.pop(0) if self.answers else 200
        return web.json_response({"number": len(self.calls)}, status=status)

    async def until_called(self, times):
        async with asyncio.timeout(60), self.called:
            await self.called.wait_for(lambda: len(self.calls) >= times)

    def keys(self):
        return [headers["Idempotency-Key"] for headers, _ in self.calls]


@pytest.fixture
async def endpoint():
    made = Endpoint()
    app = web.Application()
    app.router.add_post("/pay", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/pay"
    yield made
    await runner.cleanup()


@pytest.fixture
async def desk(engines):
    """With leases that outlast any pause of a busy machine: each call is made once."""
    return Desk(await engines(lease_ms=30_000))


def call(endpoint, suffix="", **more):
    return {"Pay": {"Type": "Task", "Resource": endpoint.url + suffix, "End": True} | more}


async def test_a_call_is_made_with_the_input_and_its_answer_is_the_result(desk, endpoint):
    await desk.publish(call(endpoint))
    view = await desk.end(await desk.start("n", {"big": 9007199254740993, "none": []}))
    assert view.status == "SUCCEEDED"
    assert json.loads(endpoint.calls[0][1]) == {"big": 9007199254740993, "none": []}
    assert len(endpoint.calls) == 1


async def test_a_repeat_after_a_server_error_keeps_its_idempotency_key(desk, endpoint):
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    endpoint.answers = [503]
    await desk.publish(call(endpoint, Retry=retry))
    view = await desk.end(await desk.start("n"))
    assert view.status == "SUCCEEDED"
    first, second = endpoint.keys()
    assert first == second
    assert [headers["Detent-Attempt"] for headers, _ in endpoint.calls] == ["1", "2"]


async def test_two_executions_never_share_an_idempotency_key(desk, endpoint):
    await desk.publish(call(endpoint))
    for name in ("a", "b"):
        await desk.end(await desk.start(name))
    assert len(set(endpoint.keys())) == 2


async def test_a_call_the_server_refuses_fails_the_state(desk, endpoint):
    endpoint.answers = [404]
    await desk.publish(call(endpoint))
    view = await desk.end(await desk.start("n"))
    assert view.status == "FAILED"


async def test_a_callbacks_answer_only_submits_and_its_token_completes_it(desk, endpoint):
    await desk.publish(call(endpoint, ".waitForTaskToken"))
    execution = await desk.start("n")
    await endpoint.until_called(1)
    token = endpoint.calls[0][0]["Detent-Task-Token"]
    async with asyncio.timeout(60):
        while (await desk.describe(execution)).tasks[0].status != "waiting":
            await asyncio.sleep(0.01)
    await desk.engine.commands.settle(ME, Outcome(token, output=Document.of("done")))
    view = await desk.end(execution)
    assert view.output.value == "done"
    assert "TaskSubmitted" in await desk.kinds(execution)


async def test_a_call_whose_process_died_is_made_again_under_the_same_key(engines, endpoint):
    from faulty import FaultyRedis

    faulty = []
    dying = Desk(
        await engines(
            redis=lambda real: faulty.append(FaultyRedis(real)) or faulty[0], drain_seconds=0
        )
    )
    await dying.publish(call(endpoint))

    class DiesWhenCalled(list):
        def pop(self, index):
            faulty[0].fail(1, "die")
            self.clear()
            return 200

    endpoint.answers = DiesWhenCalled([200])
    await dying.start("n")
    await endpoint.until_called(1)
    other = Desk(await engines())
    view = await other.end("d:n")
    assert view.status == "SUCCEEDED"
    assert len(set(endpoint.keys())) == 1
    assert len(endpoint.calls) >= 2


async def test_a_call_is_given_up_once_its_task_has_ended_otherwise(engines, endpoint):
    engine = await engines(http_timeout_seconds=3600)
    desk = Desk(engine)
    endpoint.open.clear()
    await desk.publish(call(endpoint))
    execution = await desk.start("n")
    await endpoint.until_called(1)
    assert engine._performers[0]._calls
    await engine.commands.stop(ME, execution, None, None, 60_000)
    await until(lambda: not engine._performers[0]._calls)
    endpoint.open.set()
