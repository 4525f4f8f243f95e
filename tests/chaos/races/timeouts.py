"""Races against a deadline: a completion, a heartbeat and a signal, each at the moment its time is up."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.chaos.races.judging import Round, outcomes_recorded
from tests.chaos.races.track import Track

SECONDS = 1  # of every deadline here: the least there is

_WAITS = {
    "Type": "Task",
    "Resource": "signal:go",
    "TimeoutSeconds": SECONDS,
    "End": True,
    "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}],
}
# After the time-out one definition ends, and the other waits for the signal again.
SIGNAL_DEFINITIONS = {
    "race-signal-ends": {"First": _WAITS, "Late": {"Type": "Pass", "Result": "late", "End": True}},
    "race-signal-waits": {
        "First": _WAITS,
        "Late": {"Type": "Task", "Resource": "signal:go", "ResultPath": "$.late", "End": True},
    },
}
PAYLOAD = {"go": True}


async def completion(track: Track, _number: int) -> Round:
    execution = await track.start("race-timeout")
    held = await track.held("race", execution)
    due = await track.due(execution)
    answers = await track.race(at=due, completion=track.succeeds(held, "done", held.lease))
    track.aim.won(racer=answers["completion"].ok)
    return await track.finish(execution, answers)


def completion_winner(round_: Round) -> str:
    return "completion" if round_.answers["completion"].ok else "time-out"


def judge_completion(round_: Round) -> Iterator[str]:
    ok = round_.answers["completion"].ok
    types = round_.types
    if outcomes_recorded(round_) != 1 or bool(types["ActivitySucceeded"]) != ok:
        yield f"the completion was answered {round_.answers['completion']}, its records are {dict(types)}"
    if round_.status != ("SUCCEEDED" if ok else "FAILED"):
        yield f"the completion was answered {round_.answers['completion']}, it is {round_.status}"
    if not ok and round_.answers["completion"].told != "TIMED_OUT":
        yield f"the completion was told {round_.answers['completion']}"


async def heartbeat(track: Track, _number: int) -> Round:
    """A first heartbeat sets the deadline; the second comes when that is up; then the task is completed."""
    execution = await track.start("race-heartbeat")
    held = await track.held("race", execution)
    before = time.time()
    first = await track.race(first=lambda: track.door().heartbeat(held.token))
    began = (before + time.time()) / 2
    if not first["first"].ok:  # this machine took a second to come to it; the time-out was in time
        return await track.finish(execution, first, beat=None)
    answers = await track.race(
        at=began + SECONDS, heartbeat=lambda: track.door().heartbeat(held.token)
    )
    track.aim.won(racer=answers["heartbeat"].ok)
    answers |= await track.race(completion=track.succeeds(held, "done", held.lease))
    return await track.finish(execution, answers, beat=answers["heartbeat"].ended)


def heartbeat_winner(round_: Round) -> str:
    if round_.facts["beat"] is None:
        return "nobody"
    return "heartbeat" if round_.answers["heartbeat"].ok else "time-out"


def judge_heartbeat(round_: Round) -> Iterator[str]:
    timed_out = bool(round_.types["ActivityTimedOut"])
    if outcomes_recorded(round_) != 1 or round_.status != ("FAILED" if timed_out else "SUCCEEDED"):
        yield f"it is {round_.status}, its records are {dict(round_.types)}"
    if round_.facts["beat"] is None:
        return
    beat, done = round_.answers["heartbeat"], round_.answers["completion"]
    if done.ok == timed_out:
        yield f"the completion was answered {done}, its records are {dict(round_.types)}"
    if not beat.ok and done.ok:
        yield f"a heartbeat was answered {beat}, and the task could be completed"
    # A heartbeat that was accepted gives another second; a machine that needs longer has lost that one fairly.
    if (
        beat.ok
        and timed_out
        and done.began - beat.began < SECONDS / 2
        and done.ended - beat.began < SECONDS
    ):
        yield f"a heartbeat was accepted, and the task timed out {done.ended - beat.began:.3f} s later"


async def signal(track: Track, number: int) -> Round:
    name = "race-signal-waits" if number % 2 else "race-signal-ends"
    execution = await track.start(name)
    due = await track.due(execution)
    answers = await track.race(at=due, signal=lambda: track.door().signal(execution, "go", PAYLOAD))
    if number % 2 and not answers["signal"].ok:
        await track.door().stop(execution)  # nothing else would end it; the judge will see
    round_ = await track.finish(execution, answers, waits=bool(number % 2))
    track.aim.won(racer=signal_winner(round_) == "signal")
    return round_


def signal_winner(round_: Round) -> str:
    return "time-out" if round_.types["TaskTimedOut"] else "signal"


def judge_signal(round_: Round) -> Iterator[str]:
    """Taken by the first state, or kept: for the second state, or listed when nobody takes it."""
    answer, left = round_.answers["signal"], round_.kept
    received, taken = round_.types["SignalReceived"], round_.types["SignalConsumed"]
    won = signal_winner(round_)
    told = f"answered {answer}, {received} received, {taken} consumed, {left} left over"
    if round_.status != "SUCCEEDED":
        yield f"it is {round_.status}; {told}"
    # One that came in while the execution ended is listed, and has no record any more.
    if taken + left != answer.ok or received > answer.ok or taken > received:
        yield told
    if answer.ok and won == "time-out" and (taken if not round_.facts["waits"] else left):
        yield f"the time-out has won; {told}"
    if won == "signal" and round_.output != PAYLOAD:
        yield f"the signal has won, the output is {round_.output}"
    if not answer.ok and (round_.facts["waits"] or answer.code != "execution_closed"):
        yield f"the signal was refused: {answer}"
