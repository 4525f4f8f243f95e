"""What the benchmarks share: the machine, a durable server in a folder of its own, CPU time, figures on paper.

Every figure is a median of alternated rounds, because the machine is noisy: what is compared is measured in turns, so
that a slow half minute falls on both sides.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.core.execution import Execution
from engine.serve import Engine
from engine.settings import Settings
from engine.store.server.embedded import EmbeddedRedis

__all__ = ["Engine", "Execution", "Settings"]

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Store:
    """An embedded server, appendfsync always, and a plain client to look at it with."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = redis.Redis.from_url(url)
        fsync = self.client.config_get("appendfsync")["appendfsync"]
        assert fsync == "always", fsync

    def cpu(self) -> float:
        """Seconds of CPU the server has used, all its threads."""
        info: dict[str, Any] = self.client.info("cpu")  # type: ignore[assignment]
        return float(info["used_cpu_user"] + info["used_cpu_sys"])

    def scripts(self) -> int:
        """How often a script has run, whichever it was."""
        info: dict[str, Any] = self.client.info("commandstats")  # type: ignore[assignment]
        return int(info.get("cmdstat_evalsha", {}).get("calls", 0))

    def log_bytes(self) -> int:
        """Size of the append-only log; what has been written since is the difference, while it is not rewritten."""
        info: dict[str, Any] = self.client.info("persistence")  # type: ignore[assignment]
        return int(info["aof_current_size"])

    def memory(self) -> int:
        """Bytes in use, once what the allocator and the log rewrite hold for a moment is given back."""
        self.client.execute_command("MEMORY", "PURGE")
        info: dict[str, Any] = self.client.info("memory")  # type: ignore[assignment]
        return int(info["used_memory"])

    def version(self) -> str:
        info: dict[str, Any] = self.client.info("server")  # type: ignore[assignment]
        if "valkey_version" in info:
            return f"valkey {info['valkey_version']}"
        return f"redis {info['redis_version']}"


@contextmanager
def folder(parent: str | None) -> Iterator[Path]:
    """A folder on a real disk, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="detent-bench-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def store(parent: str | None = None) -> Iterator[Store]:
    """A durable server that ends with the block, and with this process however that ends."""
    with folder(parent) as path:
        server = EmbeddedRedis(path)
        server.start()
        try:
            yield Store(server.url)
        finally:
            server.stop()


@asynccontextmanager
async def engine(url: str, **settings: Any) -> AsyncIterator[Engine]:
    """An engine in this process."""
    running = Engine(url, Settings(redis_url=url, log_level="warning", **settings))
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


def own_cpu() -> float:
    """Seconds of CPU this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def cpu_of(pid: int) -> float:
    """Seconds of CPU another process has used, in steps of 10 ms; Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def fsync_us(path: str | None) -> float:
    """What a flush of 4 KiB costs in that folder: the floor under everything that is durable."""
    with tempfile.TemporaryFile(dir=path) as file:
        taken = []
        for _ in range(50):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e6


def machine(at: Store, path: str | None) -> dict[str, Any]:
    """What the figures depend on."""
    model = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(":")[2].strip() if named else model
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "store": f"{at.version()}, appendfsync always",
        "fsync_us": round(fsync_us(path), 1),
        "load": round(os.getloadavg()[0], 2),
    }


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all does not exceed; NaN for none."""
    if not values:
        return float("nan")
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure over the rounds, and the spread of the first one, (max - min) / median."""
    out = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
    first = next(iter(rounds[0]))
    seen = [r[first] for r in rounds]
    return {**out, "spread": (max(seen) - min(seen)) / out[first] if out[first] else 0.0}


def arguments(question: str, **more: tuple[int, str]) -> argparse.Namespace:
    """The command line: --json and --data everywhere, and whole numbers with a default of their own."""
    parser = argparse.ArgumentParser(description=question)
    parser.add_argument(
        "--json", action="store_true", help="also print everything as one line of JSON"
    )
    parser.add_argument("--data", help="parent of the server's folder; it must be on a real disk")
    for name, (default, explained) in more.items():
        parser.add_argument(
            "--" + name.replace("_", "-"),
            type=int,
            default=default,
            help=f"{explained} ({default})",
        )
    return parser.parse_args()


def show(title: str, figures: dict[str, Any]) -> None:
    """One line of figures."""
    parts = [f"{key} {_plain(value)}" for key, value in figures.items()]
    print(f"{title}: {', '.join(parts)}", flush=True)


def _plain(value: Any) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def close(options: argparse.Namespace, result: dict[str, Any]) -> None:
    """The same once more for programs, where asked for."""
    if options.json:
        print(json.dumps(result))


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop and with the collector's thresholds, as the server does; the floor has the same."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
