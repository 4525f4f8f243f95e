"""The verdict over a run of random workflows: the checks of the rig on all executions, the orders' on orders, and its own.

Pure: the files of a run in, findings out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.chaos.orders.plan import DEFINITION as ORDER
from tests.chaos.rig import checker
from tests.chaos.rig.checker import Evidence
from tests.chaos.rig.journal import lines
from tests.chaos.rig.verdicts import verdict_of
from tests.chaos.workflows import ends, times
from tests.chaos.workflows.ends import Runs
from tests.chaos.workflows.plan import HELD

EVERYWHERE = (
    checker.sequence,
    checker.chain,
    checker.indexes,
    checker.wire,
    checker.drains,
    checker.logs,
)
OF_ORDERS = (
    checker.lost,
    checker.signals,
    checker.outcomes,
    checker.effects,
    checker.completions,
)


def read(folder: Path) -> tuple[Evidence, Evidence, Runs]:
    """Everything; the orders' part of it; and the random workflows'."""
    every = checker.read(folder)
    plan = every.plan
    of_orders = {k: e for k, e in every.executions.items() if k.startswith(f"{ORDER}:")}
    part = replace(
        every,
        plan=plan | {"executions": plan["orders"]},
        ops=lines(folder / "orders" / "ops.jsonl"),
        effects=lines(folder / "orders" / "effects.jsonl"),
        executions=of_orders,
    )
    rest = {k: e for k, e in every.executions.items() if k not in of_orders}
    return every, part, Runs(plan, every.ops, every.effects, every.faults, rest)


def verdict(folder: Path) -> dict[str, Any]:
    """`fail` with findings, else `invalid` with shortfalls, else `pass`."""
    every, of_orders, runs = read(folder)
    findings = {check.__name__: list(check(every)) for check in EVERYWHERE}
    for check in OF_ORDERS:
        findings[f"orders_{check.__name__}"] = list(check(of_orders))
    own: tuple[Callable[[Runs], Iterable[str]], ...] = (*ends.CHECKS, times.early)
    findings |= {check.__name__: list(check(runs)) for check in own}
    if (folder / "stuck.json").exists():
        findings["live"] = ["nothing ended for too long: see stuck.json"]
    told = times.figures(runs)
    if every.plan["strict_times"]:
        findings["in_time"] = list(times.late(told, every.plan["lease_ms"]))
    figures = _figures(every, of_orders, runs) | told
    return verdict_of(
        findings, shortfalls=shortfalls(every.plan, figures), figures=figures, plan=every.plan
    )


def _figures(every: Evidence, of_orders: Evidence, runs: Runs) -> dict[str, Any]:
    theirs, found = checker.figures(of_orders), checker.figures(replace(every, effects=[]))
    faults = Counter(
        f"{fault['what']}_{fault['kind']}" for fault in every.faults if "kind" in fault
    )
    children = sum(1 for key in runs.executions if key.startswith("chaos-child-"))
    own = ends.figures(runs)
    return {
        "executions": found["executions"],
        "of_them_orders": theirs["executions"],
        "of_them_children": children,
        "starts_acknowledged": found["starts_acknowledged"] + theirs["starts_acknowledged"],
        "signals_acknowledged": found["signals_acknowledged"] + theirs["signals_acknowledged"],
        "records": found["records"],
        "transitions": found["transitions"],
        "kills": found["kills"],
        "kills_on_held_claims": found["kills_on_held_claims"],
        "kills_of_holders": faults["kill_engine"] + faults["kill_api"],
        "claims_killed": found["claims_killed"],
        "faults": dict(sorted(faults.items())),
        "replies_lost": found["replies_lost"],
        "commits_refused": sum(w["commits"] for w in every.wire if w["what"] == "refused"),
        "effects": theirs["effects"] + own.pop("effects"),
        "effects_repeated": theirs["effects_repeated"] + own.pop("effects_repeated"),
        **own,
    }


def shortfalls(plan: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Why a run proves nothing: it provoked less than it was to."""
    total = plan["executions"] + plan["orders"]
    wanted = {
        "starts_acknowledged": int(total * 0.95),
        "kills": plan["kills"],
        "kills_on_held_claims": int(found["kills_of_holders"] * HELD),
        "effects_repeated": total // 50,
        "replies_lost": 0 if plan["calm"] else plan["kills"] // 20,
        "commits_refused": 0 if plan["calm"] else plan["kills"] // 50,
        "histories_read": plan["executions"] // 100,
        "repeated_answers": plan["executions"] // 50,
        # Both ends of each deliberate race, where there are enough rounds of it to expect them.
        "answers_near_the_time_out.accepted": plan["executions"] // 1000,
        "answers_near_the_time_out.too_late": plan["executions"] // 1000,
        "signals_near_the_time_out.taken": plan["executions"] // 1000,
        "signals_near_the_time_out.too_late": plan["executions"] // 1000,
    }
    short = []
    for name, least in wanted.items():
        value: Any = found
        for part in name.split("."):
            value = value[part]
        if value < least:
            short.append(f"{name} is {value}, at least {least} are needed")
    return short
