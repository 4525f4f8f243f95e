"""What does a unit of work cost as something grows? Parked executions, timers, Map items, steps, bytes, engines.

Compared are script calls, bytes of the append-only log, and CPU of engine and server, each per unit: per execution that is
started and signalled, per timer, item, step, transition. The embedded server, appendfsync always; a store of its own for
each curve. With --plots FOLDER the curves are drawn (needs the extra `bench`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # of what the benchmarks share

from _lab import machine, run, show, store
from curves.draw import draw, table
from curves.meter import bends, flatness
from curves.population import population, timers
from curves.processes import engines
from curves.shapes import history, maps, payload

Points = list[dict[str, Any]]


class Curve(NamedTuple):
    """`sizes` for the full curve and, with --quick, for a glance at it."""

    title: str
    unit: str
    sizes: list[int]
    quick: list[int]
    measure: Callable[[list[int], str | None], Awaitable[Points]]


CURVES = {
    "population": Curve(
        "a start and a signal among parked executions", "parked executions",
        [1_000, 10_000, 100_000, 1_000_000], [1_000, 10_000], population,
    ),
    "timers": Curve(
        "arming and firing a timer among others", "timers",
        [1_000, 10_000, 100_000, 1_000_000], [1_000, 10_000], timers,
    ),
    "map": Curve("an item of an inline Map", "items", [100, 1_000, 10_000], [100, 1_000], maps),
    "history": Curve(
        "a step of an execution that keeps its history", "steps",
        [10, 100, 1_000, 10_000, 100_000], [10, 100, 1_000], history,
    ),
    "payload": Curve(
        "a transition that carries a document", "bytes",
        [1_024, 8_192, 65_536, 262_144, 1_048_576], [1_024, 65_536], payload,
    ),
    "engines": Curve(
        "a transition by several engine processes", "engine processes",
        [1, 2, 4], [1, 2], lambda sizes, data: engines(sizes, data, 400),
    ),
}  # fmt: skip


def split(name: str, points: Points) -> dict[str, Points]:
    """A curve of timers is two: of arming and of firing."""
    if name != "timers":
        return {name: points}
    return {
        f"timers-{what}": [{"at": point["at"], **point[what]} for point in points]
        for what in ("arming", "firing")
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[*CURVES], action="append", help="may be repeated")
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    parser.add_argument("--json", action="store_true", help="also print everything as JSON")
    parser.add_argument("--data", help="parent of the server's folder; it must be on a real disk")
    parser.add_argument("--plots", type=Path, help="folder for PNG and SVG pictures")
    options = parser.parse_args()
    with store(options.data) as at:
        result: dict[str, Any] = {"machine": machine(at, options.data)}
    show("machine", result["machine"])
    for name in options.only or CURVES:
        curve = CURVES[name]
        began = time.perf_counter()
        points = await curve.measure(curve.quick if options.quick else curve.sizes, options.data)
        for part, values in split(name, points).items():
            bent = bends(values)
            result[part] = {"points": values, "ratio": flatness(values), "bends": bent}
            print(f"\n{part}: {curve.title}; {'bends in ' + ', '.join(bent) if bent else 'flat'}")
            print(table(curve.unit, values))
            show("largest over smallest", flatness(values))
            if options.plots:
                draw(part, curve.title, curve.unit, values, options.plots)
        print(f"{time.perf_counter() - began:.0f} s", flush=True)
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    run(main())
