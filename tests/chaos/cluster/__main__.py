"""The cluster test: orders under load while slots move, masters die and nodes come and go; prints the verdict.

    python -m tests.chaos.cluster --seed 1

Writes its files into --folder (a temporary one by default). Exit code: 0 pass, 1 fail, 2 invalid (too little was provoked to
prove anything).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.chaos.cluster.reshaping import Steps
from tests.chaos.cluster.run import Plan, run
from tests.chaos.rig.verdicts import show


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=Plan.executions)
    parser.add_argument("--moves", type=int, default=Steps.moves)
    parser.add_argument("--failovers", type=int, default=Steps.failovers)
    parser.add_argument("--killed-moving", type=int, default=Steps.killed_moving)
    parser.add_argument("--joins", type=int, default=Steps.joins)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--wait", action="store_true", help="acknowledgements await a replica")
    parser.add_argument("--slow", type=float, default=Plan.slow, help="times slower than alone")
    parser.add_argument("--first-port", type=int)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    logging.getLogger("detent").setLevel(logging.ERROR)
    steps = Steps(
        moves=given.moves,
        failovers=given.failovers,
        killed_moving=given.killed_moving,
        joins=given.joins,
    )
    plan = Plan(
        executions=given.executions,
        seed=given.seed,
        steps=steps,
        wait=given.wait,
        slow=given.slow,
        first_port=given.first_port,
    )
    folder = given.folder or Path(tempfile.mkdtemp(prefix="detent-cluster-"))
    found = asyncio.run(run(plan, folder))
    print(f"The files of the run are in {folder}.", file=sys.stderr)
    return show(found)


if __name__ == "__main__":
    sys.exit(main())
