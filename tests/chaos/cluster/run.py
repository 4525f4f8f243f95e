"""Orders under load on a cluster that is reshaped meanwhile, and a verdict over what is left.

The checker of the kill test reads the same files; on top of it this run looks at what callers were told, and how long they
waited for what was being moved.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from redis.asyncio.cluster import RedisCluster
from redis.crc import key_slot

from engine.store.keys import Keys, ref_of
from tests.chaos.cluster.nodes import DURABLE, Cluster
from tests.chaos.cluster.reshaping import Reshaping, Steps
from tests.chaos.cluster.spoken import Listener, words_in
from tests.chaos.orders.load import Callers, Workers
from tests.chaos.orders.plan import orders
from tests.chaos.rig import checker, dump
from tests.chaos.rig.journal import Journal
from tests.chaos.rig.processes import Household
from tests.chaos.rig.verdicts import verdict_of

ORDER = Path(__file__).parents[1] / "orders" / "order.yaml"
CONCURRENT_STARTS = 20
AHEAD = 3  # shares of the orders that are started before their step, so that there is always work
READY_SECONDS = 60.0
SLACK_SECONDS = (
    1.0  # beyond the move of its slot, and the loss of a master, that a caller may have to wait
)


@dataclass(frozen=True)
class Plan:
    """What a run does. `slow`: how many times slower than alone the machine may be, for the bound of stalls."""

    executions: int = 800
    seed: int = 1
    steps: Steps = field(default_factory=Steps)
    engines: int = 2
    lease_ms: int = 5000
    settle_seconds: float = 120.0
    wait: bool = False  # acknowledgements await a replica
    slow: float = 1.0
    first_port: int | None = None
    kills: int = 0  # of engines; as the kill test's plan, for its checker
    held_min: int = 0


class Elsewhere:
    """In a household, the Redis that others run."""

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None: ...

    def stop(self) -> None: ...


async def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """One run; returns its verdict, which lies in the folder too."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(asdict(plan)), encoding="utf-8")
    began = time.monotonic()
    ports = count(plan.first_port) if plan.first_port else None
    cluster = await asyncio.to_thread(lambda: Cluster(3, 3, ports=ports, options=DURABLE))
    try:
        listener = await _with_household(plan, cluster, folder)
    finally:
        cluster.stop()
    found = _verdict(plan, folder, listener)
    found["figures"]["seconds"] = round(time.monotonic() - began, 1)
    (folder / "verdict.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    return found


async def _with_household(plan: Plan, cluster: Cluster, folder: Path) -> Listener:
    household = Household(folder, engines=plan.engines, lease_ms=plan.lease_ms)
    household.redis = Elsewhere(cluster.url)  # type: ignore[assignment]
    if plan.wait:
        household.settings = {"DETENT_WAIT_REPLICAS": "1"}
    listener = Listener(household.port)
    await listener.start()
    try:
        for server in (*household.engines, household.api):
            household.spawn(server)
            await household.ready(server, READY_SECONDS)
        await _drive(plan, cluster, household, listener, folder)
        for server in (household.api, *household.engines):
            await asyncio.to_thread(household.terminate, server)
        alive = next(n for n in cluster.masters() if cluster.alive(n))
        client: Any = RedisCluster.from_url(f"redis://127.0.0.1:{cluster.ports[alive]}")
        try:
            await dump.write(client, "detent", folder)
        finally:
            await client.aclose()
    finally:
        household.close()
        await listener.close()
    return listener


async def _drive(
    plan: Plan, cluster: Cluster, household: Household, listener: Listener, folder: Path
) -> None:
    ops, effects, faults = (
        Journal(folder / f"{name}.jsonl") for name in ("ops", "effects", "faults")
    )
    callers = Callers(listener.url, ops)
    workers = Workers(listener.url, plan.seed, effects, ops)
    try:
        await callers.publish(ORDER.read_bytes())
        await workers.start()
        reshaping = Reshaping(plan.steps, cluster, plan.seed, faults, awaits=plan.wait)
        async with asyncio.TaskGroup() as group:
            group.create_task(reshaping.run())
            group.create_task(_load(plan, callers, reshaping))
        await callers.quiet()
        await _settled(cluster, plan.settle_seconds)
    finally:
        await workers.stop()
        await callers.close()
        for journal in (ops, effects, faults):
            journal.close()


async def _load(plan: Plan, callers: Callers, reshaping: Reshaping) -> None:
    """Start the orders, spread over the steps, so that each step meets work."""
    gate = asyncio.Semaphore(CONCURRENT_STARTS)

    async def start(order: Any) -> None:
        async with gate:
            await callers.start(order)

    async with asyncio.TaskGroup() as group:
        for order in orders(plan.seed, plan.executions):
            while order.number * reshaping.total >= plan.executions * (reshaping.done + AHEAD):
                await asyncio.sleep(0.05)
            group.create_task(start(order))
            if order.number % 5 == 0:
                await asyncio.sleep(0.02)


async def _settled(cluster: Cluster, seconds: float) -> None:
    """Wait until nothing runs any more. What still does when the time is over, the checker will name."""
    keys = Keys("detent", 64)
    alive = next(n for n in cluster.masters() if cluster.alive(n))
    client: Any = RedisCluster.from_url(f"redis://127.0.0.1:{cluster.ports[alive]}")
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline and await dump.running(client, keys, "default"):
            await asyncio.sleep(0.2)
    finally:
        await client.aclose()


def _verdict(plan: Plan, folder: Path, listener: Listener) -> dict[str, Any]:
    run = checker.read(folder)
    findings: dict[str, list[str]] = {check.__name__: list(check(run)) for check in checker.CHECKS}
    findings["words"] = [*listener.found, *_words_in_logs(folder)]
    waits = [*stalls(run.ops, run.faults)]
    findings["stalls"] = [
        f"{key} waited {waited:.1f} s, {owed:.1f} s of it for a move or a lost master"
        for key, waited, owed in waits
        if waited > owed + SLACK_SECONDS * plan.slow
    ]
    figures = checker.figures(run) | _figures(run.faults, waits, listener)
    figures = {name: value for name, value in figures.items() if not _is_of_kills(name)}
    return verdict_of(
        findings,
        shortfalls=_shortfalls(plan, figures),
        figures=figures,
        plan=asdict(plan),
    )


def _is_of_kills(name: str) -> bool:
    return name.startswith(("kills", "claims", "pauses", "drains", "replies"))


def _words_in_logs(folder: Path) -> Iterable[str]:
    for path in sorted(folder.glob("*.log")):
        for text in words_in(path.read_bytes()):
            yield f"{path.stem}: {text}"


def windows(faults: Iterable[dict[str, Any]]) -> Iterable[tuple[int | None, float, float]]:
    """(slot, or None for all, from, to) of each time in which something was not to be had."""
    for fault in faults:
        if "killed" in fault:
            # Until a replica has taken over, and a client that was told so has connected to it.
            yield None, fault["killed"], fault["taken"]
        if "slot" in fault:
            yield fault["slot"], fault["t0"], fault["t1"]
        yield from ((slot, began, ended) for slot, began, ended in fault.get("windows", ()))


def stalls(
    ops: Iterable[dict[str, Any]], faults: Iterable[dict[str, Any]]
) -> Iterable[tuple[str, float, float]]:
    """(what, seconds it took, seconds of that in which its slot was being moved or a master was lost) of each request."""
    keys = Keys("detent", 64)
    known = [*windows(faults)]
    for op in ops:
        if op["f"] not in ("start", "signal"):
            continue
        slot = key_slot(keys.of(ref_of("default", op["key"])).execution.encode())
        owed = sum(
            max(0.0, min(ended, op["t1"]) - max(began, op["t0"]))
            for moved, began, ended in known
            if moved in (None, slot)
        )
        yield f"{op['f']} {op['key']}", op["t1"] - op["t0"], owed


def _figures(
    faults: list[dict[str, Any]], waits: list[tuple[str, float, float]], listener: Listener
) -> dict[str, Any]:
    kinds = [fault["what"] for fault in faults]
    moved = [ended - began for slot, began, ended in windows(faults) if slot is not None]
    lost = [fault["taken"] - fault["killed"] for fault in faults if "killed" in fault]
    stalled = sorted(waited for _, waited, owed in waits if owed)
    beyond = sorted(waited - owed for _, waited, owed in waits)
    answers = listener.statuses
    return {
        "moves": len(moved),
        "keys_moved": sum(fault.get("keys", 0) for fault in faults),
        "move_seconds_max": _worst(moved),
        "masters_killed": kinds.count("failover") + kinds.count("kill_moving"),
        "killed_in_a_move": kinds.count("kill_moving"),
        "keys_mended": sum(fault.get("mended", 0) for fault in faults),
        "failover_seconds_max": _worst(lost),
        "nodes_joined_and_left": kinds.count("join"),
        "requests_stalled": len(stalled),
        "stall_seconds_max": _worst(stalled),
        "beyond_the_move_seconds_p99": round(beyond[len(beyond) * 99 // 100], 2) if beyond else 0,
        "beyond_the_move_seconds_max": _worst(beyond),
        "answers": dict(sorted(answers.items())),
    }


def _worst(seconds: Iterable[float]) -> float:
    return round(max(seconds, default=0.0), 2)


def _shortfalls(plan: Plan, figures: dict[str, Any]) -> list[str]:
    """Why a run proves nothing: it provoked less than it was to."""
    steps = plan.steps
    wanted = {
        "starts_acknowledged": int(plan.executions * 0.95),
        "moves": steps.moves + steps.killed_moving,
        "keys_moved": steps.moves,
        "masters_killed": steps.failovers + steps.killed_moving,
        "nodes_joined_and_left": steps.joins,
        "requests_stalled": 1,
        "effects_repeated": plan.executions // 50,
    }
    return [
        f"{name} is {figures[name]}, at least {least} are needed"
        for name, least in wanted.items()
        if figures[name] < least
    ]
