"""The kinds of race: the definition, who races whom and when, and who must have won.

Each kind's `run` plays one round on a `Track` and returns it; `judge` names the winner and what is wrong. `orders` are
the winners that must each be seen in at least one round of a hundred.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos.races import lates, stops, timeouts
from tests.chaos.races.judging import Round, accepted, outcomes_recorded
from tests.chaos.races.track import Track

Run = Callable[[Track, int], Awaitable[Round]]
Judge = Callable[[Round], Iterator[str]]


@dataclass(frozen=True)
class Kind:
    """`winner(round)` is one of `orders`."""

    name: str
    definitions: dict[str, dict[str, Any]]
    run: Run
    winner: Callable[[Round], str]
    judge: Judge
    orders: tuple[str, ...]
    queue: str | None = "race"

    def texts(self) -> Iterator[tuple[str, bytes]]:
        for name, states in self.definitions.items():
            yield name, json.dumps({"StartAt": next(iter(states)), "States": states}).encode()


def task(queue: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"activity:{queue}", "End": True, **more}


async def _two_completions(track: Track, number: int) -> Round:
    """By lease or by token alone; of every two rounds one reports a failure against a success."""
    execution = await track.start("race-completions")
    held = await track.held("race", execution)
    lease = held.lease if number % 3 else None
    second = track.fails(held, "Second", lease) if number % 2 else track.succeeds(held, 2, lease)
    answers = await track.race(first=track.succeeds(held, 1, lease), second=second)
    return await track.finish(execution, answers, failed=bool(number % 2))


def _judge_two_completions(round_: Round) -> Iterator[str]:
    won = accepted(round_, "first", "second")
    if len(won) != 1:
        yield f"{won} were accepted"
        return
    if outcomes_recorded(round_) != 1:
        yield f"{outcomes_recorded(round_)} outcomes are recorded"
    is_failure = won == ["second"] and round_.facts["failed"]
    told = "FAILED" if is_failure else "SUCCEEDED"
    if round_.status != told:
        yield f"{won[0]} was accepted, it is {round_.status}"
    if told == "SUCCEEDED" and round_.output != (1 if won == ["first"] else 2):
        yield f"{won[0]} was accepted, the output is {round_.output}"
    loser = round_.answers["second" if won == ["first"] else "first"]
    if loser.told != told:
        yield f"the loser was told {loser}, it was {told}"


async def _callback_twice(track: Track, number: int) -> Round:
    """Two callbacks to a task whose worker has submitted it: in every other round they say the same."""
    execution = await track.start("race-callbacks")
    held = await track.held("race-callback", execution)
    await track.door().succeed(held.token, {}, held.lease)
    say = 1 if number % 2 else 2
    answers = await track.race(
        first=track.succeeds(held, 1, None), second=track.succeeds(held, say, None)
    )
    return await track.finish(execution, answers, same=bool(number % 2))


def _judge_callbacks(round_: Round) -> Iterator[str]:
    won = accepted(round_, "first", "second")
    if round_.facts["same"]:
        if len(won) != 2:
            yield f"the same was called back twice, and only {won} accepted"
    elif len(won) != 1:
        yield f"{won} were accepted"
    elif round_.output != (1 if won == ["first"] else 2):
        yield f"{won[0]} was accepted, the output is {round_.output}"
    for answer in round_.answers.values():
        if not answer.ok and answer.told != "SUCCEEDED":
            yield f"the loser was told {answer}"
    if round_.types["ActivitySucceeded"] != 1 or round_.types["ActivitySubmitted"] > 1:
        yield f"its records are {dict(round_.types)}"


def _by_answer(round_: Round) -> str:
    """Who was accepted; of two, who was answered first."""
    won = accepted(round_, *round_.answers)
    return min(won, key=lambda racer: round_.answers[racer].ended, default="nobody")


KINDS = (
    Kind(
        "completion against completion",
        {"race-completions": {"Work": task("race")}},
        _two_completions,
        _by_answer,
        _judge_two_completions,
        ("first", "second"),
    ),
    Kind(
        "callback twice",
        {"race-callbacks": {"Work": task("race-callback.waitForTaskToken")}},
        _callback_twice,
        _by_answer,
        _judge_callbacks,
        ("first", "second"),
        queue="race-callback",
    ),
    Kind(
        "completion against time-out",
        {"race-timeout": {"Work": task("race", TimeoutSeconds=1)}},
        timeouts.completion,
        timeouts.completion_winner,
        timeouts.judge_completion,
        ("completion", "time-out"),
    ),
    Kind(
        "heartbeat against time-out",
        {"race-heartbeat": {"Work": task("race", HeartbeatSeconds=1, TimeoutSeconds=600)}},
        timeouts.heartbeat,
        timeouts.heartbeat_winner,
        timeouts.judge_heartbeat,
        ("heartbeat", "time-out"),
    ),
    Kind(
        "signal against time-out",
        timeouts.SIGNAL_DEFINITIONS,
        timeouts.signal,
        timeouts.signal_winner,
        timeouts.judge_signal,
        ("signal", "time-out"),
        queue=None,
    ),
    Kind(
        "completion against stop",
        {"race-stop": {"Work": task("race")}},
        stops.stop,
        stops.winner,
        stops.judge,
        ("completion", "stop"),
    ),
    Kind(
        "stop against completion against terminate or pause",
        {"race-orders": {"Work": task("race")}},
        stops.three,
        stops.winner,
        stops.judge,
        ("completion", "stop", "terminate"),
    ),
    Kind(
        "late token of attempt 1 while attempt 2 runs",
        lates.DEFINITIONS,
        lates.late,
        lates.winner,
        lates.judge,
        ("late", "second attempt"),
    ),
)
