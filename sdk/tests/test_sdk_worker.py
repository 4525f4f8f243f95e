import asyncio
import logging
import threading
import time

import pytest
from sdk_script import Cut, TaskScript, problem, until

from detent import TaskError, Unauthenticated, Worker


async def test_async_and_sync_handlers_report_what_they_return(script):
    charge, refund = TaskScript(script, "charge"), TaskScript(script, "refund")
    worker = Worker(script.url, name="w1")

    @worker.task("charge")
    async def on_charge(amount, task):
        return {"paid": amount, "state": task.state, "key": task.idempotency_key}

    @worker.task("refund")
    def on_refund(amount):
        assert threading.current_thread() is not threading.main_thread()
        return amount

    charge.add(5)
    refund.add(6)
    async with worker:
        (paid,) = await charge.settled(1)
        (refunded,) = await refund.settled(1)
    token = paid["token"]
    assert paid == {
        "token": token,
        "lease": f"lease-of-{token}",
        "output": {"paid": 5, "state": "Charge", "key": f"key-{token}"},
    }
    assert refunded["output"] == 6
    assert {seen.body["worker"] for seen in script.seen} == {"w1"}
    assert {seen.body["lease_seconds"] for seen in script.seen} == {30}


@pytest.mark.parametrize("is_async", [True, False])
async def test_what_a_handler_raises_is_the_failure_reported(tasks, is_async):
    worker = Worker(tasks.url, concurrency=1)  # so that they end in order
    raised = {
        "chosen": TaskError("CardDeclined", "no funds"),
        "other": KeyError("amount"),
        "exit": SystemExit(3),
        "long": ValueError("x" * 50_000),
        "cancelled": asyncio.CancelledError(),
    }

    def act(which):
        if which == "nan":
            return {"total": float("nan")}
        raise raised[which]

    async def act_async(which):
        return act(which)

    worker.task("charge")(act_async if is_async else act)
    for which in (*raised, "nan"):
        tasks.add(which)
    async with worker:
        results = await tasks.settled(6)
    chosen, other, left, long, cancelled, nan = results
    assert (chosen["error"], chosen["cause"]) == ("CardDeclined", "no funds")
    assert other["error"] == "KeyError"
    assert other["cause"].startswith("'amount'\n\nTraceback")
    assert left["error"] == "SystemExit"
    assert long["error"] == "ValueError"
    assert len(long["cause"]) == 32_768
    assert cancelled["error"] == "CancelledError"
    assert nan["error"] == "Detent.InvalidOutput"
    assert "$.total is nan" in nan["cause"]
    assert not any("output" in result for result in results)


@pytest.mark.parametrize("is_async", [True, False])
async def test_no_more_than_concurrency_run_at_once_over_all_queues(script, is_async):
    queues = [TaskScript(script, "a"), TaskScript(script, "b")]
    worker = Worker(script.url, concurrency=3)
    running, most = 0, 0
    lock = threading.Lock()

    def enter(by):
        nonlocal running, most
        with lock:
            running += by
            most = max(most, running)

    async def act_async(_):
        enter(1)
        await asyncio.sleep(0.01)
        enter(-1)

    def act(_):
        enter(1)
        time.sleep(0.01)
        enter(-1)

    for queue in queues:
        worker.task(queue.queue)(act_async if is_async else act)
        queue.add(*range(30))
    async with worker:
        for queue in queues:
            await queue.settled(30)
    assert most == 3


async def test_a_busy_queue_does_not_starve_another(script):
    busy, rare = TaskScript(script, "busy"), TaskScript(script, "rare")
    worker = Worker(script.url, concurrency=2)

    @worker.task("busy")
    @worker.task("rare")
    async def act(_):
        await asyncio.sleep(0.005)

    busy.add(*range(400))
    async with worker:
        await busy.settled(20)
        rare.add(1, 2, 3)
        await rare.settled(3)
        assert len(busy.results) < 200


async def test_more_queues_than_places_all_get_their_turn(script):
    queues = [TaskScript(script, f"q{number}") for number in range(3)]
    worker = Worker(script.url, concurrency=1)
    for queue in queues:
        worker.task(queue.queue)(lambda _: None)
        queue.add(1, 2)
    async with worker:
        for queue in queues:
            await queue.settled(2)


