"""`python -m tests.chaos.poison [--seed N] [--kinds 12] [--good 1700]`: exit code 0 pass, 1 fail, 2 invalid."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.chaos.poison.run import Plan, run
from tests.chaos.rig.verdicts import show


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", type=int, default=14, help="of poison (14, which are all)")
    parser.add_argument("--good", type=int, default=1700, help="good executions in each phase")
    parser.add_argument("--folder", type=Path, help="kept; a temporary one by default")
    options = parser.parse_args()
    plan = Plan(seed=options.seed, kinds=options.kinds, good=options.good)
    with tempfile.TemporaryDirectory(prefix="dtp") as temporary:
        return show(asyncio.run(run(plan, options.folder or Path(temporary))))


if __name__ == "__main__":
    sys.exit(main())
