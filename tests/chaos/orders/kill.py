"""The kill test: orders under load while engine and API processes are killed, and a verdict over what is left.

    python -m tests.chaos.orders.kill --executions 2000 --kills 50 --seed 1

Writes its files into --folder (a temporary one by default) and the verdict to verdict.json there. Exit code: 0 pass,
1 fail, 2 invalid (too little was provoked to prove anything).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.chaos.orders.load import Callers, Workers
from tests.chaos.orders.plan import orders
from tests.chaos.rig import checker
from tests.chaos.rig.faults import Faults, Schedule
from tests.chaos.rig.processes import Household
from tests.chaos.rig.stage import Stage, settled, spread, stage
from tests.chaos.rig.verdicts import show

DEFINITION_TEXT = Path(__file__).with_name("order.yaml")
CONCURRENT_STARTS = 20
AHEAD = 3  # shares of the orders that are started before their fault, so that there is always work


@dataclass(frozen=True)
class Plan:
    """What a run does. `held_min`: kills that must hit a held claim. `loss`: part of commits whose reply is lost."""

    executions: int = 2000
    kills: int = 50
    held_min: int = 30
    seed: int = 1
    engines: int = 2
    lease_ms: int = 5000
    api_share: float = 0.1  # of the kills
    gap_seconds: tuple[float, float] = (0.2, 1.2)  # between kills
    pauses: int = 0  # an engine is stopped for longer than its lease, and goes on
    drains: int = 0  # an engine or the API is told to end, in turn, and started again
    loss: float = 0.0
    losses_min: int = 0
    settle_seconds: float = 120.0  # after the last kill, until everything has ended
    mutant: str = ""

    @property
    def schedule(self) -> Schedule:
        api = round(self.kills * self.api_share)
        return Schedule(
            engine_kills=self.kills - api,
            api_kills=api,
            pauses=self.pauses,
            drains=self.drains,
            held_min=self.held_min,
            lease_ms=self.lease_ms,
            gap_seconds=self.gap_seconds,
            seed=self.seed,
        )


async def _load(plan: Plan, callers: Callers, faults: Faults) -> None:
    """Start the orders, spread over the faults, so that each fault meets work."""
    gate = asyncio.Semaphore(CONCURRENT_STARTS)

    async def start(order: Any) -> None:
        async with gate:
            await callers.start(order)

    async with asyncio.TaskGroup() as group:
        for order in orders(plan.seed, plan.executions):
            await spread(faults, order.number / plan.executions, AHEAD)
            group.create_task(start(order))
            if order.number % 5 == 0:
                await asyncio.sleep(0.02)


async def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """One run; returns its verdict, which lies in the folder too."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    household = Household(folder, engines=plan.engines, lease_ms=plan.lease_ms, mutant=plan.mutant)
    async with stage(folder, asdict(plan), household, seed=plan.seed, loss=plan.loss) as on:
        await _drive(plan, on)
    found = checker.verdict(checker.read(folder))
    found["seconds"] = round(time.monotonic() - began, 1)
    (folder / "verdict.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    return found


async def _drive(plan: Plan, on: Stage) -> None:
    callers = Callers(on.household.url, on.ops)
    workers = Workers(on.household.url, plan.seed, on.effects, on.ops)
    try:
        await callers.publish(DEFINITION_TEXT.read_bytes())
        await workers.start()
        faults = Faults(plan.schedule, on.household, on.client, on.faults)
        async with asyncio.TaskGroup() as group:
            group.create_task(faults.run())
            group.create_task(_load(plan, callers, faults))
        await callers.quiet()
        await settled(on.client, plan.settle_seconds)
    finally:
        await workers.stop()
        await callers.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=Plan.executions)
    parser.add_argument("--kills", type=int, default=Plan.kills)
    parser.add_argument("--held-min", type=int, help="kills that must hit a held claim: 60 %%")
    parser.add_argument("--pauses", type=int, default=Plan.pauses)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--lease-ms", type=int, default=Plan.lease_ms)
    parser.add_argument("--settle-seconds", type=float, default=Plan.settle_seconds)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--mutant", default="", help="of tests/chaos/broken/program.py")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    logging.getLogger("detent").setLevel(logging.ERROR)
    plan = Plan(
        executions=given.executions,
        kills=given.kills,
        held_min=given.kills * 6 // 10 if given.held_min is None else given.held_min,
        pauses=given.pauses,
        seed=given.seed,
        lease_ms=given.lease_ms,
        settle_seconds=given.settle_seconds,
        loss=given.loss,
        losses_min=1 if given.loss else 0,
        mutant=given.mutant,
    )
    folder = given.folder or Path(tempfile.mkdtemp(prefix="detent-kill-"))
    found = asyncio.run(run(plan, folder))
    print(f"The files of the run are in {folder}.", file=sys.stderr)
    return show(found)


if __name__ == "__main__":
    sys.exit(main())
