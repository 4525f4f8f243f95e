"""Timers: none early by the clock of Redis, and how late; and how long what a dead process held stood still. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from typing import Any

from tests.chaos.workflows.ends import Runs
from tests.chaos.workflows.shapes import shapes_of

RECOVERY_MS = 1000  # beyond the lease: what a recovered execution, or a timer in a fault, may take


def early(runs: Runs) -> Iterable[str]:
    """TIM: no wait, time-out or back-off ended before its time."""
    for key, what, due_ms, at_ms in _timers(runs):
        if at_ms < due_ms:
            yield f"{key} {what} was due at {due_ms} and came {due_ms - at_ms} ms early"


def _timers(runs: Runs) -> Iterator[tuple[str, str, int, int]]:
    """(execution, what, due, came) of every timer that came, in ms since 1970."""
    shapes = shapes_of(runs.plan["seed"])
    waits = {
        definition.name: dict(_seconds(definition.machine()))
        for definition in (*shapes.tops, *shapes.children)
    }
    for key, execution in runs.executions.items():
        yield from _waits(key, execution["records"], waits[key.partition(":")[0]])
        for attempt in runs.attempts[key]:
            if attempt.timed_out and attempt.timeout_seconds:
                due_ms = attempt.scheduled_ms + attempt.timeout_seconds * 1000
                yield key, f"time-out of {attempt.place}", due_ms, attempt.ended_ms
        yield from _backoffs(key, execution["records"])


def _waits(
    key: str, records: list[dict[str, Any]], seconds: dict[str, int]
) -> Iterator[tuple[str, str, int, int]]:
    entered = {r["id"]: r for r in records if r["type"] == "WaitStateEntered"}
    for record in records:
        if record["type"] == "WaitStateExited" and record["previous"] in entered:
            first = entered[record["previous"]]
            name = first["details"]["name"]
            due_ms = _due_ms(seconds[name], first["at"])
            yield key, f"wait {name}", due_ms, record["at"]


def _due_ms(seconds: int, entered_ms: int) -> int:
    """When a Wait of the generator is over: after its seconds; of none, at the last full second up to entry + 1 s."""
    return entered_ms + seconds * 1000 if seconds else (entered_ms + 1000) // 1000 * 1000


def _seconds(machine: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The Wait states of a definition, those inside of others too, and how long each waits."""
    for name, state in machine["States"].items():
        if state["Type"] == "Wait":
            yield name, state.get("Seconds", 0)
        inner = [*state.get("Branches", []), state.get("ItemProcessor")]
        for each in filter(None, inner):
            yield from _seconds(each)


def _backoffs(key: str, records: list[dict[str, Any]]) -> Iterator[tuple[str, str, int, int]]:
    ended = {r["id"]: r for r in records if r["type"].endswith(("Failed", "TimedOut"))}
    for record in records:
        if record["type"].endswith("Scheduled") and record["previous"] in ended:
            before = ended[record["previous"]]
            yield key, f"back-off before record {record['id']}", before["at"] + 1000, record["at"]


def figures(runs: Runs) -> dict[str, Any]:
    """Lateness inside and outside of faults, and recovery, in ms."""
    windows = _windows(runs)
    inside, outside = [], []
    for _, _, due_ms, at_ms in _timers(runs):
        (inside if _is_in(windows, due_ms) else outside).append(at_ms - due_ms)
    recoveries = [f for f in runs.faults if f["what"] == "recovery"]
    gaps = [round(f["seconds"] * 1000) for f in recoveries]
    able = [round((f["seconds"] - f["unable"]) * 1000) for f in recoveries]
    return {
        "timers": len(inside) + len(outside),
        "timers_late_in_faults_ms": _spread(inside),
        "timers_late_else_ms": _spread(outside),
        "recoveries": len(gaps),
        "recovery_ms": _spread(gaps),
        # Without what passed while no engine was up, or Redis was troubled.
        "recovery_while_able_ms": _spread(able),
    }


def late(told: dict[str, Any], lease_ms: int) -> Iterable[str]:
    """p99 of recovery, and of timers without a fault: what took longer than a machine of its own allows."""
    bound = lease_ms + RECOVERY_MS
    recovery = told["recovery_while_able_ms"]
    if recovery and recovery["p99"] > bound:
        yield f"recovery took {recovery['p99']} ms (p99), should be at most {bound}"
    if told["timers_late_else_ms"] and told["timers_late_else_ms"]["p99"] > RECOVERY_MS:
        yield f"timers are {told['timers_late_else_ms']['p99']} ms late without a fault"


def _windows(runs: Runs) -> list[tuple[float, float]]:
    """From each fault to its end and a recovery more, in ms; joined where they meet, in order."""
    after = runs.plan["lease_ms"] + RECOVERY_MS
    spans = sorted((f["t0"] * 1000, f["t1"] * 1000 + after) for f in runs.faults if "t0" in f)
    out: list[tuple[float, float]] = []
    for begin, end in spans:
        if out and begin <= out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((begin, end))
    return out


def _is_in(windows: list[tuple[float, float]], at: float) -> bool:
    place = bisect.bisect_right(windows, (at, float("inf"))) - 1
    return place >= 0 and at <= windows[place][1]


def _spread(values: list[int]) -> dict[str, int]:
    if not values:
        return {}
    ordered = sorted(values)
    last = len(ordered) - 1
    return {name: ordered[round(last * part)] for name, part in
            (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}  # fmt: skip
