"""A run of random workflows under faults: from a plan to a verdict."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos.orders import kill as orders_load
from tests.chaos.orders.load import Callers as OrderCallers
from tests.chaos.orders.load import Workers as OrderWorkers
from tests.chaos.orders.plan import orders
from tests.chaos.rig.faults import Faults
from tests.chaos.rig.journal import Journal
from tests.chaos.rig.processes import Household
from tests.chaos.rig.stage import Stage, running, spread, stage
from tests.chaos.rig.stuck import Stuck, watch
from tests.chaos.workflows import checks
from tests.chaos.workflows.effects import EffectServer
from tests.chaos.workflows.load import Callers
from tests.chaos.workflows.plan import Plan
from tests.chaos.workflows.shapes import Run, Shapes

CONCURRENT_STARTS = 20
OPEN_MAX = 400  # executions at once: more would only wait for one another
AHEAD = 3  # shares of the load that are started before their fault, so that there is always work
WORKER = ("-m", "tests.chaos.workflows.performers")
ORDERS = "orders"  # the folder with what the orders' callers and workers have written


async def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """One run; returns its verdict, which lies in the folder too."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ORDERS).mkdir(exist_ok=True)
    began = time.monotonic()
    household = Household(
        folder,
        engines=plan.engines,
        lease_ms=plan.lease_ms,
        mutant=plan.mutant,
        workers=plan.workers,
        worker=(*WORKER, str(plan.seed), str(folder)),
    )
    async with stage(
        folder, asdict(plan), household,
        seed=plan.seed, loss=plan.loss, api_too=True, proxied=not plan.loss and not plan.calm,
    ) as on:  # fmt: skip
        await _drive(plan, on)
    found = checks.verdict(folder)
    found["seconds"] = round(time.monotonic() - began, 1)
    (folder / "verdict.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    return found


async def _drive(plan: Plan, on: Stage) -> None:
    url = on.household.url
    effects = EffectServer(plan.seed, url, on.effects, on.ops)
    shapes = Shapes(plan.seed, await effects.start())
    callers = Callers(url, shapes, on.ops)
    journals = [Journal(on.folder / ORDERS / f"{name}.jsonl") for name in ("ops", "effects")]
    order_callers = OrderCallers(url, journals[0])
    order_workers = OrderWorkers(url, plan.seed, journals[1], journals[0])
    try:
        await callers.publish()
        await order_callers.publish(orders_load.DEFINITION_TEXT.read_bytes())
        if plan.orders:
            await order_workers.start()
        faults = Faults(plan.schedule, on.household, on.client, on.faults, on.proxy)
        async with asyncio.TaskGroup() as group:
            group.create_task(faults.run())
            watching = group.create_task(watch(on, faults, plan.stuck_seconds))
            await _load(plan, on, faults, callers, shapes, order_callers)
            while faults.active and not watching.done():
                await asyncio.sleep(0.2)
            await _quiet(plan, on, callers, order_callers, watching)
            watching.cancel()
    except* Stuck:
        pass  # told by the files; the checker finds what has not ended
    finally:
        if plan.orders:
            await order_workers.stop()
        await order_callers.close()
        await callers.close()
        await effects.close()
        for journal in journals:
            journal.close()


async def _quiet(
    plan: Plan, on: Stage, callers: Callers, order_callers: OrderCallers, watching: Any
) -> None:
    """Return when everything was sent and nothing runs any more, or the time for that is over."""
    deadline = time.monotonic() + plan.settle_seconds
    await callers.quiet()
    await order_callers.quiet()
    while time.monotonic() < deadline and not watching.done() and await running(on.client):
        await asyncio.sleep(0.3)


async def _load(
    plan: Plan,
    on: Stage,
    faults: Faults,
    callers: Callers,
    shapes: Shapes,
    order_callers: OrderCallers,
) -> None:
    """Start runs and orders mixed, spread over the faults, so that each fault meets work."""
    gate = asyncio.Semaphore(CONCURRENT_STARTS)

    async def start(what: Any) -> None:
        async with gate:
            await (callers.start(what) if isinstance(what, Run) else order_callers.start(what))

    total = plan.executions + plan.orders
    async with asyncio.TaskGroup() as group:
        for number, what in enumerate(_mixed(plan, shapes)):
            await spread(faults, number / total, AHEAD)
            if number % 10 == 0:
                while await running(on.client) > OPEN_MAX:
                    await asyncio.sleep(0.1)
            group.create_task(start(what))
            await asyncio.sleep(0.002)


def _mixed(plan: Plan, shapes: Shapes) -> Iterator[Any]:
    """All runs, and the orders evenly among them."""
    every = orders(plan.seed, plan.orders)
    given = 0
    for number in range(plan.executions):
        yield shapes.run(number)
        while given * plan.executions < plan.orders * (number + 1):
            yield next(every)
            given += 1
