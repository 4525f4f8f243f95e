"""Races of orders: a completion against a stop, and against a stop and a terminate or a pause."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos.races.judging import Answer, Round, outcomes_recorded
from tests.chaos.races.track import Track

ORDERS = ("stop", "terminate", "pause")


async def stop(track: Track, _number: int) -> Round:
    execution = await track.start("race-stop")
    held = await track.held("race", execution)
    answers = await track.race(
        completion=track.succeeds(held, "done", held.lease),
        stop=lambda: track.door().stop(execution),
    )
    return await track.finish(execution, answers)


async def three(track: Track, number: int) -> Round:
    """In every third round a pause instead of the terminate: what is paused is stopped all the same."""
    execution = await track.start("race-orders")
    held = await track.held("race", execution)
    order = "terminate" if number % 3 else "pause"
    answers = await track.race(
        completion=track.succeeds(held, "done", held.lease),
        stop=lambda: track.door().stop(execution),
        **{order: lambda: track.door().order(execution, order)},
    )
    return await track.finish(execution, answers)


def winner(round_: Round) -> str:
    if round_.status == "SUCCEEDED":
        return "completion"
    return "terminate" if round_.types["ExecutionTerminateRequested"] else "stop"


def judge(round_: Round) -> Iterator[str]:
    """One end; an outcome that was accepted is recorded; an order says how the execution ended, or is refused."""
    done = round_.answers["completion"]
    if outcomes_recorded(round_) != done.ok:
        yield f"the completion was answered {done}, {outcomes_recorded(round_)} outcomes are recorded"
    if round_.status not in ("SUCCEEDED", "ABORTED"):
        yield f"it is {round_.status}"
    if done.ok != (round_.status == "SUCCEEDED"):
        yield f"the completion was answered {done}, it is {round_.status}"
    if not done.ok and done.told not in (round_.status, "CANCELLED"):
        yield f"the completion was told {done}, it is {round_.status}"
    for name in ORDERS:
        answer = round_.answers.get(name)
        if answer is not None:
            yield from _order(name, answer, round_)


def _order(name: str, answer: Answer, round_: Round) -> Iterator[str]:
    if answer.ok and name != "pause" and (answer.told, round_.status) != ("ABORTED", "ABORTED"):
        yield f"{name} was told {answer}, it is {round_.status}"
    if not answer.ok and answer.code == "execution_closed" and answer.told != round_.status:
        yield f"{name} was told {answer}, it is {round_.status}"