async def test_outcomes_go_at_once_while_a_long_poll_is_out_and_the_poll_is_kept(tasks):
    worker = Worker(tasks.url, concurrency=2)
    release = asyncio.Event()

    @worker.task("charge")
    async def act(_):
        await release.wait()

    async with worker:
        tasks.add(1)
        await until(lambda: tasks.leased_most == 1 and tasks.polls == 1)
        release.set()
        await tasks.settled(1)
        assert tasks.polls == 1
        with_results = [seen.body for seen in tasks.script.seen if seen.body["results"]]
        assert [(body["max"], body["wait_seconds"]) for body in with_results] == [(0, 0)]


async def test_outcomes_and_new_leases_share_one_round_trip_when_busy(tasks):
    worker = Worker(tasks.url, concurrency=10)
    worker.task("charge")(_echo)
    tasks.add(*range(200))
    async with worker:
        await tasks.settled(200)
    busy = [seen.body for seen in tasks.script.seen if seen.body["results"]]
    assert sum(body["max"] > 0 for body in busy) >= 19
    assert len(busy) < 60
    assert sorted(result["output"] for result in tasks.results) == list(range(200))


async def test_outcomes_survive_broken_connections_and_refusals_until_they_are_accepted(tasks):
    worker = Worker(tasks.url)
    worker.task("charge")(_echo)
    tasks.refusals.extend(
        [
            Cut(),
            problem(503, "store_unavailable"),
            problem(401, "unauthenticated"),
            problem(500, "engine_error"),
            {"results": [], "tasks": []},
        ]
    )
    tasks.add("precious")
    async with worker:
        (result,) = await tasks.settled(1)
    assert result["output"] == "precious"
    sent = [seen.body["results"] for seen in tasks.script.seen if seen.body["results"]]
    assert len(sent) == 6
    assert all(results == [result] for results in sent)


async def test_an_outcome_not_accepted_is_said_in_the_log_and_not_repeated(tasks, caplog):
    worker = Worker(tasks.url)
    worker.task("charge")(_echo)

    def closed(seen):
        tasks.results.extend(seen.body["results"])
        return [
            {"token": result["token"], "status": "closed", "detail": "it timed out"}
            for result in seen.body["results"]
        ]

    tasks.refusals.append(_results(closed))
    tasks.add(1)
    async with worker:
        await tasks.settled(1)
        await asyncio.sleep(0.05)
    assert len(tasks.results) == 1
    assert "outcome not accepted: closed it timed out" in caplog.text


async def test_one_bad_outcome_does_not_hold_up_the_others(tasks):
    worker = Worker(tasks.url, concurrency=3)
    worker.task("charge")(_echo)
    tasks.refusals.append(problem(413, "payload_too_large"))
    tasks.add("a", "huge", "c")
    tokens = [task["token"] for task in tasks.tasks]
    for token in (tokens[0], tokens[2]):
        tasks.script.on(f"POST /v1/tasks/{token}/succeed", {"token": token, "status": "accepted"})
    tasks.script.on(f"POST /v1/tasks/{tokens[1]}/succeed", problem(413, "payload_too_large"))
    async with worker:
        (result,) = await tasks.settled(1)
    assert result["token"] == tokens[1]
    assert result["error"] == "Detent.InvalidOutput"
    assert "payload_too_large" in result["cause"]
    assert len(tasks.script.requests(f"POST /v1/tasks/{tokens[0]}/succeed")) == 1
    assert len(tasks.script.requests(f"POST /v1/tasks/{tokens[2]}/succeed")) == 1


async def test_a_worker_begun_before_its_server_works_once_it_is_there(tasks, caplog):
    tasks.script.answers[f"POST /v1/queues/{tasks.queue}/exchange"].extendleft(
        [problem(503, "store_unavailable"), Cut()]
    )
    worker = Worker(tasks.url)
    worker.task("charge")(_echo)
    tasks.add(1)
    with caplog.at_level(logging.WARNING):
        async with worker:
            await tasks.settled(1)
    assert "does not answer, trying again" in caplog.text


async def test_an_outage_is_said_once_for_all_queues_and_its_end_too(script, caplog):
    queues = [TaskScript(script, name) for name in ("charge", "refund", "mail")]
    worker = Worker(script.url)
    for queue in queues:
        refusals = [problem(503, "store_unavailable")] * 4
        script.answers[f"POST /v1/queues/{queue.queue}/exchange"].extendleft(refusals)
        worker.task(queue.queue)(_echo)
    with caplog.at_level(logging.INFO, "detent.worker"):
        async with worker:
            await until(lambda: "answers again" in caplog.text)
            for queue in queues:
                queue.add(1)
                await queue.settled(1)
    assert caplog.text.count("does not answer") == 1
    assert caplog.text.count("answers again") == 1


