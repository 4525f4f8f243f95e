import pytest

from detent import NotJson, TaskError, Worker
from detent.testing import Performed, run_handler, run_handler_sync

worker = Worker()


@worker.task("charge")
async def charge(order, task):
    await task.heartbeat()
    if order["amount"] > 100:
        raise TaskError("CardDeclined", f"attempt {task.attempt}")
    return {"paid": order["amount"]}


@worker.task("refund")
def refund(order, task):
    task.heartbeat()
    return (order, task.state)


async def test_a_handler_runs_without_a_server():
    assert await run_handler(worker, "charge", {"amount": 5}) == Performed(
        {"paid": 5}, heartbeats=1
    )
    assert await run_handler(worker, "refund", 1, state="Undo") == Performed(
        [1, "Undo"], heartbeats=1
    )


def test_a_failure_is_an_outcome_and_facts_are_what_the_test_says():
    done = run_handler_sync(worker, "charge", {"amount": 500}, attempt=3)
    assert not done.succeeded
    assert (done.error, done.cause) == ("CardDeclined", "attempt 3")


async def test_what_is_no_json_is_refused_on_both_sides():
    with pytest.raises(NotJson):
        await run_handler(worker, "charge", object())
    other = Worker()
    other.task("q")(lambda _: b"bytes")
    done = await run_handler(other, "q")
    assert done.error == "Detent.InvalidOutput"


def test_a_decorated_handler_stays_a_function():
    class Facts:
        state = "S"
        heartbeat = staticmethod(lambda: None)

    assert refund(1, Facts) == (1, "S")
