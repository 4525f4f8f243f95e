"""The races, as a command. See run.py.

python -m tests.chaos.races --rounds 10000
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from tests.chaos.races.run import Plan, run
from tests.chaos.rig.verdicts import show


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos.races", description=__doc__)
    parser.add_argument("--rounds", type=int, default=Plan.rounds, help="of each kind")
    parser.add_argument("--http-rounds", type=int, default=Plan.http_rounds)
    parser.add_argument("--concurrent", type=int, default=Plan.concurrent)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--mutant", default="", help="of tests/chaos/broken/program.py")
    given = parser.parse_args()
    logging.getLogger("detent").setLevel(logging.ERROR)
    return show(asyncio.run(run(Plan(**vars(given)))))


if __name__ == "__main__":
    sys.exit(main())
