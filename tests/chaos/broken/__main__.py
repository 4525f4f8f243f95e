"""All broken engines against the runs that must notice them, and sound ones, of which nothing may be found.

    python -m tests.chaos.broken [--seeds 5]

Exit code: 0 every broken engine was caught and no sound one blamed, 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from typing import Any

from tests.chaos.broken.trials import RACED, SOUND, TRIALS, caught
from tests.chaos.rig.verdicts import show, verdict_of


async def judge(only: str, seed: int, seeds: int) -> dict[str, Any]:
    findings: dict[str, list[str]] = {"missed": [], "blamed": []}
    figures: dict[str, Any] = {}
    shortfalls: list[str] = []
    trials = [trial for trial in (*TRIALS, RACED) if only in trial.mutant]
    count = 0
    for trial in trials:
        began = time.monotonic()
        by = caught(trial, await trial.run(trial.mutant, seed))
        count += bool(by) and trial is not RACED
        if not by:
            findings["missed"].append(f"{trial.mutant} ({trial.broken}) by the {trial.family}")
        _tell(figures, f"{trial.mutant}, {trial.family}", by, began)
    figures["caught"] = f"{count} of {sum(trial is not RACED for trial in trials)}"
    for number in range(seed, seed + seeds):
        for name, run in SOUND:
            began = time.monotonic()
            verdict = await run("", number)
            if verdict["verdict"] == "fail":
                findings["blamed"].append(f"{name}, seed {number}: {verdict['examples']}")
            if verdict["verdict"] == "invalid":
                shortfalls.append(f"{name}, seed {number}: {verdict['shortfalls']}")
            _tell(figures, f"sound {number}, {name}", [verdict["verdict"]], began)
    plan = {"only": only, "seed": seed, "seeds": seeds}
    return verdict_of(findings, shortfalls=shortfalls, figures=figures, plan=plan)


def _tell(figures: dict[str, Any], name: str, by: list[str], began: float) -> None:
    figures[name] = {"by": by, "seconds": round(time.monotonic() - began, 1)}
    print(f"{name}: {', '.join(by) or 'nothing'} in {figures[name]['seconds']} s", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos.broken", description=__doc__)
    parser.add_argument("--only", default="", help="mutants whose name holds this")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5, help="of sound engines")
    given = parser.parse_args()
    logging.getLogger("detent").setLevel(logging.ERROR)
    return show(asyncio.run(judge(**vars(given))))


if __name__ == "__main__":
    sys.exit(main())
