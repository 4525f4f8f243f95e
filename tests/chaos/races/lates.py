"""The token of an attempt that has ended, used while the next attempt is completed: it must change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.chaos.races.judging import Round
from tests.chaos.races.track import Track

WITHIN_SECONDS = 0.02  # a completion by its lease is answered sooner than one by the token alone


def _work(error: str, **more: Any) -> dict[str, Any]:
    retry = {"ErrorEquals": [error], "IntervalSeconds": 1, "MaxAttempts": 1}
    return {
        "Work": {
            "Type": "Task",
            "Resource": "activity:race",
            "Retry": [retry],
            "End": True,
            **more,
        }
    }


# The first attempt is reported failed, or times out. The second has the same time: a minute in case of the failure.
DEFINITIONS = {
    "race-late-failed": _work("Busy"),
    "race-late-timeout": _work("States.Timeout", TimeoutSeconds=1),
}


async def late(track: Track, number: int) -> Round:
    """In every fourth round the first attempt times out. Of the late ones half say again what was said before."""
    by_time = number % 4 == 3
    execution = await track.start("race-late-timeout" if by_time else "race-late-failed")
    first = await track.held("race", execution)
    if not by_time:
        await track.door().fail(first.token, "Busy", first.lease)
    second = await track.held("race", execution)
    repeats = not by_time and number % 2 == 0
    racer = (
        track.fails(first, "Busy", None) if repeats else track.succeeds(first, "of attempt 1", None)
    )
    answers = await track.race(
        within=WITHIN_SECONDS,
        late=racer,
        completion=track.succeeds(second, "of attempt 2", second.lease),
    )
    return await track.finish(execution, answers, repeats=repeats, by_time=by_time)


def winner(round_: Round) -> str:
    """Both orders: whether the late one was answered before attempt 2 was, or after."""
    late_one, done = round_.answers["late"], round_.answers["completion"]
    return "late" if late_one.ended < done.ended else "second attempt"


def judge(round_: Round) -> Iterator[str]:
    late_one, done = round_.answers["late"], round_.answers["completion"]
    if late_one.ok != round_.facts["repeats"]:
        yield f"the late one was answered {late_one}"
    told = "TIMED_OUT" if round_.facts["by_time"] else "FAILED"
    if not late_one.ok and late_one.told != told:
        yield f"the late one was told {late_one}, attempt 1 has {told}"
    types = round_.types
    first = "ActivityTimedOut" if round_.facts["by_time"] else "ActivityFailed"
    if not done.ok:
        # Attempt 2 of a task with a second's time may have been too late for it, on a slow machine.
        if not round_.facts["by_time"] or done.told != "TIMED_OUT" or types[first] != 2:
            yield f"attempt 2 was answered {done}, its records are {dict(types)}"
        return
    if round_.output != "of attempt 2" or types["ActivitySucceeded"] != 1 or types[first] != 1:
        yield f"the output is {round_.output}, its records are {dict(types)}"
