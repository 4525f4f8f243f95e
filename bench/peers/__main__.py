"""The same workflow on Detent and its peers, side by side: `python -m bench.peers [--json] [--chart FOLDER]`.

Rounds: in each, every system is started in an empty folder, warmed up, measured at each concurrency and ended; so what is
compared is measured in turns, and nothing else runs meanwhile. Figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from bench._lab import fsync_us
from bench.peers import chart, report
from bench.peers.dbos import DbosHttp, DbosInProcess
from bench.peers.detents import DetentChain10, DetentChain100, DetentHttp, DetentWorker
from bench.peers.localstack import LocalStack10, LocalStack100
from bench.peers.restate import Restate
from bench.peers.system import Ports, System
from bench.peers.watching import watching

SYSTEMS: tuple[type[System], ...] = (
    DetentWorker,
    DetentHttp,
    DbosHttp,
    DbosInProcess,
    Restate,
    DetentChain10,
    LocalStack10,
    DetentChain100,
    LocalStack100,
)
WARM_SECONDS = 2.0
WARM_CONCURRENCY = 16


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds, all systems in turns (3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each window, at least (4)")
    parser.add_argument("--only", default="", help="systems whose names hold this text")
    parser.add_argument("--port", type=int, default=Ports.following, help="the first to be used")
    parser.add_argument("--data", help="parent of the systems' folders; it must be on a real disk")
    parser.add_argument("--chart", type=Path, help="a folder for peers.svg and peers.png")
    parser.add_argument("--json", action="store_true", help="also print one line of JSON")
    return parser.parse_args()


async def measured(kind: type[System], options: argparse.Namespace) -> list[dict[str, Any]]:
    """One system's round: a line for each concurrency."""
    folder = Path(tempfile.mkdtemp(prefix="peers-", dir=options.data))
    system = kind(folder)
    lines: list[dict[str, Any]] = []
    try:
        await system.start()
        await system.window(WARM_CONCURRENCY, WARM_SECONDS)
        for concurrency in kind.concurrencies:
            with watching(system.roots) as watch:
                window = await system.window(concurrency, options.seconds)
            lines.append(report.line(kind, window, watch.bytes_max))
    except (
        Exception
    ) as error:  # a peer that fails is told of by name; the others are measured all the same
        done = {line["concurrency"] for line in lines}
        failed = f"{type(error).__name__}: {error}"[:300]
        lines += [
            {"system": kind.name, "concurrency": c, "failed": failed}
            for c in kind.concurrencies
            if c not in done
        ]
    finally:
        await system.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return lines


def machine(data: str | None) -> dict[str, Any]:
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "fsync_us": round(fsync_us(data), 1),
        "load": round(os.getloadavg()[0], 2),
        **report.versions(),
    }


async def main() -> int:
    options = arguments()
    Ports.following = options.port
    chosen = [kind for kind in SYSTEMS if options.only.lower() in kind.name.lower()]
    skipped = {kind.name: why for kind in chosen if (why := kind.missing())}
    for name, why in skipped.items():
        print(f"skipped: {name}: {why}", flush=True)
    result: dict[str, Any] = {"machine": machine(options.data), "skipped": skipped}
    print("machine:", ", ".join(f"{k} {v}" for k, v in result["machine"].items()), flush=True)
    rounds: list[dict[str, Any]] = []
    began = time.monotonic()
    for number in range(options.rounds):
        for kind in chosen:
            if kind.name not in skipped:
                rounds += await measured(kind, options)
        print(
            f"round {number + 1} of {options.rounds}: {time.monotonic() - began:.0f} s", flush=True
        )
    result["figures"] = report.medians(rounds)
    result["ratios"] = report.ratios(result["figures"])
    print(report.tables(result))
    if options.chart:
        chart.draw(result, options.chart)
    if options.json:
        print(json.dumps(result))
    return 0 if any("failed" not in figure for figure in result["figures"]) else 2


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
