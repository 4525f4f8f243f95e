"""What one unit of work costs: script calls, bytes of log, CPU of the engine and of the server."""

from __future__ import annotations

import asyncio
from typing import Any

from _lab import Engine, Store, cpu_of, own_cpu

# What is compared, in this order, and its unit.
MEASURES = {
    "scripts": "script calls",
    "log_bytes": "bytes of log",
    "engine_us": "µs of CPU, engine",
    "redis_us": "µs of CPU, Redis",
}
FLAT = 1.25  # largest over smallest up to which a curve of calls or bytes is flat
FLAT_CPU = 1.6  # and of CPU, which includes the machine's noise
NOTHING = 0.05  # of the largest: what is less than this adds nothing that could be seen


class Meter:
    """Reads what has been used from one moment to the next; `pids` are engine processes beside this one."""

    def __init__(self, at: Store, pids: tuple[int, ...] = ()) -> None:
        self._at = at
        self._pids = pids
        at.client.config_set("auto-aof-rewrite-percentage", 0)
        self.start()

    def _now(self) -> tuple[float, float, float, float]:
        engine = sum(map(cpu_of, self._pids)) if self._pids else own_cpu()
        return self._at.scripts(), self._at.log_bytes(), engine * 1e6, self._at.cpu() * 1e6

    def start(self) -> None:
        self._before = self._now()

    def per(self, units: float) -> dict[str, float]:
        """The cost of each of so many units since `start`."""
        spent = zip(MEASURES, self._now(), self._before, strict=True)
        return {name: (now - before) / units for name, now, before in spent}


def transitions(running: Engine) -> float:
    return running.counters.value("detent_transitions_total")


async def until_transitions(running: Engine, count: float) -> None:
    """Until the engine in this process has committed so many."""
    while transitions(running) < count:
        await asyncio.sleep(0.005)


async def calm(at: Store) -> None:
    """The server has nothing of its own to do any more."""
    while True:
        info: dict[str, Any] = at.client.info("persistence")  # type: ignore[assignment]
        if not info["aof_rewrite_in_progress"] and not info["rdb_bgsave_in_progress"]:
            return
        await asyncio.sleep(0.05)


def flatness(points: list[dict[str, float]]) -> dict[str, float]:
    """Largest over smallest of every measure."""
    out = {}
    for name in MEASURES:
        values = [point[name] for point in points if name in point]
        if values and min(values) > 0:
            out[name] = max(values) / min(values)
    return out


def bends(points: list[dict[str, float]]) -> list[str]:
    """The measures whose curve is not flat."""
    bent = flatness(points)
    return [n for n, ratio in bent.items() if ratio > (FLAT_CPU if n.endswith("_us") else FLAT)]
