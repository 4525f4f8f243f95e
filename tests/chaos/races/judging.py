"""The judge of a round: what the racers were told, held against what the history says. Pure.

Nothing here knows how a race came about. A racer is accepted or refused; the history has one winner; the two agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ENDS = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
TASK_ENDS = ("ActivitySucceeded", "ActivityFailed", "ActivityTimedOut")
STATUS_OF_END = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "ABORTED": "ExecutionAborted",
    "TIMED_OUT": "ExecutionTimedOut",
}
REFUSALS = {"task_closed", "lease_lost", "execution_closed", "order_refused"}  # all of them 409


@dataclass(frozen=True)
class Answer:
    """What a racer was told: `status` 200, or a refusal's; `told` is what it says happened instead."""

    status: int = 200
    code: str = ""
    told: str = ""
    began: float = 0.0
    ended: float = 0.0

    @property
    def ok(self) -> bool:
        return self.status == 200

    def __str__(self) -> str:
        return f"{self.status} {self.code} {self.told}".rstrip()


@dataclass
class Round:
    """One race, run: who took part with which answer, how the execution ended, what its history holds."""

    execution: str
    answers: dict[str, Answer]
    status: str
    output: Any
    events: Sequence[Mapping[str, Any]]
    kept: int = 0  # signals that it lists and no state has taken
    facts: dict[str, Any] = field(default_factory=dict)  # what the kind has to know besides

    @property
    def types(self) -> Counter[str]:
        return Counter(event["type"] for event in self.events)


def sound(round_: Round) -> Iterator[str]:
    """What holds for every round of every kind."""
    ids = [event["id"] for event in round_.events]
    if ids != list(range(1, len(ids) + 1)):
        yield f"record ids are {ids}"
    ends = [number for number, event in enumerate(round_.events, 1) if event["type"] in ENDS]
    if ends != [len(ids)]:
        yield f"it has {len(ids)} records, its ends are at {ends}"
    elif round_.events[-1]["type"] != STATUS_OF_END.get(round_.status):
        yield f"it is {round_.status}, its last record is {round_.events[-1]['type']}"
    for racer, answer in round_.answers.items():
        if not answer.ok and (answer.status != 409 or answer.code not in REFUSALS):
            yield f"{racer} was answered {answer}"


def accepted(round_: Round, *racers: str) -> list[str]:
    return [racer for racer in racers if round_.answers[racer].ok]


def outcomes_recorded(round_: Round) -> int:
    """How many attempts of its tasks have ended, by the history."""
    return sum(round_.types[kind] for kind in TASK_ENDS)
