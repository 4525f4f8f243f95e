"""The checker: files of a run in, a verdict out. Pure: nothing is asked of a running server.

plan.json (seed, executions, and what the run was to provoke), ops.jsonl, effects.jsonl, faults.jsonl, executions.jsonl,
store.json and, of a run with a proxy, wire.jsonl. Each check returns its findings; a run without any passes, unless
it provoked too little: then it proves nothing and is `invalid`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.chaos.orders.plan import Order, orders
from tests.chaos.rig import chains
from tests.chaos.rig.indexes import problems
from tests.chaos.rig.journal import lines
from tests.chaos.rig.verdicts import verdict_of

DRAIN_SECONDS_MAX = 12.0  # DETENT_DRAIN_SECONDS is 10 by default
ALARMS = ('"traceback"', "Traceback", "execution.quarantined")
ENDS = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
STATE_OF = {
    "charge": "Charge",
    "reserve": "Reserve",
    "label": "Label",
    "pick": "Pick",
    "notify": "Notify",
}


@dataclass
class Evidence:
    """What a run left behind."""

    plan: dict[str, Any]
    ops: list[dict[str, Any]]
    effects: list[dict[str, Any]]
    faults: list[dict[str, Any]]
    executions: dict[str, dict[str, Any]]
    store: dict[str, Any]
    wire: list[dict[str, Any]] = field(default_factory=list)
    logs: list[str] = field(
        default_factory=list
    )  # lines of the servers' logs that tell of an error inside

    @cached_property
    def orders(self) -> dict[str, Order]:
        found = orders(self.plan["seed"], self.plan["executions"])
        return {order.execution: order for order in found}

    def acknowledged(self, what: str) -> Iterable[dict[str, Any]]:
        return (op for op in self.ops if op["f"] == what and op["type"] == "ok")


def read(folder: Path) -> Evidence:
    found = lines(folder / "executions.jsonl")
    return Evidence(
        plan=json.loads((folder / "plan.json").read_text(encoding="utf-8")),
        ops=lines(folder / "ops.jsonl"),
        effects=lines(folder / "effects.jsonl"),
        faults=lines(folder / "faults.jsonl"),
        executions={execution["id"]: execution for execution in found},
        store=json.loads((folder / "store.json").read_text(encoding="utf-8")),
        wire=lines(folder / "wire.jsonl"),
        logs=[
            f"{path.stem}: {line[:500]}"
            for path in sorted(folder.glob("*.log"))
            for line in path.read_text(encoding="utf-8").splitlines()
            if any(mark in line for mark in ALARMS)
        ],
    )


def lost(run: Evidence) -> Iterable[str]:
    """Every acknowledged start exists and has ended as its generator computed; nothing exists that nobody asked for."""
    for op in run.acknowledged("start"):
        if op["key"] not in run.executions:
            yield f"{op['key']} was acknowledged and does not exist"
    for key, execution in run.executions.items():
        order = run.orders.get(key)
        if order is None:
            yield f"{key} exists and nobody started it"
            continue
        for what in ("status", "error", "output"):
            if execution[what] != getattr(order, what):
                yield f"{key} {what} is {execution[what]}, should be {getattr(order, what)}"
        if execution["quarantine"]:
            yield f"{key} is quarantined: {execution['quarantine']}"


def signals(run: Evidence) -> Iterable[str]:
    """Each acknowledged signal was consumed once, or is listed; none was made up."""
    acked = defaultdict(set)
    for op in run.acknowledged("signal"):
        acked[op["key"]].add(op["id"])
    for key, execution in run.executions.items():
        received = Counter(
            record["details"]["id"]
            for record in execution["records"]
            if record["type"] == "SignalReceived"
        )
        seen = received + Counter(execution["unread"])
        for identifier, count in seen.items():
            if count != 1:
                yield f"{key} has signal {identifier} {count} times"
        sent = {identifier for _, identifier in run.orders[key].signals if key in run.orders}
        if missing := acked[key] - set(seen):
            yield f"{key} has lost acknowledged signals {sorted(missing)}"
        if strange := set(seen) - sent:
            yield f"{key} has signals that nobody sent {sorted(strange)}"
        consumed = sum(
            record["type"] == "TaskSucceeded" and record["details"].get("resourceType") == "signal"
            for record in execution["records"]
        )
        if consumed + len(execution["buffered"]) != received.total():
            yield f"{key} received {received.total()} signals, consumed {consumed}, lists {execution['buffered']}"


def sequence(run: Evidence) -> Iterable[str]:
    """Record ids are 1 to n; the end is recorded once and nothing follows it."""
    for key, execution in run.executions.items():
        ids = [record["id"] for record in execution["records"]]
        odd = next((n for n, number in enumerate(ids, 1) if n != number), None)
        if odd is not None:
            yield f"{key} has record ids ... {ids[max(0, odd - 3) : odd + 2]} ... from the {odd}. record on"
        ends = [
            number
            for number, record in enumerate(execution["records"], 1)
            if record["type"] in ENDS
        ]
        if execution["status"] != "RUNNING" and ends != [len(ids)]:
            yield f"{key} has {len(ids)} records, its end is at {ends}"
        times = [
            r["at"] for r in execution["records"] if not r["type"].endswith("Started")
        ]  # a task's Started record carries the time of its lease
        if times != sorted(times):
            yield f"{key} has records whose times go back"


def chain(run: Evidence) -> Iterable[str]:
    """Each record follows one that may precede it, and strands part only where branches do."""
    for key, execution in run.executions.items():
        for text in chains.problems(execution["records"]):
            yield f"{key} {text}"


def outcomes(run: Evidence) -> Iterable[str]:
    """Each attempt was scheduled once and ended once, as often as the generator computed."""
    for key, execution in run.executions.items():
        order = run.orders.get(key)
        if order is None or execution["status"] == "RUNNING":
            continue
        planned: Counter[str] = Counter()
        for (queue, _), tries in order.attempts().items():
            planned[queue] += tries
        found = chains.attempts(execution["records"])
        for queue in STATE_OF:
            scheduled, ended = found.get(f"activity:{queue}", (0, 0))
            if (scheduled, ended) != (planned[queue], planned[queue]):
                yield (
                    f"{key} {queue}: {planned[queue]} attempts were due, {scheduled} scheduled, {ended} ended"
                )


def effects(run: Evidence) -> Iterable[str]:
    """By idempotency key, each finished task was done once in the world; nothing else was done."""
    done = defaultdict(set)
    tokens = defaultdict(set)
    for line in run.effects:
        at = line["execution"], line["queue"], line["item"]
        tokens[at].add(line["token"])
        if line["done"]:
            done[at].add(line["key"])
    for key, execution in run.executions.items():
        order = run.orders.get(key)
        if order is None or execution["status"] == "RUNNING":
            continue
        for queue, item in order.attempts():
            count = len(done.pop((key, queue, item), ()))
            if count != ((queue, item) in order.effects()):
                yield f"{key} {queue} {item} was done under {count} keys"
            tries = order.attempts()[queue, item]
            handed = len(tokens[key, queue, item])
            if handed != tries:
                yield f"{key} {queue} {item}: {handed} tasks were handed out, {tries} were scheduled"
    for (key, queue, item), keys in done.items():
        if key not in run.executions or run.executions[key]["status"] != "RUNNING":
            yield f"{key} {queue} {item} was done {len(keys)} times and never due"


def completions(run: Evidence) -> Iterable[str]:
    """Each acknowledged completion has its own record of an end."""
    accepted = defaultdict(set)
    by_token = {line["token"]: line["execution"] for line in run.effects}
    for op in run.ops:
        if op["f"] == "settle" and op["type"] == "accepted":
            accepted[by_token[op["key"]]].add(op["key"])
    for key, tokens in accepted.items():
        records = run.executions[key]["records"] if key in run.executions else []
        _, ended = chains.attempts(records).get("activity:notify", (0, 0))
        if len(tokens) != ended:
            yield f"{key}: {len(tokens)} notifications were acknowledged, {ended} are recorded"


def indexes(run: Evidence) -> Iterable[str]:
    """Nothing is left that points to nothing; nothing open is forgotten."""
    yield from problems(run.store, "detent")


def wire(run: Evidence) -> Iterable[str]:
    """No call that may write was sent twice (seen by the proxy, where there is one)."""
    for line in run.wire:
        if line["what"] == "repeated":
            yield f"{line['script']} was sent {line['times']} times with the same arguments: {line['key']}"


def drains(run: Evidence) -> Iterable[str]:
    """A process that was told to end did so in time, of its own will, and let go of all it held."""
    for fault in run.faults:
        if fault["what"] == "drain" and (
            fault["code"] != 0 or fault["seconds"] > DRAIN_SECONDS_MAX
        ):
            yield f"{fault['kind']} ended with {fault['code']} after {fault['seconds']:.1f} s"
        if fault["what"] == "drain" and fault["held"]:
            yield f"{fault['kind']} ended and kept claims of {fault['held']}"


def logs(run: Evidence) -> Iterable[str]:
    """No server logged an error of its own."""
    yield from run.logs


CHECKS: tuple[Callable[[Evidence], Iterable[str]], ...] = (
    lost,
    signals,
    sequence,
    chain,
    outcomes,
    effects,
    completions,
    indexes,
    wire,
    drains,
    logs,
)


def figures(run: Evidence) -> dict[str, Any]:
    kills = [fault for fault in run.faults if fault["what"] == "kill"]
    done = [line for line in run.effects if line["done"]]
    keys = {(line["execution"], line["queue"], line["item"], line["key"]) for line in done}
    return {
        "executions": len(run.executions),
        "starts_acknowledged": sum(1 for _ in run.acknowledged("start")),
        "signals_acknowledged": sum(1 for _ in run.acknowledged("signal")),
        "records": sum(len(e["records"]) for e in run.executions.values()),
        "transitions": sum(e["revision"] for e in run.executions.values()),
        "kills": len(kills),
        "kills_on_held_claims": sum(1 for kill in kills if kill["held"]),
        "kills_aimed": sum(1 for kill in kills if kill["aimed"]),
        "claims_killed": sum(len(kill["held"]) for kill in kills),
        "pauses": sum(1 for fault in run.faults if fault["what"] == "pause"),
        "drains": sum(1 for fault in run.faults if fault["what"] == "drain"),
        "replies_lost": sum(1 for line in run.wire if line["what"] == "lost"),
        "effects": len(keys),
        "effects_repeated": len(done) - len(keys),
    }


def shortfalls(run: Evidence, found: dict[str, Any]) -> list[str]:
    """Why a run proves nothing: it provoked less than it was to."""
    plan = run.plan
    wanted = {
        "starts_acknowledged": int(plan["executions"] * 0.95),
        "kills": plan["kills"],
        "kills_on_held_claims": plan["held_min"],
        "pauses": plan.get("pauses", 0),
        "drains": plan.get("drains", 0),
        "replies_lost": plan.get("losses_min", 0),
        "effects_repeated": plan["executions"] // 50,
    }
    return [
        f"{name} is {found[name]}, at least {least} are needed"
        for name, least in wanted.items()
        if found[name] < least
    ]


def verdict(run: Evidence) -> dict[str, Any]:
    """`fail` with findings, else `invalid` with shortfalls, else `pass`."""
    findings = {check.__name__: list(check(run)) for check in CHECKS}
    found = figures(run)
    short = shortfalls(run, found)
    return verdict_of(findings, shortfalls=short, figures=found, plan=run.plan)
