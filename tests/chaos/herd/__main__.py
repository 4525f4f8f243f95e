"""A herd of timers, as a command. See run.py.

python -m tests.chaos.herd --n 100000 [--kills 20]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from tests.chaos.herd.run import Plan, run
from tests.chaos.rig.verdicts import show


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos.herd", description=__doc__)
    parser.add_argument("--n", type=int, default=Plan.n, help="executions due in one second")
    parser.add_argument("--kills", type=int, default=Plan.kills, help="engines, while it fires")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--settle-seconds", type=float, default=Plan.settle_seconds)
    parser.add_argument("--idle", action="store_true", help="hold bounds of time against the run")
    parser.add_argument("--mutant", default="", help="of tests/chaos/broken/program.py")
    given = parser.parse_args()
    logging.getLogger("detent").setLevel(logging.ERROR)
    return show(asyncio.run(run(Plan(**vars(given)))))


if __name__ == "__main__":
    sys.exit(main())