async def test_after_an_outage_a_worker_knows_at_once_that_the_server_is_back(tasks):
    exchange = f"POST /v1/queues/{tasks.queue}/exchange"
    tasks.script.answers[exchange].appendleft(problem(503, "store_unavailable"))
    worker = Worker(tasks.url)
    worker.task("charge")(_echo)
    async with worker:
        await until(lambda: len(tasks.script.requests(exchange)) == 3)
    waits = [seen.body["wait_seconds"] for seen in tasks.script.requests(exchange)]
    assert [bool(wait) for wait in waits] == [True, False, True]


async def test_a_worker_says_what_it_performs_where_and_how_much_at_once(tasks, caplog):
    worker = Worker(tasks.url, concurrency=7, name="w1")
    worker.task("charge")(_echo)
    with caplog.at_level(logging.INFO, "detent.worker"):
        async with worker:
            pass
    assert f"worker w1 begins: queues charge at {tasks.url}, up to 7 tasks" in caplog.text


async def test_what_a_handler_raises_is_one_line_in_the_log(tasks, caplog):
    worker = Worker(tasks.url)

    @worker.task("charge")
    async def act(_):
        raise ValueError("no amount\nin this order")

    tasks.add(1)
    async with worker:
        await tasks.settled(1)
    (line,) = [record.getMessage() for record in caplog.records if "failed" in record.message]
    assert line == "order:1, Charge, attempt 1: failed: ValueError: no amount"


@pytest.mark.parametrize("is_async", [True, False])
async def test_the_traceback_in_a_cause_begins_in_the_handler(tasks, is_async):
    worker = Worker(tasks.url)

    def act(_):
        raise ValueError("no")

    async def act_async(_):
        act(_)

    worker.task("charge")(act_async if is_async else act)
    tasks.add(1)
    async with worker:
        (result,) = await tasks.settled(1)
    frames = [line for line in result["cause"].splitlines() if line.startswith("  File")]
    assert all(__file__ in frame for frame in frames)
    assert len(frames) == (2 if is_async else 1)


async def test_a_refused_token_ends_the_leasing_and_stop_raises_it(tasks, caplog):
    exchange = f"POST /v1/queues/{tasks.queue}/exchange"
    tasks.script.answers[exchange].clear()
    tasks.script.on(exchange, problem(401, "unauthenticated"))
    worker = Worker(tasks.url, token="wrong")
    worker.task("charge")(_echo)
    await worker.start()
    await until(lambda: "refuses its token" in caplog.text)
    await asyncio.sleep(0.05)
    assert len(tasks.script.requests(exchange)) == 1
    with pytest.raises(Unauthenticated):
        await worker.stop()
    await worker.stop()


async def test_a_token_refused_again_and_again_ends_a_worker_that_has_only_outcomes(tasks, caplog):
    worker = Worker(tasks.url, concurrency=1, drain_seconds=0.1)
    worker.task("charge")(_echo)
    tasks.refusals.extend([problem(401, "unauthenticated")] * 1000)
    tasks.add(1)
    with pytest.raises(Unauthenticated):
        async with worker:
            await until(lambda: "refuses its token" in caplog.text)
    assert "outcome not delivered" in caplog.text


def test_a_handler_takes_an_input_or_an_input_and_a_task():
    worker = Worker()
    worker.task("one")(lambda value: value)
    worker.task("two")(lambda value, context: value)
    worker.task("named")(lambda value, task=None: value)
    worker.task("default")(lambda value, tries=3: value)
    wants = {queue: handler.wants_task for queue, handler in worker.handlers.items()}
    assert wants == {"one": False, "two": True, "named": True, "default": False}
    with pytest.raises(TypeError, match="must take"):
        worker.task("none")(lambda: None)
    with pytest.raises(ValueError, match="already"):
        worker.task("one")(lambda value: value)


def test_an_object_with_an_async_call_is_an_async_handler():
    class Charge:
        async def __call__(self, value):
            return value

    worker = Worker()
    worker.task("q")(Charge())
    assert worker.handlers["q"].is_async


async def test_what_cannot_work_is_refused_at_once():
    with pytest.raises(ValueError, match="no handler"):
        await Worker().start()
    with pytest.raises(ValueError, match="concurrency"):
        Worker(concurrency=0)
    with pytest.raises(ValueError, match="lease_seconds"):
        Worker(lease_seconds=0)


async def _echo(value):
    return value


def _results(answer):
    return lambda seen: {"results": answer(seen), "tasks": []}
