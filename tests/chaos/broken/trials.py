"""The broken engines, each with the run that must notice it and the checks of which at least one must have findings."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.chaos.broken import setback, unwaited
from tests.chaos.herd import run as herd
from tests.chaos.orders import kill
from tests.chaos.races import run as races

Run = Callable[[str, int], Awaitable[dict[str, Any]]]  # of a mutant and a seed

ORDERS = kill.Plan(executions=60, kills=2, held_min=0, lease_ms=1000, settle_seconds=5, api_share=0)
LOST_SECONDS = 25.0  # after which what has not ended is lost, and not merely slow


@dataclass(frozen=True)
class Trial:
    """`family`: whose checker is proved by it."""

    mutant: str
    broken: str  # the promise that is taken out
    family: str
    run: Run
    checks: frozenset[str]


def orders(**changed: Any) -> Run:
    async def run(mutant: str, seed: int) -> dict[str, Any]:
        plan = replace(ORDERS, **({"mutant": mutant, "seed": seed} | changed))
        with tempfile.TemporaryDirectory(prefix="dt-broken-") as folder:
            return await kill.run(plan, Path(folder))

    return run


async def set_back(mutant: str, _seed: int) -> dict[str, Any]:
    return await setback.run(mutant)


async def waited(mutant: str, _seed: int) -> dict[str, Any]:
    return await unwaited.run(mutant)


async def timers(mutant: str, seed: int) -> dict[str, Any]:
    return await herd.run(herd.Plan(n=300, seed=seed, settle_seconds=30, mutant=mutant))


async def raced(mutant: str, seed: int) -> dict[str, Any]:
    plan = races.Plan(rounds=0, http_rounds=40, seed=seed, only="callback", mutant=mutant)
    return await races.run(plan)


TRIALS = (
    Trial(
        "no_fence",
        "a commit is not fenced",
        "orders",
        orders(kills=0, pauses=3),
        frozenset({"sequence", "chain"}),
    ),
    Trial(
        "fence_by_revision",
        "the fence compares revisions, and no nonce",
        "setback",
        set_back,
        frozenset({"one", "lost", "sequence"}),
    ),
    Trial(
        "retries",
        "the client sends unanswered calls again",
        "orders",
        orders(loss=0.02, losses_min=5),
        frozenset({"wire"}),
    ),
    Trial(
        "early_dispatch",
        "tasks are handed out before their commit",
        "orders",
        orders(kills=4),
        frozenset({"effects", "completions", "indexes"}),
    ),
    Trial(
        "destructive",
        "a task that is handed out is gone",
        "orders",
        orders(settle_seconds=LOST_SECONDS),
        frozenset({"lost"}),
    ),
    Trial(
        "engine_clock",
        "timers fire by the engine's clock",
        "herd",
        timers,
        frozenset({"early"}),
    ),
    Trial(
        "two_calls",
        "what was read is deleted in another call than it is applied in",
        "orders",
        orders(kills=6, settle_seconds=LOST_SECONDS),
        frozenset({"lost", "signals", "completions"}),
    ),
    Trial(
        "joins_twice",
        "the children of a join are counted apart from the checkpoint",
        "orders",
        orders(kills=6, settle_seconds=LOST_SECONDS),
        frozenset({"lost", "logs", "outcomes", "effects"}),
    ),
    Trial(
        "op_ids_ignored",
        "a repeated signal is taken again",
        "orders",
        orders(kills=0),
        frozenset({"signals"}),
    ),
    Trial(
        "no_index",
        "a commit does not write the indexes",
        "orders",
        orders(kills=0),
        frozenset({"indexes"}),
    ),
    Trial(
        "unwaited",
        "an acknowledgement does not await replicas",
        "replicas",
        waited,
        frozenset({"lost"}),
    ),
)

# The same runs on sound engines. A trial of the races is not needed to notice a mutant, and proves their judge.
RACED = Trial(
    "op_ids_ignored",
    "a repeated outcome is refused",
    "races",
    raced,
    frozenset({"callback twice"}),
)
SOUND_SECONDS = 60.0  # a sound engine has the time it needs to settle
SOUND: tuple[tuple[str, Run], ...] = (
    ("orders, kills and zombies", orders(kills=4, pauses=1, settle_seconds=SOUND_SECONDS)),
    ("orders, lost replies", orders(loss=0.02, losses_min=5, settle_seconds=SOUND_SECONDS)),
    ("setback", set_back),
    ("replicas that are down", waited),
    ("herd", timers),
    ("races", raced),
)


def caught(trial: Trial, verdict: dict[str, Any]) -> list[str]:
    """The checks that noticed it; none where it passed for sound."""
    found = {name for name, count in verdict["findings"].items() if count}
    return sorted(found) if verdict["verdict"] == "fail" and found & trial.checks else []
