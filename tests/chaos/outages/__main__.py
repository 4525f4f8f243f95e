"""Redis that fails, in every way that can be provoked on one machine, and what is left afterwards.

    python -m tests.chaos.outages [--kind KIND ...] [--n 30] [--seed 1] [--slow 1]

Prints a verdict; exit code 0 pass, 1 fail, 2 invalid.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from tests.chaos.outages import crashes, pressures
from tests.chaos.outages.rig import Run
from tests.chaos.rig.verdicts import show, verdict_of

Kind = Callable[[int, int, float], Awaitable[Run | str]]
FEW = 5  # of what takes long each time, where `--n` asks for more

KINDS: dict[str, Kind] = {
    "kill-always": partial(crashes.crashes, "kill", "always"),
    "kill-everysec": partial(crashes.crashes, "kill", "everysec"),
    "cut-always": partial(crashes.crashes, "cut", "always"),
    "cut-everysec": partial(crashes.crashes, "cut", "everysec"),
    "kill-slow-disk": partial(crashes.crashes, "slow-disk", "everysec"),
    "wrong-folder": crashes.wrong_folder,
    "flushed": crashes.flushed,
    "loading": crashes.loading,
    "full-disk-always": partial(crashes.full_disk, "always"),
    "full-disk-everysec": partial(crashes.full_disk, "everysec"),
    "stalls": crashes.stalls,
    "silence": crashes.silence,
    "full-memory": pressures.full_memory,
    "evicting": pressures.evicting,
    "scripts-forgotten": pressures.scripts_forgotten,
    "rewriting": pressures.rewriting,
    "full-house": pressures.full_house,
    "deleted": pressures.deleted,
}
MANY = ("kill-always", "kill-everysec", "cut-always", "cut-everysec", "kill-slow-disk")


async def run(kind: str, n: int, seed: int, slow: float) -> Run | str:
    """One kind of failure; a string says why it cannot be provoked here."""
    if kind.startswith(("cut", "kill-slow")) and (reason := crashes.may_cut()):
        return reason
    return await KINDS[kind](n if kind in MANY else min(n, FEW), seed, slow)


def verdict(runs: dict[str, Run | str], plan: dict[str, Any]) -> dict[str, Any]:
    """All kinds together; each check carries the name of its kind."""
    found = {kind: each for kind, each in runs.items() if isinstance(each, Run)}
    skipped = {kind: each for kind, each in runs.items() if isinstance(each, str)}
    return verdict_of(
        {
            f"{kind}: {check}": texts
            for kind, each in found.items()
            for check, texts in each.findings.items()
        },
        shortfalls=[
            *(f"{kind}: {text}" for kind, each in found.items() for text in each.shortfalls),
            *(f"{kind}: not provoked, for {reason}" for kind, reason in skipped.items()),
        ],
        figures={kind: dict(each.figures) for kind, each in found.items()},
        plan=plan,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", action="append", choices=[*KINDS])
    parser.add_argument("--n", type=int, default=30, help="kills and power cuts of each policy")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--slow", type=float, default=1.0, help="wait so many times longer, on a busy machine"
    )
    given = parser.parse_args()
    logging.getLogger("detent").setLevel(logging.ERROR)
    runs = {}
    for kind in given.kind or KINDS:
        began = time.monotonic()
        runs[kind] = asyncio.run(run(kind, given.n, given.seed, given.slow))
        print(f"{kind}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return show(verdict(runs, vars(given)))


if __name__ == "__main__":
    sys.exit(main())
